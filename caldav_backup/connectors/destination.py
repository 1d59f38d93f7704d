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
    """The record is there, in this version (ETag "" when the destination told none); `note` says what to know of it."""

    version: Version
    note: str = ""


class Deleted(NamedTuple):
    """The record is not there any more; `note` says what to know of it."""

    note: str = ""


class Refused(NamedTuple):
    """The destination does not take this record, for this reason; it may take others.

    `for_its_form`: the object itself is what it does not like, so that another form of the same may be taken.
    """

    reason: str
    for_its_form: bool = False


class Taken(NamedTuple):
    """Nothing was written: something stands at that place, or what was to be replaced has changed meanwhile."""

    reason: str


class UidTaken(NamedTuple):
    """Nothing was written: another object of the account has this UID, at `key` ("" when the destination hides it)."""

    reason: str
    key: str = ""


class Held(NamedTuple):
    """Nothing was written, since nothing is known that would keep the destination from mailing guests."""

    reason: str


Outcome = Written | Refused | Taken | UidTaken | Held
Deletion = Deleted | Refused | Taken | Held


@dataclass(frozen=True, slots=True)
class Created:
    """A calendar that was made, and the names of the attributes that did not stick (`color: refused with 403`)."""

    collection: Collection
    not_kept: Sequence[str] = ()


class Scheduling(Enum):
    """Whether writing an event with guests mails them."""

    NONE = "mails nobody"
    BY_HEADERS = "mails guests unless the request asks it not to"
    SUPPRESSIBLE = "mails guests unless the object says that the client does"
    UNSTOPPABLE = "nothing is known that keeps it from mailing guests"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one calendar of a destination takes: kinds of components (none: all), and bytes of one object (0: any)."""

    components: Sequence[str] = ()
    max_size: int = 0

    def warnings(self, content: bytes) -> Sequence[str]:
        """What the destination will not take or not keep of this object, as far as that is known beforehand."""
        del content
        return ()


class Ending(Enum):
    """What became of a destination that is one thing, once everything was handed to it."""

    WRITTEN = "written"
    REPLACED = "in the place of another file, which is kept with ~ behind its name"
    IDENTICAL = "was there already, byte for byte"
    KEPT = "was there with other content and was left alone"
    UNFINISHED = "is not there, since not all of it could be written"


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
    def has_account_wide_uids(self) -> bool:
        """True when no two calendars may hold the same UID; known after `catalogue`."""

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

    async def list_uids(self, collection: Collection) -> Mapping[str, str] | None:
        """UIDs by `Version.key`, in one or two requests; None, or fewer, where that costs no less than fetching."""

    async def fetch(self, collection: Collection, versions: Sequence[Version]) -> list[Record]:
        """The records of `versions` (at most some hundred), in the same order; one bad record never raises."""

    async def read(self, key: str) -> Record:
        """One record by its key, whichever calendar it is in."""

    async def limits(self, collection: Collection | None) -> Limits:
        """What the calendar says that it takes, or what is known of new ones."""

    def refusal(self, collection: Collection) -> str:
        """Why nothing can be written to this calendar (read-only, a symbolic link …); "" when it can."""

    def leaf(self, name: str, uid: str | None, attempt: int = 0) -> str:
        """What a record of that name in a snapshot is called here; every further attempt gives another name."""

    async def begin(self, displaynames: Sequence[str]) -> None:
        """The calendars of these names are about to be written."""

    async def create(self, hint: str, attributes: Mapping[str, bytes]) -> Created:
        """Make a calendar, called `hint` or like it, with as many of `attributes` as are kept; or `CalendarNotMade`."""

    async def complete(self, collection: Collection, attributes: Mapping[str, bytes]) -> Sequence[str]:
        """Give a calendar that is there what it lacks of `attributes`; what it did not keep, as in `Created`."""

    async def write(
        self, collection: Collection, leaf: str, content: bytes, *, replaced: Version | None, silent: bool
    ) -> Outcome:
        """Put one record: over `replaced` only while that is its state, else only where nothing is.

        `silent`: the destination is asked to mail nobody.
        """

    async def delete(self, collection: Collection, version: Version, *, silent: bool) -> Deletion:
        """Remove one record while that is its state. `silent`: the destination is asked to mail nobody."""

    async def finish(self, *, replace: bool) -> Ending:
        """Everything was handed over: make it lasting. `replace`: a file with other content may be overwritten."""

    async def close(self) -> None:
        """Give back connections; whatever is not finished leaves nothing behind."""
