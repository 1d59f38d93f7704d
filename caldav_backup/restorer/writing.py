"""Writing one calendar's records, several at once, while the next ones are read from the snapshot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from caldav_backup import ics
from caldav_backup.connectors.base import Collection
from caldav_backup.connectors.destination import Destination, Held, Outcome, Refused, Taken, UidTaken, Written
from caldav_backup.restorer.contents import Stored, iter_records
from caldav_backup.restorer.guests import Copy, copy_to_send
from caldav_backup.restorer.options import Invites
from caldav_backup.restorer.plan import CalendarPlan, RecordPlan, RestorePlan
from caldav_backup.restorer.report import RecordResult, Result
from caldav_backup.restorer.verifying import Sent

if TYPE_CHECKING:
    from caldav_backup.kloset.snapshot import Snapshot


class _Job(NamedTuple):
    place: int
    record: RecordPlan
    stored: Stored


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes what `plan` says to write; `tell` hears each record's result."""

    plan: RestorePlan
    snapshot: Snapshot
    destination: Destination
    tell: Callable[[CalendarPlan, RecordResult], None]

    async def write_all(
        self, calendar: CalendarPlan, collection: Collection, results: list[RecordResult]
    ) -> list[Sent]:
        """Write the calendar's records and put each one's outcome into `results`; what was written is returned."""
        jobs: asyncio.Queue[_Job | None] = asyncio.Queue(maxsize=2 * self.destination.concurrency)
        sent: list[Sent] = []

        async def work() -> None:
            while (job := await jobs.get()) is not None:
                copy = self._copy(job.stored)
                outcome = await self._write(collection, job.record, copy)
                results[job.place] = _result(job.record, outcome, copy.note)
                self.tell(calendar, results[job.place])
                if isinstance(outcome, Written) and self.plan.options.verify:
                    sent.append(Sent(job.place, outcome.version, ics.meaning_of(copy.content)))

        try:
            async with asyncio.TaskGroup() as group:
                workers = [group.create_task(work()) for _ in range(self.destination.concurrency)]
                await self._feed(calendar, jobs)
                for _ in workers:
                    await jobs.put(None)
        except ExceptionGroup as failed:
            raise _first(failed) from failed
        return sent

    async def _feed(self, calendar: CalendarPlan, jobs: asyncio.Queue[_Job | None]) -> None:
        """Read the records to write, batch by batch in a thread, and hand them to the workers in their order."""
        to_write = {
            record.name: (place, record) for place, record in enumerate(calendar.records) if self.plan.writes(record)
        }
        if not to_write:
            return
        batches = iter_records(self.snapshot, calendar.stored, to_write.__contains__)
        while batch := await asyncio.to_thread(_next, batches):
            for stored in batch:
                place, record = to_write[stored.name]
                await jobs.put(_Job(place, record, stored))

    def _copy(self, stored: Stored) -> Copy:
        return copy_to_send(stored.content or b"", self.plan.options.invites, self.destination.scheduling)

    async def _write(self, collection: Collection, record: RecordPlan, copy: Copy) -> Outcome:
        if copy.held:
            return Refused(copy.note)
        return await self.destination.write(
            collection,
            record.destination_leaf,
            copy.content,
            replaced=record.existing,
            silent=self.plan.options.invites is not Invites.ALLOW,
        )


def _next(batches: Iterator[list[Stored]]) -> list[Stored]:
    return next(batches, [])


def _result(record: RecordPlan, outcome: Outcome, note: str) -> RecordResult:
    match outcome:
        case Written():
            return RecordResult(record.name, Result.REPLACED if record.existing else Result.CREATED, note)
        case Taken(reason) | UidTaken(reason):
            return RecordResult(record.name, Result.SKIPPED, reason)
        case Held(reason):
            return RecordResult(record.name, Result.HELD, reason)
        case Refused(reason):
            return RecordResult(record.name, Result.FAILED, reason)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first of the errors that a group holds, however deep: workers mostly fail together, of one cause."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
