"""A store in one file: plakar's `.ptar` archive, for reading only (`docs/design/format.md`, ".ptar").

Owns the frame of the archive. It holds one packfile and one state; their ids are meaningless, and the state refers to
its packfile by a random id.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from typing import Final, NamedTuple, NoReturn

from caldav_backup.kloset.errors import (
    Damaged,
    StorageFileMissing,
    StorageNotWritable,
    StorageUnavailable,
    StoreNotFound,
    UnsupportedStore,
)
from caldav_backup.kloset.resources import MAC_SIZE, VERSION_1_0_0, BytesLike, version_text
from caldav_backup.kloset.storage.base import MAX_CONFIGURATION, Kind, StorageWriter
from caldav_backup.kloset.storage.local import cannot_read, read_range

STATE_ID: Final = b"\x01" * MAC_SIZE
"""What `ids` calls the archive's only state."""

PACKFILE_ID: Final = b"\x02" * MAC_SIZE
"""What `ids` calls the archive's only packfile; any other id reads the same one."""

_MAGIC: Final = b"_PLATAR_"
_HEADER: Final = Struct("<8sI")
_TRAILER: Final = Struct("<6q")


class _Part(NamedTuple):
    """A range of the archive, in bytes."""

    offset: int
    length: int


class _Parts(NamedTuple):
    configuration: _Part
    packfile: _Part
    state: _Part

    def find(self, kind: Kind) -> _Part | None:
        return {Kind.PACKFILE: self.packfile, Kind.STATE: self.state}.get(kind)


class PtarStorage:
    """Fulfils `Storage` with one archive; every method that would write raises StorageNotWritable."""

    def __init__(self, location: str | os.PathLike[str]) -> None:
        self.location = os.fspath(location)
        self._path = Path(location)
        self._known_parts: _Parts | None = None

    def read_configuration(self) -> bytes:
        return self._read(*self._parts().configuration)

    def ids(self, kind: Kind) -> Iterator[bytes]:
        self._parts()
        return iter({Kind.PACKFILE: (PACKFILE_ID,), Kind.STATE: (STATE_ID,), Kind.LOCK: ()}[kind])

    def read(self, kind: Kind, identifier: bytes) -> bytes:
        return self._read(*self._part(kind, identifier))

    def read_range(self, kind: Kind, identifier: bytes, offset: int, length: int) -> bytes:
        part = self._part(kind, identifier)
        if offset < 0 or not 0 <= length <= part.length - offset:
            raise Damaged(
                f"the {kind.noun} in {self.location} is cut short or its index is wrong: "
                f"{length} bytes from {offset} were to be read, it has {part.length}"
            )
        return self._read(part.offset + offset, length)

    def size(self, kind: Kind, identifier: bytes) -> int:
        return self._part(kind, identifier).length

    def modified_ns(self, kind: Kind, identifier: bytes) -> int:
        """The archive's own time: its parts have none."""
        self._part(kind, identifier)
        try:
            return self._path.stat().st_mtime_ns
        except OSError as exc:
            raise cannot_read(self._path, exc) from exc

    def create(self, configuration: bytes) -> NoReturn:  # noqa: ARG002
        raise self._read_only("make a store of it")

    def write(self, kind: Kind, identifier: bytes, data: BytesLike) -> NoReturn:
        raise self._read_only(f"add {kind.noun} {identifier.hex()} of {len(data)} bytes to it")

    def open_writer(self, kind: Kind) -> StorageWriter:
        raise self._read_only(f"add a {kind.noun} to it")

    def delete(self, kind: Kind, identifier: bytes) -> NoReturn:
        raise self._read_only(f"delete {kind.noun} {identifier.hex()} from it")

    def keep_aside(self, kind: Kind, identifier: bytes) -> NoReturn:
        raise self._read_only(f"put {kind.noun} {identifier.hex()} aside in it")

    def _read_only(self, attempt: str) -> StorageNotWritable:
        return StorageNotWritable(
            f"{self.location} can only be read, so nobody can {attempt}; use a store in a directory"
        )

    def _part(self, kind: Kind, identifier: bytes) -> _Part:
        part = self._parts().find(kind)
        if part is None or (kind is Kind.STATE and identifier != STATE_ID):
            raise StorageFileMissing(f"{kind.noun} {identifier.hex()} is not in the archive {self.location}")
        return part

    def _parts(self) -> _Parts:
        if self._known_parts is None:
            self._known_parts = self._read_frame()
        return self._known_parts

    def _read_frame(self) -> _Parts:
        try:
            size = self._path.stat().st_size
        except (FileNotFoundError, NotADirectoryError) as exc:
            raise StoreNotFound(f"no store at {self.location}: there is no such file") from exc
        except OSError as exc:
            raise cannot_read(self._path, exc) from exc
        if size < _HEADER.size + _TRAILER.size:
            raise Damaged(f"{self.location} has only {size} bytes, so it is no whole .ptar archive")
        magic, version = _HEADER.unpack(self._read(0, _HEADER.size))
        if magic != _MAGIC:
            raise Damaged(f"{self.location} does not begin like a .ptar archive")
        if version != VERSION_1_0_0:
            raise UnsupportedStore(f"{self.location} has version {version_text(version)}; only 1.0.0 can be read here")
        numbers = _TRAILER.unpack(self._read(size - _TRAILER.size, _TRAILER.size))
        parts = _Parts(*(_Part(*numbers[at : at + 2]) for at in (0, 2, 4)))
        self._check(parts, size - _TRAILER.size)
        return parts

    def _check(self, parts: _Parts, end: int) -> None:
        for part in parts:
            if part.offset < _HEADER.size or not 0 < part.length <= end - part.offset:
                raise Damaged(f"{self.location} is cut short, or its last 48 bytes are damaged; use another copy")
        if parts.configuration.length > MAX_CONFIGURATION:
            raise Damaged(f"{self.location} claims a configuration of {parts.configuration.length} bytes")

    def _read(self, offset: int, length: int) -> bytes:
        try:
            return read_range(self._path, offset, length)
        except FileNotFoundError as exc:
            raise StorageUnavailable(f"{self.location} has gone while it was read") from exc
        except OSError as exc:
            raise cannot_read(self._path, exc) from exc
