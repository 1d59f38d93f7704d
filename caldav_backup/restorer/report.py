"""What came of a restore: one result per record, and what was noticed on the way. Frozen values for people and JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from caldav_backup.restorer.selection import StoredCalendar


class Result(Enum):
    """What became of a record."""

    CREATED = "created"
    IDENTICAL = "identical"
    REPLACED = "replaced"
    SKIPPED = "skipped"
    HELD = "held"
    FAILED = "failed"


class ReadBack(Enum):
    """What a record was when it was read back."""

    NOT_READ = "not read"
    SAME = "same"
    REWRITTEN = "rewritten"
    CHANGED = "changed"
    MISSING = "missing"


class RecordResult(NamedTuple):
    """One record. `reason` says why it was not written, or what else to know of it.

    `differs` names what read back otherwise than it was sent (`lost VEVENT GEO`, `added VEVENT DURATION`, `changed
    VEVENT RRULE`); `rewritten` names what the destination writes in its own way without changing what it means
    (`order`, `folding`, `DTSTAMP`).
    """

    name: str
    result: Result
    reason: str = ""
    read_back: ReadBack = ReadBack.NOT_READ
    differs: Sequence[str] = ()
    rewritten: Sequence[str] = ()
    title: str = ""


class Erasure(Enum):
    """What became of a record that was to be removed."""

    DELETED = "deleted"
    SKIPPED = "skipped"
    HELD = "held"
    FAILED = "failed"


class ErasureResult(NamedTuple):
    """One record of the destination that the snapshot does not have."""

    leaf: str
    uid: str
    title: str
    result: Erasure
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CalendarReport:
    """One calendar's records in the directory's order.

    `target` and `key` are where they went; `not_kept` are attributes that a new calendar did not keep, `reason` says
    why nothing could be written to it at all.
    """

    stored: StoredCalendar
    target: str
    key: str
    created: bool
    records: Sequence[RecordResult]
    not_kept: Sequence[str] = ()
    reason: str = ""
    extras: Sequence[ErasureResult] = ()
    kept: str = ""


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """`stopped_by` is what ended the restore before its end; records that were not reached are failed then."""

    snapshot: bytes
    destination: str
    calendars: Sequence[CalendarReport]
    verified: bool
    stopped_by: Exception | None = None

    def counts(self) -> Mapping[Result, int]:
        """How many records each result has."""
        counted = Counter(record.result for record in self._records())
        return {result: counted[result] for result in Result}

    def erasures(self) -> Mapping[Erasure, int]:
        """How many records that were to be removed have each result."""
        counted = Counter(extra.result for calendar in self.calendars for extra in calendar.extras)
        return {result: counted[result] for result in Erasure}

    @property
    def differing(self) -> int:
        """Records that the destination keeps in another meaning than they were sent in."""
        return sum(record.read_back is ReadBack.CHANGED for record in self._records())

    @property
    def unread(self) -> int:
        """Records that were written and could not be read back, although that was wanted."""
        written = (record for record in self._records() if record.result in (Result.CREATED, Result.REPLACED))
        return sum(self.verified and record.read_back is ReadBack.NOT_READ for record in written)

    def _records(self) -> Iterator[RecordResult]:
        return (record for calendar in self.calendars for record in calendar.records)
