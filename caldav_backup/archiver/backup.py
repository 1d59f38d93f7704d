"""One source into one snapshot: `back_up` reads top to bottom."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from functools import partial

from caldav_backup.archiver.ahead import ahead
from caldav_backup.archiver.beginning import begin_when_free
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
    LeftOut,
    Record,
    Resource,
    Source,
    Version,
)
from caldav_backup.connectors.incremental import KnownResource
from caldav_backup.kloset import Damaged, Importer, Repository, SnapshotBuilder
from caldav_backup.progress import CalendarListed, CalendarsFound, Progress, RecordFailed, RecordsStored, Warned, silent

#: Batches that are fetched, or wait for the store, at once: what bounds memory and keeps the server busy.
BATCHES_AHEAD = 4
#: Calendars that are listed at once: hides the round trip of small ones; a listing is held as a whole.
LISTINGS_AHEAD = 2

_Known = Sequence[tuple[str, KnownResource]]
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
        run.miss(catalogue.unreadable)
        if options.dry_run:
            await run.list_only(calendars)
            return tally.outcome(None, options.tags)
        begin = partial(_new_builder, repository, source, options)
        builder = await begin_when_free(worker, begin, options.lock_wait)
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
        self._listed = 0
        #: Why nothing more is asked of a calendar that went away while it was read, by path.
        self._lost: dict[str, str] = {}

    def miss(self, places: Sequence[LeftOut]) -> None:
        """Count places whose calendars cannot even be named as failures."""
        for place in places:
            self._fail(f"/{naming.safe_name(place.name)}", place.reason)

    async def list_only(self, calendars: Sequence[tuple[str, Collection]]) -> None:
        """A dry run: every listing and what would be fetched, nothing read and nothing stored."""
        async with aclosing(ahead((self._list(each) for _, each in calendars), LISTINGS_AHEAD)) as listings:
            for name, collection in calendars:
                plan = await self._plan(name, collection, await anext(listings))
                if plan is not None:
                    self._tally.fetched += plan.to_fetch
                    self._listed += 1
        self._require_any(calendars)

    async def store(self, calendars: Sequence[tuple[str, Collection]], builder: SnapshotBuilder) -> None:
        """Every calendar in turn: planned, fetched in batches that run ahead, handed to the store in order."""
        for path, reason in self._tally.failures:
            await self._worker.run(builder.fail, path, reason)
        async with aclosing(ahead((self._list(each) for _, each in calendars), LISTINGS_AHEAD)) as listings:
            for name, collection in calendars:
                plan = await self._plan(name, collection, await anext(listings))
                if plan is None:
                    reason = self._tally.failures[-1][1]
                    await self._worker.run(builder.fail, f"/{name}", reason)
                else:
                    await self._store_calendar(plan, builder)
                    self._listed += 1
        self._require_any(calendars)

    def _require_any(self, calendars: Sequence[object]) -> None:
        """CollectionUnreadable when not one calendar could be listed: such a snapshot would hide the one before."""
        if calendars and not self._listed:
            path, reason = self._tally.failures[-1]
            raise CollectionUnreadable(f"none of the calendars can be read, {path} for example: {reason}")

    def is_unchanged(self, calendars: Sequence[tuple[str, Collection]]) -> bool:
        """True when a snapshot of this run would say nothing that the newest one does not say."""
        return not self._tally.is_changed and self._parents.is_whole([name for name, _ in calendars])

    async def _list(self, collection: Collection) -> _Listing:
        try:
            return (await self._source.list_versions(collection)).versions
        except CollectionUnreadable as error:
            return error

    async def _plan(self, name: str, collection: Collection, listing: _Listing) -> CalendarPlan | None:
        path = f"/{name}"
        if isinstance(listing, CollectionUnreadable):
            self._fail(path, str(listing))
            return None
        known = await self._known(path, collection)
        plan = await self._worker.run(plan_calendar, path, collection, listing, known, full=self._options.full)
        self._progress(CalendarListed(path, collection.displayname, len(plan.items), plan.to_fetch, plan.deleted))
        self._tally.records += len(plan.items)
        self._tally.unchanged += len(plan.items) - plan.to_fetch
        self._tally.deleted += plan.deleted
        return plan

    async def _known(self, path: str, collection: Collection) -> _Known:
        """What the parent holds of a calendar; nothing where it is damaged, so that all of it is fetched and stored."""
        parent = self._parents.calendars.get(collection.key)
        if parent is None:
            return ()
        try:
            return await self._worker.run(tuple, parent.known())
        except Damaged as error:
            self._parents = self._parents.without(collection.key)
            self._progress(Warned(f"{path} is read in full, for it is damaged in the snapshot before: {error}"))
            return ()

    async def _store_calendar(self, plan: CalendarPlan, builder: SnapshotBuilder) -> None:
        writer = CalendarWriter(builder, plan, self._parents.calendars.get(plan.collection.key))
        if await self._worker.run(writer.can_keep):
            self._tally.is_changed |= await self._worker.run(writer.keep_all)
            return
        self._tally.is_changed = True
        await self._worker.run(writer.open)
        gone: list[Item] = []
        async with aclosing(ahead((self._fetch(plan, span) for span in plan.spans()), BATCHES_AHEAD)) as batches:
            async for span, records in batches:
                await self._worker.run(writer.write, span, records)
                gone += self._count(plan, span, records)
        if gone:
            await self._judge(plan, gone, builder)
        await self._worker.run(writer.close)

    async def _fetch(self, plan: CalendarPlan, span: Sequence[Item]) -> tuple[Sequence[Item], Sequence[Record]]:
        wanted = [item.version for item in span if not item.keep]
        if wanted and plan.path not in self._lost:
            try:
                return span, await self._source.fetch(plan.collection, wanted)
            except CollectionUnreadable as error:
                # Asking for the rest of it, batch by batch, would be as long as it is in vain.
                self._lost[plan.path] = str(error)
        return span, [Failed(version, self._lost[plan.path]) for version in wanted]

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

    async def _judge(self, plan: CalendarPlan, gone: Sequence[Item], builder: SnapshotBuilder) -> None:
        """Records that answered 404 were deleted meanwhile, unless the server still lists them, or lists nothing."""
        listing = await self._list(plan.collection)
        keys = None if isinstance(listing, CollectionUnreadable) else {version.key for version in listing}
        for item in gone:
            path = f"{plan.path}/{item.name}"
            if keys is None:
                reason = f"is not there, and whether it was deleted cannot be told: {listing}"
                self._fail(path, reason)
            elif item.version.key in keys:
                reason = "listed by the server, which answers that it is not there"
                self._tally.warnings.append((path, reason))
            else:
                continue
            await self._worker.run(builder.fail, path, reason)

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
    )
