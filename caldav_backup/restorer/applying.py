"""Doing what a plan says: calendars made, records written and removed, everything read back, each with its result.

Owns the order and what ends it. One refused record is a result and the rest goes on; a destination that cannot be
reached any more ends the restore, with a report of how far it came, and running it again does the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from caldav_backup.connectors.base import Collection
from caldav_backup.connectors.destination import CalendarNotMade, Destination, DestinationError, Ending
from caldav_backup.kloset.errors import KlosetError
from caldav_backup.progress import Progress, RecordRestored, silent
from caldav_backup.restorer.deciding import seed_of
from caldav_backup.restorer.erasing import Eraser
from caldav_backup.restorer.errors import ConflictFound
from caldav_backup.restorer.options import Invites, OnConflict
from caldav_backup.restorer.plan import Action, CalendarPlan, MatchedBy, RecordPlan, RestorePlan
from caldav_backup.restorer.report import (
    CalendarReport,
    Erasure,
    ErasureResult,
    RecordResult,
    RestoreReport,
    Result,
)
from caldav_backup.restorer.sending import Sender
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
    """Carry out `plan`, which was made of `snapshot` and `destination`; then read back what was written.

    Everything is written before anything is removed, and removed before anything is read back.
    """
    run = _Run(snapshot, destination, progress, [_Deed(plan, calendar) for calendar in plan.calendars])
    stopped_by: Exception | None = None
    ending = Ending.WRITTEN
    try:
        await destination.begin(list(dict.fromkeys(calendar.name for calendar in plan.calendars)))
        await run.carry_out()
        ending = await destination.finish(replace=plan.options.on_conflict is OnConflict.REPLACE)
    except (DestinationError, KlosetError, ConflictFound) as error:
        stopped_by = error
        # One file appears whole or not at all, and half an archive in a pipe is none.
        ending = Ending.WRITTEN if destination.can_read_back else Ending.UNFINISHED
    reports = [deed.report(ending) for deed in run.deeds]
    verified = plan.options.verify and destination.can_read_back and stopped_by is None
    return RestoreReport(plan.snapshot, plan.destination, reports, verified, stopped_by)


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a calendar's records go, once that is known, and what it did not keep of its properties."""

    collection: Collection
    is_new: bool = False
    not_kept: Sequence[str] = ()


class _Deed:
    """What has become of one calendar so far; what was not reached counts as failed."""

    def __init__(self, plan: RestorePlan, calendar: CalendarPlan) -> None:
        self.plan = plan
        self.calendar = calendar
        self.target: _Target | None = None
        self.writer: Writer | None = None
        self.results = [self._before(record) for record in calendar.records]
        self.erasures = [
            ErasureResult(extra.version.leaf, extra.uid, extra.title, Erasure.FAILED, NOT_REACHED)
            for extra in calendar.extras
        ]

    @property
    def to_write(self) -> list[int]:
        """The places of the records that are to be written."""
        return [place for place, record in enumerate(self.calendar.records) if self.plan.writes(record)]

    def report(self, ending: Ending) -> CalendarReport:
        collection = self.target.collection if self.target else self.calendar.collection
        return CalendarReport(
            stored=self.calendar.stored,
            target=self.calendar.name,
            key=collection.key if collection else "",
            created=self.target is not None and self.target.is_new,
            records=[_ended(result, ending) for result in self.results],
            not_kept=self.target.not_kept if self.target else (),
            reason=self.calendar.reason,
            extras=self.erasures,
            kept=self.calendar.kept,
        )

    def _before(self, record: RecordPlan) -> RecordResult:
        if self.plan.writes(record):
            return RecordResult(record.name, Result.FAILED, NOT_REACHED, title=record.title)
        return RecordResult(record.name, _DECIDED[record.action], record.reason, title=record.title)


@dataclass(slots=True)
class _Run:
    snapshot: Snapshot
    destination: Destination
    progress: Progress
    deeds: list[_Deed]
    targets: dict[tuple[str, str], _Target] = field(default_factory=dict)

    async def carry_out(self) -> None:
        is_whole = not any(deed.calendar.extras for deed in self.deeds)
        # What is to be removed may stand in the way of what is written, in any calendar.
        for deed in self.deeds:
            await self._write(deed)
            if is_whole:
                await self._verify(deed)
        if is_whole:
            return
        removed: set[str] = set()
        for deed in self.deeds:
            removed |= await self._erase(deed)
        for deed in self.deeds:
            await self._write_again(deed, removed)
            await self._verify(deed)

    async def _write(self, deed: _Deed) -> None:
        """Every record of the calendar that is to be written."""
        calendar = deed.calendar
        for record, result in zip(calendar.records, deed.results, strict=True):
            if not deed.plan.writes(record):
                self._tell(calendar, result)
        if calendar.reason:
            return
        try:
            deed.target = await self._target(deed.plan, calendar)
        except CalendarNotMade as error:
            self._fail_all(deed, str(error))
            return
        seed = seed_of(calendar.name, calendar.stored.path)
        sender = Sender(self.destination, deed.plan.options, deed.target.collection, seed)
        deed.writer = Writer(self.snapshot, calendar, sender, deed.results, self._tell)
        await deed.writer.write(deed.to_write)

    async def _erase(self, deed: _Deed) -> set[str]:
        """Remove what is not in the snapshot; the keys of what was there."""
        if deed.target is None:
            return set()
        is_silent = deed.plan.options.invites is not Invites.ALLOW
        eraser = Eraser(self.destination, deed.target.collection, is_silent)
        removed: set[str] = set()
        for number, extra in enumerate(deed.calendar.extras):
            result = deed.erasures[number] = await eraser.erase(extra)
            if result.result is Erasure.DELETED:
                removed.add(extra.version.key)
            path = f"{deed.calendar.stored.path.rstrip('/')}/{result.leaf}"
            self.progress(RecordRestored(path, result.result.value, result.reason))
        return removed

    async def _write_again(self, deed: _Deed, removed: set[str]) -> None:
        """Records whose UID something had that is gone now."""
        if deed.writer is None or not removed:
            return
        freed = [place for place, key in deed.writer.blocked.items() if not key or key in removed]
        await deed.writer.write(freed)

    async def _verify(self, deed: _Deed) -> None:
        if deed.writer is None or not (deed.plan.options.verify and self.destination.can_read_back):
            return
        copies = deed.writer.sender.copies
        verifier = Verifier(self.snapshot, self.destination, deed.calendar.stored, copies, self.progress)
        await verifier.verify(deed.writer.sender.collection, deed.writer.sent, deed.results)

    async def _target(self, plan: RestorePlan, calendar: CalendarPlan) -> _Target:
        key = calendar.target_key
        if key not in self.targets:
            keeps = plan.options.properties and calendar.matched_by is not MatchedBy.INTO
            attributes: Mapping[str, bytes] = calendar.stored.attributes if keeps else {}
            if calendar.collection is None:
                self.targets[key] = await self._create(calendar, attributes)
            else:
                self.targets[key] = await self._complete(calendar, calendar.collection, attributes)
        return self.targets[key]

    async def _create(self, calendar: CalendarPlan, attributes: Mapping[str, bytes]) -> _Target:
        hint = calendar.stored.name if calendar.matched_by is MatchedBy.NEW else calendar.name
        displayname = calendar.name.encode("utf-8", "replace")
        made = await self.destination.create(hint, {**attributes, "displayname": displayname})
        return _Target(made.collection, is_new=True, not_kept=made.not_kept)

    async def _complete(
        self, calendar: CalendarPlan, collection: Collection, attributes: Mapping[str, bytes]
    ) -> _Target:
        """A calendar with nothing in it may be one that a restore had just made when it was cut off."""
        if calendar.there or not attributes or not calendar.records:
            return _Target(collection)
        return _Target(collection, not_kept=await self.destination.complete(collection, attributes))

    def _fail_all(self, deed: _Deed, reason: str) -> None:
        for place in deed.to_write:
            deed.results[place] = deed.results[place]._replace(reason=reason)
            self._tell(deed.calendar, deed.results[place])

    def _tell(self, calendar: CalendarPlan, result: RecordResult) -> None:
        path = f"{calendar.stored.path.rstrip('/')}/{result.name}"
        self.progress(RecordRestored(path, result.result.value, result.reason))


def _ended(result: RecordResult, ending: Ending) -> RecordResult:
    """A record's result once it is known what became of the one file that all of them went to."""
    if ending is Ending.WRITTEN or result.result is not Result.CREATED:
        return result
    if ending is Ending.REPLACED:
        return result._replace(reason="; ".join(filter(None, (result.reason, ending.value))))
    if ending is Ending.UNFINISHED:
        return result._replace(result=Result.FAILED, reason=NOT_REACHED)
    if ending is Ending.IDENTICAL:
        return result._replace(result=Result.IDENTICAL)
    return result._replace(result=Result.SKIPPED, reason="the file is there with other content (--on-conflict replace)")
