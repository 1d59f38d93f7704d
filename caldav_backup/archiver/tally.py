"""The running counts of one backup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from caldav_backup.archiver.guards import Trip
from caldav_backup.archiver.outcome import Outcome


@dataclass(slots=True)
class Tally:
    """Counts that grow while calendars are stored; `outcome` freezes them."""

    source: str
    calendars: int
    left_out: Sequence[tuple[str, str]] = ()
    records: int = 0
    fetched: int = 0
    unchanged: int = 0
    deleted: int = 0
    size: int = 0
    stale: int = 0
    listed: int = 0
    due: int = 0
    unmoved: int = 0
    is_changed: bool = False
    trips: list[Trip] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[tuple[str, str]] = field(default_factory=list)

    def outcome(self, snapshot: str | None, tags: Sequence[str], requests: int) -> Outcome:
        """What is known now, for good."""
        return Outcome(
            source=self.source,
            snapshot=snapshot,
            calendars=self.calendars,
            records=self.records,
            fetched=self.fetched,
            unchanged=self.unchanged,
            deleted=self.deleted,
            size=self.size,
            stale=self.stale,
            requests=requests,
            listed=self.listed,
            due=self.due,
            unmoved=self.unmoved,
            trips=tuple(self.trips),
            failures=tuple(self.failures),
            warnings=tuple(self.warnings),
            left_out=tuple(self.left_out),
            tags=tuple(tags),
        )
