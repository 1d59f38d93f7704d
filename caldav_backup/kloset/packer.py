"""Blobs on their way into packfiles.

Owns how a packfile comes about (`docs/design/format.md`, "Packfiles"): blobs are appended to a temporary file until it
is large enough, then index, footer and MAC follow and the file gets its name. Nothing of it is held in memory but a
small buffer and the index. Whether a blob has to be stored at all is decided by whoever adds it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from caldav_backup.kloset import envelope
from caldav_backup.kloset.packfile import RECORD_SIZE, make_tail, pack_record
from caldav_backup.kloset.resources import MAC_SIZE, VERSION_1_0_0, ResourceType
from caldav_backup.kloset.storage.base import Kind

if TYPE_CHECKING:
    from caldav_backup.kloset.codec import Codec
    from caldav_backup.kloset.hashing import Keyed
    from caldav_backup.kloset.resources import BytesLike
    from caldav_backup.kloset.storage.base import Storage

# Bytes that are hashed and written at once; hashing is several times faster on them than on one blob after the other.
_BUFFER: Final = 128 << 10

# plakar has a blob of random bytes first and last in each packfile. The first may be short. The last must be longer
# than what plakar reads beyond a blob to hide its size (format.md, "Pitfalls").
_FIRST_PADDING: Final = 16
_LAST_PADDING: Final = 4096


@dataclass(frozen=True, slots=True)
class StoredPackfile:
    """A packfile that is complete in the storage.

    `index_records` tell of all its blobs, padding included, in 56 bytes each: u32 type, u32 version, 32 bytes of MAC,
    u64 offset, u32 length, u32 flags, little endian. `timestamp_ns` of creation since the Unix epoch, `size` in bytes.
    """

    identifier: bytes
    index_records: bytes
    timestamp_ns: int
    size: int

    @property
    def count(self) -> int:
        """How many blobs it has."""
        return len(self.index_records) // RECORD_SIZE


def least_padding(largest: int) -> int:
    """Bytes that must follow the last blob of a packfile whose longest has so many bytes as stored."""
    # What plakar reads beyond a blob: 2^(half of its length's bits) - 1 bytes.
    return max(_LAST_PADDING, 1 << largest.bit_length() // 2)


class Packer:
    """Packs blobs into as many packfiles as they need, one after the other. For one thread.

    After a StorageError only `abort` makes sense.
    """

    def __init__(
        self, storage: Storage, codec: Codec, keyed: Keyed, max_size: int, clock: Callable[[], int] = time.time_ns
    ) -> None:
        """A packfile is closed once its blobs have more than `max_size` bytes. `clock` gives nanoseconds since 1970."""
        self._storage = storage
        self._codec = codec
        self._encode = codec.encode
        self._keyed = keyed
        self._max_size = max_size
        self._clock = clock
        self._open: _OpenPackfile | None = None
        self._stored: list[StoredPackfile] = []
        self._holds_together = False

    @property
    def size(self) -> int:
        """Bytes that were packed so far."""
        return sum(packfile.size for packfile in self._stored) + (self._open.size if self._open else 0)

    @property
    def stored(self) -> tuple[StoredPackfile, ...]:
        """The packfiles that are complete so far."""
        return tuple(self._stored)

    def add(self, resource_type: int, mac: bytes, blob: BytesLike) -> None:
        """Store a blob under its MAC, or the name that its type has instead. StorageError."""
        self.append(resource_type, VERSION_1_0_0, mac, self._encode(blob))

    def append(self, resource_type: int, version: int, mac: bytes, encoded: BytesLike) -> None:
        """The same for a blob that was encoded already. `version` is that of its kind of record."""
        packfile = self._open
        if packfile is None:
            packfile = self._open = _OpenPackfile(self._storage, self._keyed)
        packfile.append(resource_type, version, mac, encoded)
        self._close_if_full()

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is added within lies in one packfile, which may become larger than others by that much."""
        self._holds_together = True
        try:
            yield
        finally:
            self._holds_together = False
        self._close_if_full()

    def finish(self) -> tuple[StoredPackfile, ...]:
        """All packfiles, in the order of writing; none when no blob was added. StorageError."""
        self._close()
        return tuple(self._stored)

    def abort(self) -> None:
        """Leave no unfinished file. Complete packfiles stay, unseen until a state names them. Never fails."""
        if self._open is not None:
            self._open.abort()
            self._open = None

    def _close_if_full(self) -> None:
        if self._open is not None and self._open.size > self._max_size and not self._holds_together:
            self._close()

    def _close(self) -> None:
        if self._open is not None:
            self._stored.append(self._open.close(self._codec, self._clock()))
            self._open = None


class _OpenPackfile:
    """One packfile that still grows."""

    __slots__ = ("_body_mac", "_buffer", "_file_mac", "_keyed", "_largest", "_records", "_writer", "size")

    def __init__(self, storage: Storage, keyed: Keyed) -> None:
        self._keyed = keyed
        self._writer = storage.open_writer(Kind.PACKFILE)
        # The name is the MAC of the body alone, the MAC at the end that of the header too.
        self._body_mac = keyed.start()
        self._file_mac = keyed.start()
        self._buffer = bytearray()
        self._records = bytearray()
        self._largest = 0
        self.size = 0
        self._begin()
        self._append_padding(_FIRST_PADDING)

    def _begin(self) -> None:
        header = envelope.header(ResourceType.PACKFILE, VERSION_1_0_0)
        self._file_mac.update(header)
        try:
            self._writer.write(header)
        except BaseException:
            self._writer.abort()
            raise

    def append(self, resource_type: int, version: int, mac: bytes, encoded: BytesLike) -> None:
        length = len(encoded)
        self._records += pack_record(resource_type, version, mac, self.size, length, 0)
        self._buffer += encoded
        self.size += length
        self._largest = max(self._largest, length)
        if len(self._buffer) >= _BUFFER:
            self._flush()

    def close(self, codec: Codec, timestamp_ns: int) -> StoredPackfile:
        self._append_padding(least_padding(self._largest))
        index = bytes(self._records)
        tail = make_tail(index, self.size, timestamp_ns, codec, self._keyed)
        self._buffer += tail
        self._flush()
        identifier = self._body_mac.digest()
        self._writer.write(self._file_mac.digest())
        self._writer.commit(identifier)
        return StoredPackfile(identifier, index, timestamp_ns, self.size + len(tail) + envelope.OVERHEAD)

    def abort(self) -> None:
        self._writer.abort()

    def _append_padding(self, least: int) -> None:
        # A length by chance, so that the file's does not tell the sum of the blobs'.
        padding = secrets.token_bytes(least + secrets.randbelow(least // 16 + 1))
        self.append(ResourceType.RANDOM, VERSION_1_0_0, secrets.token_bytes(MAC_SIZE), padding)

    def _flush(self) -> None:
        self._body_mac.update(self._buffer)
        self._file_mac.update(self._buffer)
        self._writer.write(self._buffer)
        self._buffer.clear()
