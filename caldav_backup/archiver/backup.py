"""One source into one snapshot: `back_up` reads top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from caldav_backup.archiver.accepting import accept
from caldav_backup.archiver.outcome import BackupOptions, Outcome
from caldav_backup.archiver.parents import History, Parents
from caldav_backup.archiver.run import Run
from caldav_backup.archiver.safekeeping import Safekeeping
from caldav_backup.archiver.survey import Prospect, prospect
from caldav_backup.archiver.worker import Worker
from caldav_backup.connectors import naming
from caldav_backup.connectors.base import Collection, Source
from caldav_backup.kloset import Damaged, Header, Importer, KlosetError, Repository, SnapshotBuilder
from caldav_backup.marks import IMPORTER_TYPE, INCOMPLETE, failed_paths_in, is_good
from caldav_backup.progress import CalendarsFound, Progress, Warned, silent


async def back_up(
    source: Source, repository: Repository, options: BackupOptions, *, progress: Progress = silent
) -> Outcome:
    """Store the state of `source` as a new snapshot of `repository` and say what came of it.

    Raises the source's errors when nothing can be read (login, network), `NoSuchCalendar`, and `kloset.KlosetError`
    when nothing can be written; a record or a calendar that cannot be read is part of the outcome. A run that does not
    reach its end leaves what it has read in a snapshot tagged `incomplete`, on which the next one builds.

    Earlier snapshots only save work: where one turns out to be damaged, all is read once more without them.
    """
    async with Worker() as worker:
        try:
            return await _back_up(source, repository, options, worker, progress, is_anew=False)
        except Damaged as error:
            # Where the store as a whole is damaged, the same error comes again and says it all.
            outcome = await _back_up(source, repository, options, worker, progress, is_anew=True)
            progress(Warned(f"everything was read anew, for something that was stored before is damaged: {error}"))
            return outcome


async def _back_up(
    source: Source, repository: Repository, options: BackupOptions, worker: Worker, progress: Progress, *, is_anew: bool
) -> Outcome:
    """One attempt; `is_anew`: of earlier snapshots only the names of calendars are used."""
    history = await worker.run(History, repository, options.job, source.origin)
    source.hint = source.hint or await worker.run(history.principal, options.clock())
    catalogue = await source.catalogue()
    parents = await worker.run(history.parents, [collection.key for collection in catalogue.collections])
    calendars = options.selection.apply(_name_calendars(catalogue.collections, parents))
    left_out = tuple((each.name, each.reason) for each in catalogue.left_out)
    progress(CalendarsFound(len(catalogue.collections), len(calendars), left_out))
    parents = Parents() if is_anew else parents
    prospects = await worker.run(_prospects, calendars, parents, options, source.origin)
    run = Run(source, options, prospects, worker=worker, progress=progress, left_out=left_out)
    run.miss(catalogue.unreadable)
    await worker.run(run.look_for_gone, history, catalogue)
    if options.dry_run:
        await run.list_only()
        return run.outcome(None, ())
    begin = partial(_new_builder, repository, source, options)
    acceptance = partial(accept, repository, history, options)
    async with Safekeeping(repository, worker, begin, options, progress) as writer:
        await run.store(writer)
        if options.skip_if_unchanged and await worker.run(run.is_unchanged, parents):
            await writer.abandon()
            accepted = await _accepted(worker, partial(acceptance, _newest(parents)), progress)
            return replace(run.outcome(None, ()), accepted=accepted)
        header = await writer.finish(run.tags)
    await writer.remove(await worker.run(_superseded, repository, history, header))
    accepted = await _accepted(worker, partial(acceptance, header), progress)
    return replace(run.outcome(header.identifier.hex(), run.tags), accepted=accepted)


def _prospects(
    calendars: Sequence[tuple[str, Collection]], parents: Parents, options: BackupOptions, origin: str
) -> list[Prospect]:
    """What has to be asked of each calendar. What another account held under the same paths says nothing of it."""
    now = options.clock()
    found = []
    for name, collection in calendars:
        every = parents.of(collection.key)
        held = [each for each in every if _account(each.snapshot.header.importer.origin) == _account(origin)]
        found.append(prospect(f"/{name}", collection, held, now=now, full=options.full, sync_from=options.sync_from))
    return found


def _account(origin: str) -> str:
    """User and server of an origin, which the rest of the address does not change."""
    return origin.partition("/")[0]


def _name_calendars(collections: Sequence[Collection], parents: Parents) -> list[tuple[str, Collection]]:
    """Directory names for the calendars, in ascending byte order; a name once given is kept."""
    ordered = sorted(collections, key=lambda collection: collection.key)
    wishes = [(collection.key, naming.safe_name(collection.hint)) for collection in ordered]
    kept = {key: held[0].name for key, held in parents.calendars.items()}
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
        clock=options.snapshot_clock,
    )


def _newest(parents: Parents) -> Header:
    """With which nothing has changed."""
    assert parents.newest is not None
    return parents.newest.header


async def _accepted(
    worker: Worker, work: Callable[[], Mapping[bytes, bytes]], progress: Progress
) -> list[tuple[str, str]]:
    """What `accept` did. That something stays suspicious is no failure of the run, which is done."""
    try:
        found = await worker.run(work)
    except KlosetError as error:
        progress(Warned(f"earlier snapshots stay suspicious: {error}"))
        return []
    return [(old.hex(), new.hex()) for old, new in found.items()]


def _superseded(repository: Repository, history: History, complete: Header) -> list[bytes]:
    """What runs since the last complete one left half done is in this one now, as far as it reaches.

    Not where a calendar could not be listed, or seems lost: then the half may be all that there is of it.
    """
    if not is_good(complete, failed_paths_in(repository)):
        return []
    covered = (header for header in history.seen if complete.perimeter in {"", header.perimeter})
    return [header.identifier for header in covered if INCOMPLETE in header.tags]
