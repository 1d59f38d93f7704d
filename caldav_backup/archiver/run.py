"""The stages of one backup after the catalogue: survey → plan → fetch → store, calendar by calendar.

Owns what the stages share. What an answer means is `survey`'s and `plan`'s business, what the store does is
`safekeeping`'s.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from caldav_backup.archiver.ahead import ahead
from caldav_backup.archiver.guards import AT_LEAST
from caldav_backup.archiver.last_listing import LastListing
from caldav_backup.archiver.outcome import BackupOptions, Outcome
from caldav_backup.archiver.parents import History, ParentCalendar, Parents
from caldav_backup.archiver.plan import CalendarPlan, Item, plan_changes, plan_listing
from caldav_backup.archiver.safekeeping import Safekeeping
from caldav_backup.archiver.survey import Answer, Prospect, Way, ask
from caldav_backup.archiver.tally import Tally
from caldav_backup.archiver.vanished import Vanished
from caldav_backup.archiver.worker import Worker
from caldav_backup.connectors import naming
from caldav_backup.connectors.base import (
    Catalogue,
    Changes,
    CollectionUnreadable,
    Failed,
    Gone,
    LeftOut,
    Listing,
    Record,
    Resource,
    Source,
)
from caldav_backup.connectors.incremental import KnownResource
from caldav_backup.connectors.settling import has_settled_signals
from caldav_backup.kloset import Damaged
from caldav_backup.marks import PARTIAL, SUSPICIOUS
from caldav_backup.progress import CalendarListed, Progress, RecordFailed, RecordsStored, Warned

#: Batches that are fetched, or wait for the store, at once: what bounds memory and keeps the server busy.
BATCHES_AHEAD = 4
#: Calendars that are listed at once: hides the round trip of small ones; a listing is held as a whole.
LISTINGS_AHEAD = 3

_Known = Sequence[Sequence[tuple[str, KnownResource]]]


class Run:
    """One backup of the calendars `prospects`."""

    def __init__(
        self,
        source: Source,
        options: BackupOptions,
        prospects: Sequence[Prospect],
        *,
        worker: Worker,
        progress: Progress,
        left_out: Sequence[tuple[str, str]],
    ) -> None:
        self._source = source
        self._options = options
        self._prospects = prospects
        self._worker = worker
        self._progress = progress
        self._tally = Tally(source.origin, calendars=len(prospects), left_out=left_out)
        self._read = 0
        #: How many records each calendar of the newest good snapshot holds, by key.
        self._good: dict[str, int] = {}
        #: Why nothing more is asked of a calendar that went away while it was read, by path.
        self._lost: dict[str, str] = {}

    @property
    def tags(self) -> tuple[str, ...]:
        """Those that were asked for, and what has to be said of the snapshot."""
        marks = [(PARTIAL, self._tally.failures), (SUSPICIOUS, self._tally.trips)]
        return (*self._options.tags, *(tag for tag, reasons in marks if reasons))

    def outcome(self, snapshot: str | None, tags: Sequence[str]) -> Outcome:
        """What came of the run."""
        return self._tally.outcome(snapshot, tags or self._options.tags, self._source.requests)

    def miss(self, places: Sequence[LeftOut]) -> None:
        """Count places whose calendars cannot even be named as failures."""
        for place in places:
            self._fail(f"/{naming.safe_name(place.name)}", place.reason)

    def look_for_gone(self, history: History, catalogue: Catalogue) -> None:
        """Compare the calendars with those of the newest good snapshot of this selection."""
        good = history.newest_good(self._options.selection.perimeter)
        chosen = {each.collection.key for each in self._prospects}
        self._tally.trips += self._options.guard.look_for_gone(good, catalogue, chosen)
        self._good = {
            each.collection.key: good[each.collection.key].count
            for each in self._prospects
            if each.collection.key in good
        }

    async def list_only(self) -> None:
        """A dry run: every listing and what would be fetched, nothing read and nothing stored."""
        async with aclosing(self._surveyed()) as surveyed:
            async for calendar, answer in surveyed:
                if answer is None:
                    self._count_unmoved(calendar)
                elif (planned := await self._plan(calendar, answer)) is not None:
                    self._tally.fetched += planned[1].to_fetch
                    self._guard(calendar, len(planned[1].items))
        self._require_any()

    async def store(self, writer: Safekeeping) -> None:
        """Every calendar in turn: planned, fetched in batches that run ahead, handed to the store in order."""
        for path, reason in self._tally.failures:
            await writer.fail(path, reason)
        async with aclosing(self._surveyed()) as surveyed:
            async for calendar, answer in surveyed:
                if answer is None:
                    await self._keep_unmoved(calendar, writer)
                elif (planned := await self._plan(calendar, answer)) is not None:
                    await self._store_calendar(*planned, self._last_listing(*planned, answer), writer)
                else:
                    await writer.fail(*self._tally.failures[-1])
        self._require_any()

    def is_unchanged(self, parents: Parents) -> bool:
        """True when a snapshot of this run would say nothing that the newest one does not say."""
        return not self._tally.is_changed and parents.is_whole([each.name for each in self._prospects])

    def _require_any(self) -> None:
        """CollectionUnreadable when not one calendar could be listed: such a snapshot would hide the one before."""
        if self._prospects and not self._read:
            path, reason = self._tally.failures[-1]
            raise CollectionUnreadable(f"none of the calendars can be read, {path} for example: {reason}")

    async def _surveyed(self) -> AsyncGenerator[tuple[Prospect, Answer]]:
        """Every calendar with what the source answers of it; some are asked ahead."""
        prospects = await self._completed()
        async with aclosing(ahead((ask(self._source, each) for each in prospects), LISTINGS_AHEAD)) as answers:
            for calendar in prospects:
                yield calendar, await anext(answers)

    async def _completed(self) -> list[Prospect]:
        """With all attributes of those calendars that are read; the others keep the dear ones that they had."""
        moved = [each for each in self._prospects if each.way is not Way.UNMOVED]
        completed = iter(await self._source.complete([each.collection for each in moved]) if moved else [])
        return [
            replace(each, collection=each.unmoved() if each.way is Way.UNMOVED else next(completed))
            for each in self._prospects
        ]

    def _count_unmoved(self, calendar: Prospect) -> None:
        self._tally.unmoved += 1
        self._tally.records += calendar.count
        self._tally.unchanged += calendar.count
        self._read += 1
        self._guard(calendar, calendar.count)

    async def _keep_unmoved(self, calendar: Prospect, writer: Safekeeping) -> None:
        self._count_unmoved(calendar)
        assert calendar.parent is not None
        last = calendar.parent.last_listing
        self._tally.is_changed |= await writer.keep(calendar.path, calendar.collection, calendar.parent, last)

    async def _plan(
        self, calendar: Prospect, answer: Listing | Changes | CollectionUnreadable
    ) -> tuple[Prospect, CalendarPlan] | None:
        """What to do, and the calendar with those of its parents that can be read."""
        if isinstance(answer, CollectionUnreadable):
            self._fail(calendar.path, str(answer))
            return None
        calendar, known = await self._known(calendar, answer)
        plan = await self._worker.run(_plan_with, calendar, answer, known)
        total = len(plan.items)
        self._progress(CalendarListed(plan.path, plan.collection.displayname, total, plan.to_fetch, plan.deleted))
        self._tally.records += total
        self._tally.unchanged += total - plan.to_fetch
        self._tally.deleted += plan.deleted
        if isinstance(answer, Listing):
            self._tally.listed += 1
            self._tally.due += calendar.way is Way.DUE
        self._read += 1
        return calendar, plan

    async def _known(self, calendar: Prospect, answer: Listing | Changes) -> tuple[Prospect, _Known]:
        """What the parents hold; a damaged one is none, so that what it alone holds is fetched and stored anew."""
        if isinstance(answer, Changes):
            assert calendar.parent is not None
            calendar = replace(calendar, parents=(calendar.parent,))
        parents, known = [], []
        for parent in calendar.parents:
            try:
                known.append(await self._worker.run(_known_to, parent))
                parents.append(parent)
            except Damaged as error:
                what = f"{calendar.path} is read in full, for it is damaged in the snapshot before"
                self._progress(Warned(f"{what}: {error}"))
        return replace(calendar, parents=parents), known

    def _guard(self, calendar: Prospect, count: int) -> None:
        before = self._good.get(calendar.collection.key, 0)
        trip = self._options.guard.look_at(calendar.path, before, count)
        if trip is not None:
            self._tally.trips.append(trip)

    def _last_listing(self, calendar: Prospect, plan: CalendarPlan, answer: Answer) -> LastListing:
        """What is to be remembered of this answer; changes are no listing, so the time of the last one stands."""
        settled = has_settled_signals(calendar.collection, plan.newest_ns)
        last = calendar.parent.last_listing if calendar.parent and isinstance(answer, Changes) else None
        return LastListing(last.when if last else int(self._options.clock()), settled)

    async def _store_calendar(
        self, calendar: Prospect, plan: CalendarPlan, listed: LastListing, writer: Safekeeping
    ) -> None:
        if plan.whole is not None and not (parent := calendar.parents[plan.whole]).failures:
            self._tally.is_changed |= await writer.keep(plan.path, plan.collection, parent, listed)
            self._guard(calendar, len(plan.items))
            return
        self._tally.is_changed = True
        await writer.open(plan, calendar.parents)
        vanished = Vanished(self._source, plan.collection)
        deleted, warnings = 0, len(self._tally.warnings)
        async with aclosing(ahead((self._fetch(plan, span) for span in plan.spans()), BATCHES_AHEAD)) as batches:
            async for span, fetched in batches:
                records = await self._judged(plan, span, fetched, vanished)
                self._tally.stale += await writer.write(span, records)
                self._count(plan, span, records)
                deleted += sum(isinstance(record, Gone) for record in records)
        await writer.close(listed)
        if plan.path in self._lost:
            # What is there is no measure of what there was.
            await self._fail_calendar(plan.path, self._lost[plan.path], writer)
        if len(self._tally.warnings) - warnings == len(plan.items) >= AT_LEAST:
            # Some are at odds with a listing (iCloud, Google); all of them, and the way to them must be wrong.
            reason = "not one of its events is there, says the server that lists them"
            await self._fail_calendar(plan.path, reason, writer)
        self._tally.records -= deleted
        # A server that lost a calendar while it was read is at odds with its first listing.
        self._guard(calendar, len(plan.items) - deleted)

    async def _fetch(self, plan: CalendarPlan, span: Sequence[Item]) -> tuple[Sequence[Item], Sequence[Record]]:
        wanted = [item.wanted for item in span if not item.keep]
        if wanted and plan.path not in self._lost:
            try:
                return span, await self._source.fetch(plan.collection, wanted)
            except CollectionUnreadable as error:
                # Asking for the rest of it, batch by batch, would be as long as it is in vain.
                self._lost[plan.path] = str(error)
        return span, [Failed(version, self._lost[plan.path]) for version in wanted]

    async def _judged(
        self, plan: CalendarPlan, span: Sequence[Item], records: Sequence[Record], vanished: Vanished
    ) -> Sequence[Record]:
        """The records with those that are gone turned into failures, unless they were deleted meanwhile."""
        if all(isinstance(record, Resource) for record in records):
            return records
        names = [item.name for item in span if not item.keep]
        judged: list[Record] = []
        for name, record in zip(names, records, strict=True):
            path = f"{plan.path}/{name}"
            verdict = await vanished.judge(record.version) if isinstance(record, Gone) else None
            known = record if verdict is None else Failed(record.version, verdict.reason)
            if verdict is not None and verdict.is_warning:
                self._tally.warnings.append((path, verdict.reason))
            elif isinstance(known, Failed):
                self._fail(path, known.reason)
            judged.append(known)
        return judged

    def _count(self, plan: CalendarPlan, span: Sequence[Item], records: Sequence[Record]) -> None:
        sizes = [len(record.content) for record in records if isinstance(record, Resource)]
        size = sum(sizes)
        self._tally.fetched += len(sizes)
        self._tally.size += size
        self._progress(RecordsStored(plan.path, len(span), size))

    async def _fail_calendar(self, path: str, reason: str, writer: Safekeeping) -> None:
        """A calendar as a whole could not be read, whatever of it was."""
        self._fail(path, reason)
        await writer.fail(path, reason)

    def _fail(self, path: str, reason: str) -> None:
        self._tally.failures.append((path, reason))
        self._progress(RecordFailed(path, reason))


def _known_to(parent: ParentCalendar) -> tuple[tuple[str, KnownResource], ...]:
    return tuple(parent.known())


def _plan_with(calendar: Prospect, answer: Listing | Changes, known: _Known) -> CalendarPlan:
    path, collection = calendar.path, calendar.collection
    if isinstance(answer, Listing):
        return plan_listing(path, collection, answer, known, full=calendar.full)
    return plan_changes(path, collection, answer, known[0])
