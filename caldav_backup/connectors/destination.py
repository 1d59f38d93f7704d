"""What a destination takes from the restorer: calendars to make, records to write, each with its own outcome.

A destination is read like a source (what is there already, by version and content) and written record by record. One
record that is refused is an outcome, a value; a destination that cannot be written at all is an exception.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol

from caldav_backup.connectors.base import Catalogue, Collection, Record, Version


class DestinationError(Exception):
    """The destination as a whole cannot be used; the message says why and what to do."""


class DestinationNotWritable(DestinationError):
    """Nothing can be written there: no permission, read-only, full."""


class DestinationUnreachable(DestinationError):
    """The server went away, and asking again did not help."""


class DestinationBusy(DestinationError):
    """The server has no time for us, after all retries: try later."""


class LoginRefused(DestinationError):
    """The server does not accept the credentials any more."""


class CalendarNotMade(Exception):
    """One calendar could not be made; the others may still be. The text is the destination's reason."""


class Written(NamedTuple):
    """The record is there, in this version (ETag "" when the destination told none)."""

    version: Version


class Refused(NamedTuple):
    """The destination does not take this record, for this reason; it may take others."""

    reason: str


class Taken(NamedTuple):
    """Nothing was written: something stands at that place, or what was to be replaced has changed meanwhile."""

    reason: str


Outcome = Written | Refused | Taken


@dataclass(frozen=True, slots=True)
class Created:
    """A calendar that was made, and the names of the attributes that did not stick (`color: refused with 403`)."""

    collection: Collection
    not_kept: Sequence[str] = ()


class Scheduling(Enum):
    """Whether writing an event with guests mails them."""

    NONE = "mails nobody"
    SUPPRESSIBLE = "mails guests unless it is told not to"
    UNSTOPPABLE = "nothing is known that keeps it from mailing guests"


class Ending(Enum):
    """What became of a destination that is one thing, once everything was handed to it."""

    WRITTEN = "written"
    IDENTICAL = "was there already, byte for byte"
    KEPT = "was there with other content and was left alone"


class Destination(Protocol):
    """A place that calendars are restored to."""

    @property
    def origin(self) -> str:
        """Where that is, without secrets: `user@host[:port]/path`, or a path."""

    @property
    def scheduling(self) -> Scheduling:
        """What it does to guests; known after `catalogue`."""

    @property
    def can_create(self) -> bool:
        """True when new calendars can be asked for; known after `catalogue`."""

    @property
    def concurrency(self) -> int:
        """How many writes it takes at once."""

    @property
    def can_read_back(self) -> bool:
        """True when what was written can be fetched again."""

    async def catalogue(self) -> Catalogue:
        """The calendars that are there; asked for once, before everything else."""

    async def list_versions(self, collection: Collection) -> list[Version]:
        """Every record of the calendar, in no particular order; `CollectionUnreadable` when that cannot be told."""

    async def fetch(self, collection: Collection, versions: Sequence[Version]) -> list[Record]:
        """The records of `versions` (at most some hundred), in the same order; one bad record never raises."""

    def refusal(self, collection: Collection) -> str:
        """Why nothing can be written to this calendar (read-only, a symbolic link …); "" when it can."""

    def leaf(self, name: str, uid: str | None, attempt: int = 0) -> str:
        """What a record of that name in a snapshot is called here; every further attempt gives another name."""

    async def begin(self, displaynames: Sequence[str]) -> None:
        """The calendars of these names are about to be written."""

    async def create(self, hint: str, attributes: Mapping[str, bytes]) -> Created:
        """Make a calendar, called `hint` or like it, with as many of `attributes` as are kept; or `CalendarNotMade`."""

    async def write(
        self, collection: Collection, leaf: str, content: bytes, *, replaced: Version | None, silent: bool
    ) -> Outcome:
        """Put one record: over `replaced` only while that is its state, else only where nothing is.

        `silent`: the destination is asked to mail nobody.
        """

    async def finish(self, *, replace: bool) -> Ending:
        """Everything was handed over: make it lasting. `replace`: a file with other content may be overwritten."""

    async def close(self) -> None:
        """Give back connections; whatever is not finished leaves nothing behind."""
