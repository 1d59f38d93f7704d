"""Decompression that never holds more than a piece: a compressed answer may become a thousand times its size.

Owns gzip and deflate, the encodings that are asked for. httpx would inflate each 64 KiB that arrive at once,
into 64 MiB and more, and encodings upon encodings into any size.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

#: What may come out at a time, in bytes.
PIECE = 256 * 1024
_GZIP, _RAW = zlib.MAX_WBITS | 16, -zlib.MAX_WBITS


class Damaged(Exception):
    """The bytes are not what their encoding promises, or end too early."""


class UnknownEncoding(Exception):
    """A content coding that was not asked for."""


def inflating(encoding: str) -> Inflating | None:
    """What undoes the `Content-Encoding`; None when there is nothing to undo. UnknownEncoding for all others."""
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return None
    if name in {"gzip", "x-gzip"}:
        return Inflating(_GZIP)
    if name == "deflate":
        return Inflating(zlib.MAX_WBITS)
    raise UnknownEncoding


class Inflating:
    """One answer's body; feed it in order, then `finish`."""

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self._stream = zlib.decompressobj(bits)
        self._first = b""
        self._is_framed = False

    def pieces(self, compressed: bytes) -> Iterator[bytes]:
        """What `compressed` brings, at most PIECE bytes at a time. Raises Damaged."""
        while compressed:
            piece = self._inflate(compressed)
            if piece:
                yield piece
            if not self._stream.eof:
                compressed = self._stream.unconsumed_tail
                continue
            compressed = self._stream.unused_data
            if compressed and self._bits != _GZIP:
                raise Damaged
            if compressed:
                self._stream = zlib.decompressobj(self._bits)  # RFC 1952 §2.2: members follow each other

    def finish(self) -> None:
        """The body has ended. Damaged when its compression has not; a body without a byte is none at all."""
        if self._first and not self._stream.eof:
            raise Damaged

    def _inflate(self, compressed: bytes) -> bytes:
        before, self._first = self._first, self._first or compressed[:1]
        try:
            return self._stream.decompress(compressed, PIECE)
        except zlib.error as error:
            if self._bits != zlib.MAX_WBITS or self._is_framed:
                raise Damaged from error
            # RFC 9110 §8.4.1.2: some send deflate without its zlib frame. The second byte at the latest shows it.
            self._bits, self._stream = _RAW, zlib.decompressobj(_RAW)
            return self._inflate(before + compressed)
        finally:
            self._is_framed = len(before + compressed) > 1
