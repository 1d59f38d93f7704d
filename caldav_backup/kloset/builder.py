"""Makes a snapshot: the write side of a store.

Owns the order of a commit (`docs/design/format.md`, "Writing safely"): lock, packfiles, one state that names them all,
unlock. Before the state nothing is visible; after it, everything is there. How directories and their trees come about
is told in `assembly`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from caldav_backup.kloset.assembly import Assembly
from caldav_backup.kloset.attribute_writer import AttributeWriter, Value
from caldav_backup.kloset.blob_writer import BlobWriter
from caldav_backup.kloset.btree import DEFAULT_ORDER
from caldav_backup.kloset.content_writer import ContentWriter
from caldav_backup.kloset.directory_writer import Closed, DirectoryBuilder, Writers
from caldav_backup.kloset.errors import InvalidArgument
from caldav_backup.kloset.header import Header, Importer
from caldav_backup.kloset.lock import Clock
from caldav_backup.kloset.locks import take_shared_lock
from caldav_backup.kloset.packer import Packer
from caldav_backup.kloset.paths import require_clean
from caldav_backup.kloset.placement import placement_runs
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import ResourceType, random_identifier
from caldav_backup.kloset.snapshot import Snapshot
from caldav_backup.kloset.unchanged import UnchangedFiles


class SnapshotBuilder:
    """One snapshot in the making. For one thread; in a `with` statement it is aborted unless it was finished.

    Directories come one after the other, those below a directory before the directory itself; directories that nobody
    opens are made up. After an error only `abort` makes sense.
    """

    def __init__(
        self,
        repository: Repository,
        *,
        importer: Importer,
        job: str = "",
        perimeter: str = "",
        name: str = "default",
        tags: Sequence[str] = (),
        context: Sequence[tuple[str, str]] = (),
        timestamp_ns: int | None = None,
        identifier: bytes | None = None,
        lock_wait: float = 0.0,
        tree_order: int = DEFAULT_ORDER,
        clock: Clock = time.time_ns,
    ) -> None:
        """Take the shared lock. Locked, after `lock_wait` seconds, while another program maintains the store.

        `timestamp_ns` since the Unix epoch, now by `clock` when None; `identifier` 32 bytes, random when None; nodes of
        trees have fewer keys than `tree_order`.
        """
        self.identifier = random_identifier() if identifier is None else identifier
        self._repository = repository
        self._importer = importer
        self._job, self._perimeter, self._name = job, perimeter, name
        self._tags, self._context = tuple(tags), tuple(context)
        self._clock = clock
        self._timestamp_ns = clock() if timestamp_ns is None else timestamp_ns
        self._begin_ns = time.monotonic_ns()
        self._lock = take_shared_lock(repository, self.identifier, wait=lock_wait, clock=clock)
        try:
            # What a maintenance deleted before the lock was taken must not count as stored.
            repository.refresh()
            repository.look_for_lost_packfiles()
            self._packer = self._make_packer()
            self._assembly = self._make_assembly(tree_order)
        except BaseException:
            self._lock.release()
            raise
        self._is_open = True
        self._directory: DirectoryBuilder | None = None

    def _make_packer(self) -> Packer:
        repository = self._repository
        sizes = repository.configuration.packfile
        return Packer(repository.storage, repository.codec, repository.keyed, sizes.max_size, self._clock)

    def _make_assembly(self, tree_order: int) -> Assembly:
        repository, sizes = self._repository, self._repository.configuration.chunking
        blobs = BlobWriter(repository.keyed, repository.index, self._packer)
        return Assembly(Writers(blobs, ContentWriter(blobs, sizes), AttributeWriter(blobs, sizes)), tree_order)

    def open_directory(self, path: str, *, mtime_ns: int = 0, parents: Sequence[Snapshot] = ()) -> DirectoryBuilder:
        """Begin a directory, which must be closed before the next one; from each of `parents` files can be kept.

        `mtime_ns` since the Unix epoch; it can be told at the end as well. Of a parent nothing is read before something
        is kept from it. InvalidArgument for a path that is not clean or comes too late.
        """
        self._require_no_directory()
        assembly = self._assembly
        listing = assembly.open_listing(_checked(path))
        unchanged = [UnchangedFiles(path, assembly.inherit(parent)) for parent in parents]
        self._directory = DirectoryBuilder(
            path, mtime_ns, writers=assembly.writers, listing=listing, unchanged=unchanged, done=self._close_directory
        )
        return self._directory

    def _close_directory(self, closed: Closed) -> None:
        self._assembly.close(closed)
        self._directory = None

    def keep_directory(self, path: str, *, parent: Snapshot, xattrs: Mapping[str, Value] | None = None) -> None:
        """Take over a directory of `parent` with all that is below it, failures included, and reads none of its files.

        A failure of the directory itself stays behind. `xattrs` replace the directory's own attributes unless None.
        PathNotFound when the parent has no such directory.
        """
        self._require_no_directory()
        self._assembly.keep(_checked(path), parent, xattrs)

    def fail(self, path: str, message: str) -> None:
        """Note in the error index that `path` could not be read, and why; the last call for a path counts.

        The path may have an entry as well: that of an older copy which stays.
        """
        self._require_open()
        self._assembly.fail(_checked(path), message)

    def finish(self, *, tags: Sequence[str] | None = None) -> Header:
        """Store what is left and commit; `tags` replace those given before. The lock is gone, also after an error."""
        self._require_no_directory()
        try:
            header = self._store_header(self._tags if tags is None else tuple(tags))
            packfiles = self._packer.finish()
            # The state of a first backup is large, so what is done with goes before.
            self._assembly.forget()
            self._lock.confirm()
            runs = placement_runs(packfiles, self.identifier)
            self._repository.put_state(self.identifier, runs, timestamp_ns=self._clock())
        except BaseException:
            self.abort()
            raise
        self._is_open = False
        self._lock.release()
        return header

    def _store_header(self, tags: tuple[str, ...]) -> Header:
        source = self._assembly.finish(self._importer)
        header = Header(
            self.identifier,
            self._timestamp_ns,
            source,
            duration_ns=time.monotonic_ns() - self._begin_ns,
            name=self._name,
            perimeter=self._perimeter,
            job=self._job,
            tags=tags,
            context=self._context,
        )
        self._packer.add(ResourceType.SNAPSHOT, self.identifier, header.to_bytes())
        return header

    @property
    def lock_troubles(self) -> list[str]:
        """What a person should know of the store's locks, a sentence each; after the end."""
        return self._lock.troubles

    def abort(self) -> None:
        """Leave nothing but invisible packfiles, and release the lock. Does nothing after the end."""
        if self._is_open:
            self._is_open = False
            self._packer.abort()
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.abort()

    def _require_open(self) -> None:
        if not self._is_open:
            raise InvalidArgument("this snapshot was finished or aborted and takes nothing more")

    def _require_no_directory(self) -> None:
        self._require_open()
        if self._directory is not None:
            raise InvalidArgument(f"the directory {self._directory.path!r} is still open; close it first")


def _checked(path: str) -> str:
    if "\0" in path:
        raise InvalidArgument(f"{path!r} holds a NUL and cannot be a path inside a snapshot")
    return require_clean(path)
