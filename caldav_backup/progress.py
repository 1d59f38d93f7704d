"""What a run tells those who watch it: frozen events, handed to one callback. Nothing here prints.

The archiver, the restorer and whoever runs a check emit; the command line renders (a bar on a terminal, lines without
one, nothing with -q).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CalendarsFound:
    """Discovery is done: `selected` calendars of `found` will be read; `left_out` are (name, reason) pairs."""

    found: int
    selected: int
    left_out: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class CalendarListed:
    """A calendar's listing is known: `total` records, of which `to_fetch` are new or changed, `deleted` vanished."""

    path: str
    displayname: str
    total: int
    to_fetch: int
    deleted: int


@dataclass(frozen=True, slots=True)
class RecordsStored:
    """`count` records (`size` bytes in all) of a calendar were fetched and handed to the store."""

    path: str
    count: int
    size: int


@dataclass(frozen=True, slots=True)
class RecordFailed:
    """One record could not be read or written; the run goes on."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Warned:
    """Something a person should know, which is no failure."""

    message: str


@dataclass(frozen=True, slots=True)
class Noted:
    """Something that is good to know for whoever watches."""

    message: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing goes on until somebody else is done: `holder` says who."""

    holder: str


@dataclass(frozen=True, slots=True)
class Planned:
    """A restore's plan is known: how many records there are to decide on and to write."""

    total: int
    to_write: int


@dataclass(frozen=True, slots=True)
class RecordRestored:
    """One record of a restore is done; `result` is created, identical, replaced, skipped, held or failed."""

    path: str
    result: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LookedAt:
    """A check is through with `done` of `total` things of the kind `what`, a plural; then comes the next kind."""

    what: str
    done: int
    total: int


Event = (
    CalendarsFound
    | CalendarListed
    | RecordsStored
    | RecordFailed
    | Warned
    | Noted
    | Waiting
    | Planned
    | RecordRestored
    | LookedAt
)

Progress = Callable[[Event], None]


def silent(event: Event) -> None:
    """A `Progress` for nobody."""
