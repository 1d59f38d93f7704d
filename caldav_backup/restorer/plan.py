"""A restore's plan: what would be done with each record, and why. Frozen values; showing them is the dry run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from caldav_backup.connectors.base import Collection, Version
from caldav_backup.restorer.options import RestoreOptions
from caldav_backup.restorer.selection import StoredCalendar


class Action(Enum):
    """What is to become of a record."""

    CREATE = "create"
    IDENTICAL = "identical"
    REPLACE = "replace"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    HOLD = "hold"
    CANNOT = "cannot"


class MatchedBy(Enum):
    """Why a calendar goes where it goes."""

    INTO = "into"
    MAP = "map"
    HREF = "href"
    ADDRESS = "address"
    NAME = "name"
    NEW = "new"


#: Actions that write.
WRITING = frozenset({Action.CREATE, Action.REPLACE, Action.DUPLICATE})


class RecordPlan(NamedTuple):
    """One record: `name` in the calendar's directory, `leaf` at the destination ("" = the same).

    `existing` is what stands there in its place; `reason` and `title` are for people. `guests` is how many people the
    destination would mail of it if nothing kept it from doing so, `warnings` is what it will not take or not keep. A
    record that is not written under its own UID has a `uid_seed` that the new one is derived from. `elsewhere` is the
    calendar of `existing` where that is another one of the account. `in_pieces`: the destination took it in pieces
    before, and not all of them are there.
    """

    name: str
    action: Action
    reason: str = ""
    leaf: str = ""
    existing: Version | None = None
    title: str = ""
    guests: int = 0
    warnings: Sequence[str] = ()
    uid_seed: str = ""
    elsewhere: Collection | None = None
    in_pieces: bool = False

    @property
    def destination_leaf(self) -> str:
        """The record's name at the destination."""
        return self.leaf or self.name


class ExtraPlan(NamedTuple):
    """A record of the destination that the snapshot does not have and that is to be removed; see `RecordPlan`."""

    version: Version
    uid: str
    title: str = ""
    guests: int = 0


@dataclass(frozen=True, slots=True)
class CalendarPlan:
    """One calendar's records in the directory's order, and where they go: `collection`, or a new calendar of `name`.

    `reason` says why nothing can be written there at all; "" when nothing speaks against it. `extras` are to be removed
    from the `there` records that the destination has; `kept` says why others that are no longer in the snapshot stay.
    """

    stored: StoredCalendar
    collection: Collection | None
    name: str
    matched_by: MatchedBy
    records: Sequence[RecordPlan]
    reason: str = ""
    extras: Sequence[ExtraPlan] = ()
    there: int = 0
    kept: str = ""

    @property
    def is_new(self) -> bool:
        """True when the calendar is to be made."""
        return self.collection is None

    @property
    def target_key(self) -> tuple[str, str]:
        """The same for calendars that go to one target: they share an existing one, or a new one by the user's word."""
        if self.collection is not None:
            return "existing", self.collection.key
        told = self.matched_by in (MatchedBy.INTO, MatchedBy.MAP)
        return ("told", self.name) if told else ("new", self.stored.path)


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """`snapshot` is its identifier, `destination` its origin, without secrets.

    `same_account`: the snapshot was taken of the account that is restored to.
    """

    snapshot: bytes
    destination: str
    options: RestoreOptions
    calendars: Sequence[CalendarPlan]
    same_account: bool = False

    def counts(self) -> Mapping[Action, int]:
        """How many records each action has."""
        counted = Counter(record.action for record in self._records())
        return {action: counted[action] for action in Action}

    @property
    def total(self) -> int:
        """All selected records."""
        return sum(len(calendar.records) for calendar in self.calendars)

    @property
    def to_write(self) -> int:
        """Records that `apply` would write."""
        return sum(self.writes(record) for record in self._records())

    @property
    def to_replace(self) -> int:
        """Records that `apply` would write over what is there."""
        return sum(record.action is Action.REPLACE for record in self._records())

    @property
    def conflicts(self) -> int:
        """Records that are there in another version, and stay so."""
        return sum(record.action is Action.CONFLICT for record in self._records())

    @property
    def touched(self) -> Sequence[Collection]:
        """The calendars, of those that are there, in which `apply` would write or remove anything, each once."""
        found: dict[str, Collection] = {}
        for calendar in self.calendars:
            places = [each.elsewhere or calendar.collection for each in calendar.records if self.writes(each)]
            for place in (*places, calendar.collection if calendar.extras else None):
                if place is not None:
                    found[place.key] = place
        return list(found.values())

    @property
    def to_delete(self) -> int:
        """Records of the destination that `apply` would remove."""
        return sum(len(calendar.extras) for calendar in self.calendars)

    def writes(self, record: RecordPlan) -> bool:
        """True when `apply` would write this record."""
        return record.action in WRITING

    def merged_by_name(self) -> Sequence[CalendarPlan]:
        """Calendars that would be written into one of another account only because of its name: to be confirmed."""
        if self.same_account:
            return []
        by_name = (one for one in self.calendars if one.matched_by is MatchedBy.NAME)
        return [calendar for calendar in by_name if any(self.writes(record) for record in calendar.records)]

    def _records(self) -> Iterator[RecordPlan]:
        return (record for calendar in self.calendars for record in calendar.records)
