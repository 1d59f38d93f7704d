"""What a run has read is safe: every few minutes, and when it is stopped.

Owns the incomplete snapshots of a run: when one is made, that the next one replaces it, and that the last complete
snapshot does. A run that is killed loses what came after the last of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from caldav_backup.archiver.beginning import begin_when_free
from caldav_backup.archiver.last_listing import LastListing
from caldav_backup.archiver.outcome import BackupOptions
from caldav_backup.archiver.parents import ParentCalendar
from caldav_backup.archiver.plan import CalendarPlan, Item
from caldav_backup.archiver.snapshot_writer import SnapshotWriter
from caldav_backup.archiver.worker import Worker
from caldav_backup.connectors.base import Collection, Record, Resource
from caldav_backup.kloset import Header, KlosetError, Repository, SnapshotBuilder
from caldav_backup.progress import Noted, Progress, Warned

P = ParamSpec("P")
T = TypeVar("T")


class Safekeeping:
    """`SnapshotWriter` for the event loop. Entered, it holds the store's shared lock; left by an error, it suspends."""

    def __init__(
        self,
        repository: Repository,
        worker: Worker,
        begin: Callable[[], SnapshotBuilder],
        options: BackupOptions,
        progress: Progress,
    ) -> None:
        self._repository = repository
        self._worker = worker
        self._begin = begin
        self._options = options
        self._progress = progress
        self._suspended: Header | None = None
        self._is_open = False
        self._is_sound = True
        #: Records that were fetched and are in no snapshot yet.
        self._unsafe = 0

    async def __aenter__(self) -> Self:
        builder = await self._begin_when_free()
        self._writer = SnapshotWriter(self._repository, builder)
        self._is_open = True
        self._saved_at = asyncio.get_running_loop().time()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None or not self._is_open:
            return
        if self._unsafe and self._is_sound:
            await self._put_away()
        else:
            await self.abandon()

    async def keep(self, path: str, collection: Collection, parent: ParentCalendar, listed: LastListing | None) -> bool:
        """As in `SnapshotWriter`."""
        return await self._do(self._writer.keep, path, collection, parent, listed)

    async def open(self, plan: CalendarPlan, parents: Sequence[ParentCalendar]) -> None:
        """As in `SnapshotWriter`."""
        await self._do(self._writer.open, plan, parents)

    async def write(self, span: Sequence[Item], records: Sequence[Record]) -> int:
        """As in `SnapshotWriter`; makes an incomplete snapshot when it is time for one."""
        stale = await self._do(self._writer.write, span, records)
        self._unsafe += sum(isinstance(record, Resource) for record in records)
        now = asyncio.get_running_loop().time()
        if self._unsafe and now - self._saved_at >= self._options.checkpoint_every:
            await self._save()
            self._saved_at = asyncio.get_running_loop().time()
        return stale

    async def close(self, listed: LastListing | None) -> None:
        """As in `SnapshotWriter`."""
        await self._do(self._writer.close, listed)

    async def fail(self, path: str, reason: str) -> None:
        """As in `SnapshotWriter`."""
        await self._do(self._writer.fail, path, reason)

    async def finish(self, tags: Sequence[str]) -> Header:
        """Commit the complete snapshot, which replaces the incomplete one of this run."""
        header = await self._do(self._writer.finish, tags)
        self._is_open = False
        for trouble in self._writer.lock_troubles:
            self._progress(Warned(trouble))
        await self._replace(None)
        return header

    async def remove(self, superseded: Sequence[bytes]) -> None:
        """Remove snapshots that are of no use any more. That one stays is no failure of the run, which is safe."""
        try:
            await self._worker.run(_remove, self._repository, superseded)
        except KlosetError as error:
            self._progress(Warned(f"what was left half done before cannot be removed: {error}"))

    async def abandon(self) -> None:
        """Leave no snapshot."""
        self._is_open = False
        await self._worker.run(self._writer.abort)

    async def _save(self) -> None:
        """Everything so far into an incomplete snapshot, and on with a new one that begins with it."""
        suspended = await self._do(self._writer.suspend, self._options.tags)
        self._unsafe = 0
        self._is_open = False
        builder = await self._begin_when_free()
        self._is_open = True
        await self._do(self._writer.go_on, builder, suspended)
        await self._replace(suspended)

    async def _begin_when_free(self) -> SnapshotBuilder:
        return await begin_when_free(self._worker, self._begin, self._options.lock_wait, progress=self._progress)

    async def _put_away(self) -> None:
        """The end of a run that is stopped: what it has read is kept, unless the store fails too."""
        self._is_open = False
        try:
            header = await self._worker.run(self._writer.suspend, self._options.tags)
            await self._replace(header)
        except KlosetError as error:
            await self._worker.run(self._writer.abort)
            self._progress(Warned(f"what was read cannot be kept: {error}"))
        else:
            identifier = header.identifier.hex()[:8]
            self._progress(Noted(f"what was read is kept in snapshot {identifier}, where the next run goes on"))

    async def _replace(self, header: Header | None) -> None:
        """`header` holds all that the incomplete snapshot before it does."""
        before, self._suspended = self._suspended, header
        if before is not None and before != header:
            await self.remove([before.identifier])

    async def _do(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await self._worker.run(function, *args, **kwargs)
        except Exception:
            # The store has failed: what it holds of this run is not to be relied on.
            self._is_sound = False
            raise


def _remove(repository: Repository, identifiers: Sequence[bytes]) -> None:
    """A run on another machine may have removed some of them meanwhile."""
    there = set(repository.index.snapshot_ids())
    repository.remove_snapshots(identifier for identifier in identifiers if identifier in there)
