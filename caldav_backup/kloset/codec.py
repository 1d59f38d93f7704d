"""How one store turns bytes into stored bytes, and back: compress, then seal; open, then inflate.

Owns the order of the two (`docs/design/format.md`, "The envelope"); either step is absent when CONFIG does not name it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from caldav_backup.kloset.compression import compress_pieces, compressor, decompress
from caldav_backup.kloset.encryption import SEALED_HEAD, SEGMENT_OVERHEAD, open_sealed, seal, seal_pieces

if TYPE_CHECKING:
    from caldav_backup.kloset.configuration import Configuration
    from caldav_backup.kloset.resources import BytesLike


# Bytes of an empty frame of any algorithm, generously.
_FRAME = 1024


class Codec:
    """The codec of one store; may be used from any thread."""

    __slots__ = ("_compress", "_compression", "_encryption", "_key")

    def __init__(self, configuration: Configuration, key: bytes | None) -> None:
        """`key` is None in a plaintext store."""
        self._compression = configuration.compression.algorithm if configuration.compression else None
        self._compress = compressor(self._compression)
        self._encryption = configuration.encryption
        self._key = key or b""

    def encode(self, data: BytesLike) -> bytes:
        """Stored bytes; of the same data different ones each time when the store is encrypted."""
        compressed = self._compress(data)
        if self._encryption is None:
            return compressed
        return seal(self._key, compressed, self._encryption.segment_size)

    def encode_pieces(self, pieces: Iterable[BytesLike]) -> Iterator[BytesLike]:
        """The same for what is too long to be held as a whole; give and take it in pieces."""
        compressed = compress_pieces(self._compression, pieces)
        if self._encryption is None:
            return compressed
        return seal_pieces(self._key, compressed, self._encryption.segment_size)

    def most_stored(self, limit: int) -> int:
        """Bytes that `limit` bytes may have when encoded: no algorithm makes them longer by more than this."""
        most = limit + limit // 64 + _FRAME
        if self._encryption is None:
            return most
        return most + SEALED_HEAD + SEGMENT_OVERHEAD * (1 + most // self._encryption.segment_size)

    def decode(self, stored: BytesLike, limit: int) -> bytes:
        """What was encoded. Damaged when changed, or longer than `limit` bytes, before inflating more."""
        if self._encryption is None:
            return decompress(self._compression, stored, limit)
        parameters = self._encryption
        opened = open_sealed(self._key, stored, parameters.segment_size, parameters.subkey_algorithm)
        return decompress(self._compression, opened, limit)
