"""Storages and disks of a program that dies in the middle, or that are at an end themselves.

After the death every call raises `Death` and does nothing, so no `finally` and no `except BaseException` of the dead
program can tidy up: what is left is what `kill -9` would leave.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from caldav_backup.kloset.resources import BytesLike
from caldav_backup.kloset.storage import Kind, Storage, StorageWriter
from caldav_backup.kloset.storage.disk import SystemDisk
from tests.crash.fate import Fate


class DyingStorage:
    """Fulfils `Storage` with another one, as long as `fate` lets it. Deeds are what changes the storage."""

    def __init__(self, inner: Storage, fate: Fate) -> None:
        self.location = inner.location
        self._inner = inner
        self._fate = fate

    def read_configuration(self) -> bytes:
        self._fate.live()
        return self._inner.read_configuration()

    def create(self, configuration: bytes) -> None:
        with self._fate.deed():
            self._inner.create(configuration)

    def ids(self, kind: Kind) -> Iterator[bytes]:
        self._fate.live()
        return self._inner.ids(kind)

    def read(self, kind: Kind, identifier: bytes) -> bytes:
        self._fate.live()
        return self._inner.read(kind, identifier)

    def read_range(self, kind: Kind, identifier: bytes, offset: int, length: int) -> bytes:
        self._fate.live()
        return self._inner.read_range(kind, identifier, offset, length)

    def size(self, kind: Kind, identifier: bytes) -> int:
        self._fate.live()
        return self._inner.size(kind, identifier)

    def modified_ns(self, kind: Kind, identifier: bytes) -> int:
        self._fate.live()
        return self._inner.modified_ns(kind, identifier)

    def write(self, kind: Kind, identifier: bytes, data: BytesLike) -> None:
        with self._fate.deed():
            self._inner.write(kind, identifier, data)

    def open_writer(self, kind: Kind) -> StorageWriter:
        with self._fate.deed():
            return DyingWriter(self._inner.open_writer(kind), self._fate)

    def delete(self, kind: Kind, identifier: bytes) -> None:
        with self._fate.deletion():
            self._inner.delete(kind, identifier)

    def keep_aside(self, kind: Kind, identifier: bytes) -> str:
        with self._fate.deed():
            return self._inner.keep_aside(kind, identifier)


class DyingWriter:
    """Fulfils `StorageWriter` in the same way; each piece written is a deed."""

    def __init__(self, inner: StorageWriter, fate: Fate) -> None:
        self._inner = inner
        self._fate = fate

    def write(self, data: BytesLike) -> None:
        with self._fate.deed():
            self._inner.write(data)

    def commit(self, identifier: bytes) -> None:
        with self._fate.deed():
            self._inner.commit(identifier)

    def abort(self) -> None:
        if not self._fate.is_dead:
            self._inner.abort()


class DyingDisk(SystemDisk):
    """A disk whose program dies at one of its system calls, so that even a half written temporary file stays."""

    def __init__(self, fate: Fate) -> None:
        self._fate = fate
        self._open: list[BinaryIO] = []

    def create_file(self, path: Path) -> BinaryIO:
        with self._fate.deed():
            file = super().create_file(path)
            self._open.append(file)
        return file

    def sync_file(self, file: BinaryIO) -> None:
        with self._fate.deed():
            super().sync_file(file)

    def rename(self, old: Path, new: Path) -> None:
        with self._fate.deed():
            super().rename(old, new)

    def remove_file(self, path: Path) -> None:
        with self._fate.deed():
            super().remove_file(path)

    def make_directory(self, path: Path, mode: int) -> None:
        with self._fate.deed():
            super().make_directory(path, mode)

    def sync_directory(self, path: Path) -> None:
        with self._fate.deed():
            super().sync_directory(path)

    def bury(self) -> None:
        """Close what the dead program had open, as the kernel does."""
        for file in self._open:
            file.close()
