"""Doing what a plan says: calendars made, records written, everything read back, each record with its result.

Owns the order and what ends it. One refused record is a result and the rest goes on; a destination that cannot be
reached any more ends the restore, with a report of how far it came, and running it again does the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from caldav_backup.connectors.base import Collection
from caldav_backup.connectors.destination import CalendarNotMade, Created, Destination, DestinationError, Ending
from caldav_backup.kloset.errors import KlosetError
from caldav_backup.progress import Progress, RecordRestored, silent
from caldav_backup.restorer.options import OnConflict
from caldav_backup.restorer.plan import Action, CalendarPlan, MatchedBy, RecordPlan, RestorePlan
from caldav_backup.restorer.report import CalendarReport, RecordResult, RestoreReport, Result
from caldav_backup.restorer.verifying import Verifier
from caldav_backup.restorer.writing import Writer

if TYPE_CHECKING:
    from caldav_backup.kloset.snapshot import Snapshot

NOT_REACHED = "was not reached"

#: What a plan says of records that are not written, as results.
_DECIDED = {
    Action.IDENTICAL: Result.IDENTICAL,
    Action.CONFLICT: Result.SKIPPED,
    Action.HOLD: Result.HELD,
    Action.CANNOT: Result.FAILED,
}


async def apply(
    plan: RestorePlan, snapshot: Snapshot, destination: Destination, *, progress: Progress = silent
) -> RestoreReport:
    """Carry out `plan`, which was made of `snapshot` and `destination`; then read back what was written."""
    run = _Run(plan, snapshot, destination, progress)
    stopped_by: Exception | None = None
    ending = Ending.WRITTEN
    try:
        await destination.begin(list(dict.fromkeys(calendar.name for calendar in plan.calendars)))
        for number, calendar in enumerate(plan.calendars):
            await run.restore(number, calendar)
        ending = await destination.finish(replace=plan.options.on_conflict is OnConflict.REPLACE)
    except (DestinationError, KlosetError) as error:
        stopped_by = error
    reports = [run.report(number, calendar, ending) for number, calendar in enumerate(plan.calendars)]
    verified = plan.options.verify and destination.can_read_back and stopped_by is None
    return RestoreReport(plan.snapshot, plan.destination, reports, verified, stopped_by)


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a calendar's records go, once that is known; `made` if it is new."""

    collection: Collection
    made: Created | None = None


@dataclass(slots=True)
class _Run:
    plan: RestorePlan
    snapshot: Snapshot
    destination: Destination
    progress: Progress
    targets: dict[tuple[str, str], _Target] = field(default_factory=dict)
    results: dict[int, list[RecordResult]] = field(default_factory=dict)

    async def restore(self, number: int, calendar: CalendarPlan) -> None:
        results = self.results[number] = self._decided(calendar)
        for record, result in zip(calendar.records, results, strict=True):
            if not self.plan.writes(record):
                self._tell(calendar, result)
        if calendar.reason:
            return
        try:
            target = await self._target(calendar)
        except CalendarNotMade as error:
            self._fail_all(calendar, results, str(error))
            return
        writer = Writer(self.plan, self.snapshot, self.destination, self._tell)
        sent = await writer.write_all(calendar, target.collection, results)
        if self.plan.options.verify and self.destination.can_read_back:
            verifier = Verifier(self.snapshot, self.destination, calendar.stored, self.plan.options)
            await verifier.verify(target.collection, sent, results)

    def report(self, number: int, calendar: CalendarPlan, ending: Ending) -> CalendarReport:
        target = self.targets.get(calendar.target_key)
        collection = target.collection if target else calendar.collection
        made = target.made if target else None
        return CalendarReport(
            stored=calendar.stored,
            target=calendar.name,
            key=collection.key if collection else "",
            created=made is not None,
            records=[_ended(result, ending) for result in self.results.get(number) or self._decided(calendar)],
            not_kept=made.not_kept if made else (),
            reason=calendar.reason,
        )

    def _decided(self, calendar: CalendarPlan) -> list[RecordResult]:
        """The results that the plan holds already; what is to be written counts as failed until it is."""
        return [self._decided_record(record) for record in calendar.records]

    def _decided_record(self, record: RecordPlan) -> RecordResult:
        if self.plan.writes(record):
            return RecordResult(record.name, Result.FAILED, NOT_REACHED)
        return RecordResult(record.name, _DECIDED[record.action], record.reason)

    async def _target(self, calendar: CalendarPlan) -> _Target:
        key = calendar.target_key
        if key not in self.targets:
            collection = calendar.collection
            if collection is not None:
                self.targets[key] = _Target(collection)
            else:
                made = await self._create(calendar)
                self.targets[key] = _Target(made.collection, made)
        return self.targets[key]

    async def _create(self, calendar: CalendarPlan) -> Created:
        stored = calendar.stored
        keeps = self.plan.options.properties and calendar.matched_by is not MatchedBy.INTO
        attributes: Mapping[str, bytes] = stored.attributes if keeps else {}
        hint = stored.name if calendar.matched_by is MatchedBy.NEW else calendar.name
        return await self.destination.create(
            hint, {**attributes, "displayname": calendar.name.encode("utf-8", "replace")}
        )

    def _fail_all(self, calendar: CalendarPlan, results: list[RecordResult], reason: str) -> None:
        for index, record in enumerate(calendar.records):
            if self.plan.writes(record):
                results[index] = RecordResult(record.name, Result.FAILED, reason)
                self._tell(calendar, results[index])

    def _tell(self, calendar: CalendarPlan, result: RecordResult) -> None:
        path = f"{calendar.stored.path.rstrip('/')}/{result.name}"
        self.progress(RecordRestored(path, result.result.value, result.reason))


def _ended(result: RecordResult, ending: Ending) -> RecordResult:
    """A record's result once it is known what became of the one file that all of them went to."""
    if ending is Ending.WRITTEN or result.result is not Result.CREATED:
        return result
    if ending is Ending.IDENTICAL:
        return result._replace(result=Result.IDENTICAL)
    return result._replace(result=Result.SKIPPED, reason="the file is there with other content (--on-conflict replace)")
