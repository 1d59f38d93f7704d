"""A storage in a directory, in the layout of plakar's `fs` backend (`docs/design/format.md`, "The directory").

Owns which file lies where, and listing. Atomic and durable writing is in `durable`. Directories get mode 0700, files
0600.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from caldav_backup.kloset.errors import StorageFileMissing, StorageUnavailable, StoreExists, StoreNotFound
from caldav_backup.kloset.storage.base import MAX_CONFIGURATION, MAX_LOCK, MAX_STATE, Kind
from caldav_backup.kloset.storage.disk import Disk, SystemDisk
from caldav_backup.kloset.storage.durable import FileWriter, cannot_write, make_directory, make_parents
from caldav_backup.kloset.storage.leftovers import is_temporary, remove_leftovers
from caldav_backup.kloset.storage.local import cannot_read, read_range, read_whole

if TYPE_CHECKING:
    from caldav_backup.kloset.resources import BytesLike

_CONFIG: Final = "CONFIG"
_ASIDE: Final = "damaged"
_BUCKETED: Final = frozenset({Kind.PACKFILE, Kind.STATE})
_LIMITS: Final = {Kind.LOCK: MAX_LOCK, Kind.STATE: MAX_STATE}
_BUCKETS: Final = tuple(f"{first:02x}" for first in range(256))
_ABSENT: Final = (FileNotFoundError, NotADirectoryError)
_is_name = re.compile(r"[0-9a-f]{64}").fullmatch


class FilesystemStorage:
    """Fulfils `Storage` with one directory."""

    def __init__(self, location: str | os.PathLike[str], disk: Disk | None = None) -> None:
        """`disk` writes; another than the system's is for tests."""
        self.location = os.fspath(location)
        self._root = Path(location)
        self._disk = SystemDisk() if disk is None else disk
        self._layout_is_whole = False

    def read_configuration(self) -> bytes:
        path = self._root / _CONFIG
        try:
            content = read_whole(path, MAX_CONFIGURATION)
        except _ABSENT as exc:
            raise StoreNotFound(f"no store at {self.location}: there is no {_CONFIG} file in it") from exc
        except OSError as exc:
            raise cannot_read(path, exc) from exc
        return content

    def ids(self, kind: Kind) -> Iterator[bytes]:
        directory = self._root / kind.value
        try:
            if not directory.exists():
                # A kind without any file may have lost its directory, in a git checkout for example.
                self._require_store()
            elif kind in _BUCKETED:
                yield from self._ids_in_buckets(kind, directory)
            else:
                yield from map(bytes.fromhex, _names(directory))
        except OSError as exc:
            raise cannot_read(directory, exc) from exc

    def _ids_in_buckets(self, kind: Kind, directory: Path) -> Iterator[bytes]:
        for bucket in _directories(directory):
            for name in _names(directory / bucket):
                identifier = bytes.fromhex(name)
                # A copied bucket must not list anything twice.
                if name[:2] == bucket or not self._path(kind, identifier).exists():
                    yield identifier

    def read(self, kind: Kind, identifier: bytes) -> bytes:
        path = self._path(kind, identifier)
        try:
            return read_whole(path, _LIMITS.get(kind))
        except _ABSENT as exc:
            raise self._missing(kind, identifier) from exc
        except OSError as exc:
            raise cannot_read(path, exc) from exc

    def read_range(self, kind: Kind, identifier: bytes, offset: int, length: int) -> bytes:
        path = self._path(kind, identifier)
        try:
            return read_range(path, offset, length)
        except _ABSENT as exc:
            raise self._missing(kind, identifier) from exc
        except OSError as exc:
            raise cannot_read(path, exc) from exc

    def size(self, kind: Kind, identifier: bytes) -> int:
        return self._status(kind, identifier).st_size

    def modified_ns(self, kind: Kind, identifier: bytes) -> int:
        return self._status(kind, identifier).st_mtime_ns

    def _status(self, kind: Kind, identifier: bytes) -> os.stat_result:
        path = self._path(kind, identifier)
        try:
            return path.stat()
        except _ABSENT as exc:
            raise self._missing(kind, identifier) from exc
        except OSError as exc:
            raise cannot_read(path, exc) from exc

    def create(self, configuration: bytes) -> None:
        try:
            if self._root.exists() and not _is_free(self._root):
                raise StoreExists(f"cannot create a store at {self.location}: something is there already")
            make_parents(self._disk, self._root)
            make_directory(self._disk, self._root)
            self._disk.sync_directory(self._root.absolute().parent)
            self._make_layout()
        except OSError as exc:
            raise cannot_write(self._root, exc) from exc
        # Last: a directory is a store only once CONFIG is in it.
        self._write(FileWriter(self._disk, self._root, lambda _: self._root / _CONFIG), b"", configuration)

    def write(self, kind: Kind, identifier: bytes, data: BytesLike) -> None:
        self._write(self.open_writer(kind), identifier, data)

    def open_writer(self, kind: Kind) -> FileWriter:
        is_first = not self._layout_is_whole
        self._prepare_writing()
        # Where the reference has its temporary files: never in a bucket, nor in `locks`.
        directory = self._root / kind.value if kind in _BUCKETED else self._root
        writer = FileWriter(self._disk, directory, lambda identifier: self._path(kind, identifier))
        if is_first:
            places = (self._root, *(self._root / kind.value for kind in _BUCKETED))
            remove_leftovers(self._disk, places, beside=writer.temporary)
        return writer

    def delete(self, kind: Kind, identifier: bytes) -> None:
        path = self._path(kind, identifier)
        try:
            self._disk.remove_file(path)
            if kind is Kind.STATE:
                # Merged states must go for good in the order they are deleted: one that came back after a power cut
                # without a later one would bring back what the later one took away.
                self._disk.sync_directory(path.parent)
        except FileNotFoundError:
            return
        except OSError as exc:
            raise cannot_write(path, exc) from exc

    def keep_aside(self, kind: Kind, identifier: bytes) -> str:
        content = self.read(kind, identifier)
        directory = self._root / _ASIDE / kind.value
        try:
            for made in (directory.parent, directory):
                make_directory(self._disk, made)
                self._disk.sync_directory(made.parent)
        except OSError as exc:
            raise cannot_write(directory, exc) from exc
        # Not a name that any program takes for a file of the store, should someone move the directory.
        names = (f"{identifier.hex()}.{number}" for number in count(1))
        place = next(path for path in (directory / name for name in names) if not path.exists())
        self._write(FileWriter(self._disk, directory, lambda _: place), b"", content)
        return str(place)

    def _write(self, writer: FileWriter, identifier: bytes, data: BytesLike) -> None:
        try:
            writer.write(data)
            writer.commit(identifier)
        except BaseException:
            writer.abort()
            raise

    def _prepare_writing(self) -> None:
        """Give a store back the empty directories that git and some archivers drop.

        plakar does not: it cannot put its packfiles then, and loses the snapshot (format.md, "The directory").
        """
        if self._layout_is_whole:
            return
        try:
            # An empty mount point must not be filled with half a store.
            self._require_store()
            self._make_layout()
        except OSError as exc:
            raise cannot_write(self._root, exc) from exc

    def _require_store(self) -> None:
        if not (self._root / _CONFIG).exists():
            raise StorageUnavailable(f"there is no store at {self.location} any more; is its disk still mounted?")

    def _make_layout(self) -> None:
        for kind in Kind:
            directory = self._root / kind.value
            make_directory(self._disk, directory)
            if kind in _BUCKETED:
                for bucket in sorted(set(_BUCKETS).difference(_directories(directory))):
                    make_directory(self._disk, directory / bucket)
                # Also when nothing is missing: whoever made them may have been killed before it synced them.
                self._disk.sync_directory(directory)
        self._disk.sync_directory(self._root)
        self._layout_is_whole = True

    def _path(self, kind: Kind, identifier: bytes) -> Path:
        name = identifier.hex()
        if kind in _BUCKETED:
            return self._root / kind.value / name[:2] / name
        return self._root / kind.value / name

    def _missing(self, kind: Kind, identifier: bytes) -> StorageFileMissing:
        return StorageFileMissing(
            f"{kind.noun} {identifier.hex()} is missing in the store {self.location}; "
            "if a copy of the store has it, copy it back"
        )


def _is_free(root: Path) -> bool:
    """Whether a store may be created here: in an empty directory, or in what a `create` left that was killed."""
    if not root.is_dir():
        return False
    layout = {kind.value for kind in Kind}
    for entry in root.iterdir():
        if entry.name in layout and entry.is_dir():
            if any(files for _, _, files in os.walk(entry)):
                return False
        elif not is_temporary(entry.name):
            return False
    return True


def _directories(directory: Path) -> list[str]:
    with os.scandir(directory) as entries:
        return [entry.name for entry in entries if entry.is_dir()]


def _names(directory: Path) -> list[str]:
    with os.scandir(directory) as entries:
        return [entry.name for entry in entries if _is_name(entry.name) and entry.is_file(follow_symlinks=False)]
