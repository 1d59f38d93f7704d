"""What is to be restored, where to, and what happens to what is there already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class OnConflict(Enum):
    """What happens to an event that is there with another meaning."""

    SKIP = "skip"
    REPLACE = "replace"


class Invites(Enum):
    """What guests get: no word of it, no mention in what is sent, or whatever the server does of itself."""

    SUPPRESS = "suppress"
    STRIP = "strip"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class RestoreOptions:
    """What a restore is asked to do.

    `path` is a place in the snapshot (`/`, `/work`, `/work/lunch.ics`); `calendars` are globs of directory or display
    names, `events` are UIDs; each empty: everything. `mapping` pairs calendars of the snapshot with calendars of the
    destination, by any of their names; `into` is one calendar for everything. Without `create_calendars` none is made,
    without `properties` new ones get their name only, without `verify` nothing is read back.
    """

    path: str = "/"
    calendars: Sequence[str] = ()
    events: Sequence[str] = ()
    mapping: Sequence[tuple[str, str]] = ()
    into: str = ""
    on_conflict: OnConflict = OnConflict.SKIP
    invites: Invites = Invites.SUPPRESS
    create_calendars: bool = True
    properties: bool = True
    verify: bool = True
