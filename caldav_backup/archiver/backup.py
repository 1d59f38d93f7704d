"""One source into one snapshot: `back_up` reads top to bottom."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing

from caldav_backup.archiver.ahead import ahead
from caldav_backup.archiver.calendar_writer import CalendarWriter
from caldav_backup.archiver.outcome import IMPORTER_TYPE, PARTIAL, BackupOptions, Outcome
from caldav_backup.archiver.parents import Parents, find_parents
from caldav_backup.archiver.plan import CalendarPlan, Item, plan_calendar
from caldav_backup.archiver.tally import Tally
from caldav_backup.archiver.worker import Worker
from caldav_backup.connectors import naming
from caldav_backup.connectors.base import (
    Collection,
    CollectionUnreadable,
    Failed,
    Record,
    Resource,
    Source,
    Version,
)
from caldav_backup.kloset import Importer, Repository, SnapshotBuilder
from caldav_backup.progress import CalendarListed, CalendarsFound, Progress, RecordFailed, RecordsStored, silent

#: Batches that are fetched, or wait for the store, at once: what bounds memory and keeps the server busy.
BATCHES_AHEAD = 4
#: Calendars that are listed at once: hides the round trip of small ones; a listing is held as a whole.
LISTINGS_AHEAD = 2

_Listing = list[Version] | CollectionUnreadable


async def back_up(
    source: Source, repository: Repository, options: BackupOptions, *, progress: Progress = silent
) -> Outcome:
    """Store the state of `source` as a new snapshot of `repository` and say what came of it.

    Raises the source's errors when nothing can be read (login, network), `NoSuchCalendar`, and `kloset.KlosetError`
    when nothing can be written; a record or a calendar that cannot be read is part of the outcome. Nothing is visible
    in the store before the end, and nothing is left of a run that did not reach it.
    """
    catalogue = await source.catalogue()
    async with Worker() as worker:
        keys = [collection.key for collection in catalogue.collections]
        parents = await worker.run(find_parents, repository, options.job, source.origin, keys)
        calendars = options.selection.apply(_name_calendars(catalogue.collections, parents))
        left_out = tuple((each.name, each.reason) for each in catalogue.left_out)
        progress(CalendarsFound(len(catalogue.collections), len(calendars), left_out))
        tally = Tally(source.origin, calendars=len(calendars), left_out=left_out)
        run = _Run(source, options, parents=parents, tally=tally, worker=worker, progress=progress)
        if options.dry_run:
            await run.list_only(calendars)
            return tally.outcome(None, options.tags)
        builder = await worker.run(_new_builder, repository, source, options)
        try:
            await run.store(calendars, builder)
            if options.skip_if_unchanged and await worker.run(run.is_unchanged, calendars):
                await worker.run(builder.abort)
                return tally.outcome(None, options.tags)
            tags = (*options.tags, PARTIAL) if tally.failures else tuple(options.tags)
            header = await worker.run(builder.finish, tags=tags)
        except BaseException:
            await worker.run(builder.abort)
            raise
        return tally.outcome(header.identifier.hex(), tags)


class _Run:
    """The parts of one backup that its stages share."""

    def __init__(
        self,
        source: Source,
        options: BackupOptions,
        *,
        parents: Parents,
        tally: Tally,
        worker: Worker,
        progress: Progress,
    ) -> None:
        self._source = source
        self._options = options
        self._parents = parents
        self._tally = tally
        self._worker = worker
        self._progress = progress

    async def list_only(self, calendars: Sequence[tuple[str, Collection]]) -> None:
        """A dry run: every listing and what would be fetched, nothing read and nothing stored."""
        async with aclosing(ahead((self._list(each) for _, each in calendars), LISTINGS_AHEAD)) as listings:
            for name, collection in calendars:
                plan = await self._plan(name, collection, await anext(listings))
                if plan is not None:
                    self._tally.fetched += plan.to_fetch

    async def store(self, calendars: Sequence[tuple[str, Collection]], builder: SnapshotBuilder) -> None:
        """Every calendar in turn: planned, fetched in batches that run ahead, handed to the store in order."""
        async with aclosing(ahead((self._list(each) for _, each in calendars), LISTINGS_AHEAD)) as listings:
            for name, collection in calendars:
                plan = await self._plan(name, collection, await anext(listings))
                if plan is None:
                    reason = self._tally.failures[-1][1]
                    await self._worker.run(builder.fail, f"/{name}", reason)
                else:
                    await self._store_calendar(plan, builder)

    def is_unchanged(self, calendars: Sequence[tuple[str, Collection]]) -> bool:
        """True when a snapshot of this run would say nothing that the newest one does not say."""
        return not self._tally.is_changed and self._parents.is_whole([name for name, _ in calendars])

    async def _list(self, collection: Collection) -> _Listing:
        try:
            return await self._source.list_versions(collection)
        except CollectionUnreadable as error:
            return error

    async def _plan(self, name: str, collection: Collection, listing: _Listing) -> CalendarPlan | None:
        path = f"/{name}"
        if isinstance(listing, CollectionUnreadable):
            self._fail(path, str(listing))
            return None
        parent = self._parents.calendars.get(collection.key)
        known = parent.known() if parent is not None else ()
        plan = await self._worker.run(plan_calendar, path, collection, listing, known, full=self._options.full)
        self._progress(CalendarListed(path, collection.displayname, len(plan.items), plan.to_fetch, plan.deleted))
        self._tally.records += len(plan.items)
        self._tally.unchanged += len(plan.items) - plan.to_fetch
        self._tally.deleted += plan.deleted
        return plan

    async def _store_calendar(self, plan: CalendarPlan, builder: SnapshotBuilder) -> None:
        writer = CalendarWriter(builder, plan, self._parents.calendars.get(plan.collection.key))
        if plan.is_unchanged and writer.can_keep:
            self._tally.is_changed |= await self._worker.run(writer.keep_all)
            return
        self._tally.is_changed = True
        await self._worker.run(writer.open)
        gone: list[Item] = []
        async with aclosing(ahead((self._fetch(plan, span) for span in plan.spans()), BATCHES_AHEAD)) as batches:
            async for span, records in batches:
                await self._worker.run(writer.write, span, records)
                gone += self._count(plan, span, records)
        for item in await self._still_listed(plan, gone):
            reason = "listed by the server, which answers that it is not there"
            self._tally.warnings.append((f"{plan.path}/{item.name}", reason))
            await self._worker.run(builder.fail, f"{plan.path}/{item.name}", reason)
        await self._worker.run(writer.close)

    async def _fetch(self, plan: CalendarPlan, span: Sequence[Item]) -> tuple[Sequence[Item], Sequence[Record]]:
        wanted = [item.version for item in span if not item.keep]
        return span, (await self._source.fetch(plan.collection, wanted) if wanted else ())

    def _count(self, plan: CalendarPlan, span: Sequence[Item], records: Sequence[Record]) -> list[Item]:
        """Put a batch into the tally; returns the items that were listed and are gone."""
        fetched = [item for item in span if not item.keep]
        size = 0
        gone = []
        for item, record in zip(fetched, records, strict=True):
            match record:
                case Resource(content=content):
                    size += len(content)
                case Failed(reason=reason):
                    self._fail(f"{plan.path}/{item.name}", reason)
                case _:
                    gone.append(item)
        self._tally.fetched += len(fetched)
        self._tally.size += size
        self._progress(RecordsStored(plan.path, len(span), size))
        return gone

    async def _still_listed(self, plan: CalendarPlan, gone: Sequence[Item]) -> list[Item]:
        """Which of the records that answered 404 the server still lists; the others were deleted meanwhile."""
        if not gone:
            return []
        listing = await self._list(plan.collection)
        if isinstance(listing, CollectionUnreadable):
            return list(gone)
        keys = {version.key for version in listing}
        return [item for item in gone if item.version.key in keys]

    def _fail(self, path: str, reason: str) -> None:
        self._tally.failures.append((path, reason))
        self._progress(RecordFailed(path, reason))


def _name_calendars(collections: Sequence[Collection], parents: Parents) -> list[tuple[str, Collection]]:
    """Directory names for the calendars, in ascending byte order; a name once given is kept."""
    ordered = sorted(collections, key=lambda collection: collection.key)
    wishes = [(collection.key, naming.safe_name(collection.hint)) for collection in ordered]
    kept = {key: parent.name for key, parent in parents.calendars.items()}
    named = zip(naming.assign(wishes, kept), ordered, strict=True)
    return sorted(named, key=lambda pair: pair[0].encode("utf-8", "surrogateescape"))


def _new_builder(repository: Repository, source: Source, options: BackupOptions) -> SnapshotBuilder:
    return SnapshotBuilder(
        repository,
        importer=Importer(IMPORTER_TYPE, source.origin, "/"),
        job=options.job,
        perimeter=options.selection.perimeter,
        name=options.name,
        context=options.context,
        lock_wait=options.lock_wait,
    )
