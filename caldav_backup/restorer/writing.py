"""Writing one calendar's records, several at once, while the next ones are read from the snapshot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from caldav_backup.restorer.contents import Stored, iter_records, next_batch
from caldav_backup.restorer.plan import CalendarPlan, RecordPlan
from caldav_backup.restorer.report import RecordResult
from caldav_backup.restorer.sending import Sender
from caldav_backup.restorer.verifying import Sent

if TYPE_CHECKING:
    from caldav_backup.kloset.snapshot import Snapshot


class _Job(NamedTuple):
    place: int
    record: RecordPlan
    stored: Stored


@dataclass(slots=True)
class Writer:
    """Writes records of `calendar` through `sender`; each one's result goes into `results`, and `tell` hears it."""

    snapshot: Snapshot
    calendar: CalendarPlan
    sender: Sender
    results: list[RecordResult]
    tell: Callable[[CalendarPlan, RecordResult], None]
    #: What was written so far.
    sent: list[Sent] = field(default_factory=list)
    #: Places of records whose UID another object has, and that object's key ("" where nobody said which).
    blocked: dict[int, str] = field(default_factory=dict)

    async def write(self, places: Collection[int]) -> None:
        """Write the records at these places of the calendar."""
        async with aclosing(self._jobs(places)) as jobs:
            if self.sender.destination.concurrency > 1:
                await self._write_at_once(jobs)
                return
            # A queue with a task at each end takes longer than a file.
            async for job in jobs:
                await self._send(job)

    async def _write_at_once(self, jobs: AsyncIterator[_Job]) -> None:
        width = self.sender.destination.concurrency
        queue: asyncio.Queue[_Job | None] = asyncio.Queue(maxsize=width)

        async def work() -> None:
            while (job := await queue.get()) is not None:
                await self._send(job)

        try:
            async with asyncio.TaskGroup() as group:
                workers = [group.create_task(work()) for _ in range(width)]
                async for job in jobs:
                    await queue.put(job)
                for _ in workers:
                    await queue.put(None)
        except ExceptionGroup as failed:
            raise _first(failed) from failed

    async def _send(self, job: _Job) -> None:
        sending = await self.sender.send(job.place, job.record, job.stored.content or b"")
        self.results[job.place] = sending.result
        self.sent.extend(sending.sent)
        self.blocked.pop(job.place, None)
        if sending.blocked_by is not None:
            self.blocked[job.place] = sending.blocked_by
        self.tell(self.calendar, sending.result)

    async def _jobs(self, places: Collection[int]) -> AsyncGenerator[_Job]:
        """The records to write in their order, read batch by batch in a thread."""
        to_write = {self.calendar.records[place].name: place for place in places}
        if not to_write:
            return
        batches = iter_records(self.snapshot, self.calendar.stored, to_write.__contains__)
        while batch := await asyncio.to_thread(next_batch, batches):
            for stored in batch:
                place = to_write[stored.name]
                yield _Job(place, self.calendar.records[place], stored)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first of the errors that a group holds, however deep: workers mostly fail together, of one cause."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
