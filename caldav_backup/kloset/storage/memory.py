"""A storage in memory, for tests and for trying things out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from caldav_backup.kloset.errors import Damaged, StorageFileMissing, StoreExists, StoreNotFound

if TYPE_CHECKING:
    from caldav_backup.kloset.resources import BytesLike
    from caldav_backup.kloset.storage.base import Kind


class MemoryStorage:
    """Fulfils `Storage`; everything is lost with the object."""

    def __init__(self, location: str = "memory", clock: Callable[[], int] = time.time_ns) -> None:
        """`clock` says when a file was written, in Unix nanoseconds."""
        self.location = location
        self.clock = clock
        self._made_ns = clock()
        self._modified_ns: dict[tuple[Kind, bytes], int] = {}
        self.configuration: bytes | None = None
        self.files: dict[tuple[Kind, bytes], bytes] = {}
        self.kept_aside: list[tuple[Kind, bytes, bytes]] = []

    def read_configuration(self) -> bytes:
        if self.configuration is None:
            raise StoreNotFound(f"no store in {self.location}; create one first")
        return self.configuration

    def create(self, configuration: bytes) -> None:
        if self.configuration is not None or self.files:
            raise StoreExists(f"cannot create a store in {self.location}: one is there already")
        self.configuration = configuration

    def ids(self, kind: Kind) -> Iterator[bytes]:
        return iter([identifier for of, identifier in self.files if of is kind])

    def read(self, kind: Kind, identifier: bytes) -> bytes:
        try:
            return self.files[kind, identifier]
        except KeyError:
            raise StorageFileMissing(f"{kind.noun} {identifier.hex()} is missing in {self.location}") from None

    def read_range(self, kind: Kind, identifier: bytes, offset: int, length: int) -> bytes:
        content = self.read(kind, identifier)
        if offset < 0 or length < 0 or offset + length > len(content):
            raise Damaged(
                f"{kind.noun} {identifier.hex()} in {self.location} has {len(content)} bytes; "
                f"{length} bytes from {offset} were to be read"
            )
        return content[offset : offset + length]

    def size(self, kind: Kind, identifier: bytes) -> int:
        return len(self.read(kind, identifier))

    def modified_ns(self, kind: Kind, identifier: bytes) -> int:
        self.read(kind, identifier)
        # What a test put into `files` is as old as the storage.
        return self._modified_ns.get((kind, identifier), self._made_ns)

    def write(self, kind: Kind, identifier: bytes, data: BytesLike) -> None:
        self.files[kind, identifier] = bytes(data)
        self._modified_ns[kind, identifier] = self.clock()

    def open_writer(self, kind: Kind) -> MemoryWriter:
        return MemoryWriter(self, kind)

    def delete(self, kind: Kind, identifier: bytes) -> None:
        self.files.pop((kind, identifier), None)
        self._modified_ns.pop((kind, identifier), None)

    def keep_aside(self, kind: Kind, identifier: bytes) -> str:
        self.kept_aside.append((kind, identifier, self.read(kind, identifier)))
        return f"{self.location}: {kind.noun} {identifier.hex()}"


class MemoryWriter:
    """One file on its way into a `MemoryStorage`."""

    def __init__(self, storage: MemoryStorage, kind: Kind) -> None:
        self._storage = storage
        self._kind = kind
        self._gathered = bytearray()

    def write(self, data: BytesLike) -> None:
        self._gathered += data

    def commit(self, identifier: bytes) -> None:
        self._storage.write(self._kind, identifier, self._gathered)

    def abort(self) -> None:
        self._gathered.clear()
