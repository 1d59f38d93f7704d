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


class RecordResult(NamedTuple):
    """One record. `reason` says why it was not written, or what else to know of it.

    `differs` names what read back otherwise than it was sent (`VEVENT GEO`); empty when it is the same or was not read.
    """

    name: str
    result: Result
    reason: str = ""
    differs: Sequence[str] = ()


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

    @property
    def differing(self) -> int:
        """Records that the destination keeps in another meaning than they were sent in."""
        return sum(bool(record.differs) for record in self._records())

    def _records(self) -> Iterator[RecordResult]:
        return (record for calendar in self.calendars for record in calendar.records)
