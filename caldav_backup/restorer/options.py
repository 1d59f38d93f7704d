"""What is to be restored, where to, and what happens to what is there already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class OnConflict(Enum):
    """What happens to an event that is there with another meaning."""

    SKIP = "skip"
    REPLACE = "replace"
    NEWER = "newer"
    DUPLICATE = "duplicate"
    FAIL = "fail"


class Uids(Enum):
    """Whether records keep their UIDs, or get new ones and stand beside what is there."""

    KEEP = "keep"
    NEW = "new"


class Invites(Enum):
    """What guests get: no word of it, no mention in what is sent, or whatever the server does of itself."""

    SUPPRESS = "suppress"
    STRIP = "strip"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class RestoreOptions:
    """What a restore is asked to do.

    `path` is a place in the snapshot (`/`, `/work`, `/work/lunch.ics`); `calendars` are globs of directory or display
    names, `events` are UIDs, `texts` are words of which one is in the record, `kinds` are kinds of components
    (`VEVENT`); each empty: everything. `since` (inclusive) and `until` (exclusive) are moments with a time zone between
    which the record takes place at least once. `mapping` pairs calendars of the snapshot with calendars of the
    destination, by any of their names; `into` is one calendar for everything. Without `create_calendars` none is made,
    without `properties` new ones get their name only, without `verify` nothing is read back. `delete_extra` removes
    what is there and is not in the snapshot, from the calendars that are restored. With `keep_twins` a record is
    written although another one of the snapshot says the same.
    """

    path: str = "/"
    calendars: Sequence[str] = ()
    events: Sequence[str] = ()
    texts: Sequence[str] = ()
    kinds: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None
    mapping: Sequence[tuple[str, str]] = ()
    into: str = ""
    on_conflict: OnConflict = OnConflict.SKIP
    uids: Uids = Uids.KEEP
    invites: Invites = Invites.SUPPRESS
    create_calendars: bool = True
    properties: bool = True
    verify: bool = True
    delete_extra: bool = False
    keep_twins: bool = False

    @property
    def selects_records(self) -> bool:
        """True when not all records of a calendar are meant."""
        return bool(self.events or self.texts or self.kinds or self.since or self.until)
