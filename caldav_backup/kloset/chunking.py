"""Content-defined chunking, `fastcdc-v1.0.0` (`docs/design/format.md`, "Chunking").

Owns where content is cut: bytes in, lengths or chunks out, no IO and no hashing of chunks. Cuts depend on the content
and the three configured sizes only. The fingerprints of a block are computed at once with numpy (about a hundred times
faster than a loop); the loop itself is the oracle of the tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from caldav_backup.kloset.gear import GEAR

if TYPE_CHECKING:
    from caldav_backup.kloset.configuration import ChunkSizes

# Bytes whose fingerprints are computed at once: 8 bytes each, several times over, so this bounds memory too. Less where
# chunks are small, since what lies behind a cut is computed in vain.
_BLOCK_LIMITS = (1 << 13, 1 << 15)
# A fingerprint has 64 bits and moves up by one with each byte: it remembers 64 bytes.
_HISTORY = 63
# go-cdc-chunkers keeps the masks of the FastCDC paper for its own default sizes.
_PAPER_SIZES = (2048, 8192, 65536)
_PAPER_MASKS = (0x0003590703530000, 0x0000D90003530000)


def spaced_mask(ones: int) -> int:
    """A mask of 64 bits with `ones` bits set, spread from the highest bit down at equal distances."""
    step = 64 // ones
    return sum(1 << (63 - step * position) for position in range(ones))


@cache
def masks(sizes: ChunkSizes) -> tuple[int, int]:
    """The mask before the normal size, which hits rarely, and the one behind it, which hits often."""
    if (sizes.minimum, sizes.normal, sizes.maximum) == _PAPER_SIZES:
        return _PAPER_MASKS
    bits = sizes.normal.bit_length() - 1
    return spaced_mask(bits + 2), spaced_mask(bits - 2)


def cut(content: bytes | bytearray | memoryview, sizes: ChunkSizes) -> list[int]:
    """Lengths in bytes of the chunks of a whole content, in order; an empty content is one empty chunk."""
    left = len(content)
    if left <= sizes.minimum:
        return [left]
    lengths = []
    view = memoryview(content)
    while view:
        length = _next_length(view[: sizes.maximum], sizes)
        lengths.append(length)
        view = view[length:]
    return lengths


class Chunker:
    """Cuts a stream: `feed` it pieces of any size, then `finish`. Holds at most one maximum chunk and one piece."""

    __slots__ = ("_buffer", "_empty", "_sizes")

    def __init__(self, sizes: ChunkSizes) -> None:
        self._sizes = sizes
        self._buffer = bytearray()
        self._empty = True

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Chunks that are certain after `piece`: the next cut lies within the maximum size."""
        self._buffer += piece
        if len(self._buffer) < self._sizes.maximum:
            return iter(())
        return self._take(self._sizes.maximum)

    def finish(self) -> Iterator[bytes]:
        """The chunks that are left; one empty chunk when nothing was ever fed."""
        if self._empty and not self._buffer:
            return iter((b"",))
        return self._take(1)

    def _take(self, enough: int) -> Iterator[bytes]:
        """Cut while at least `enough` bytes are left."""
        buffer, sizes = self._buffer, self._sizes
        self._buffer = bytearray()
        start = 0
        with memoryview(buffer) as view:
            chunks = []
            while len(buffer) - start >= enough:
                length = _next_length(view[start : start + sizes.maximum], sizes)
                chunks.append(bytes(view[start : start + length]))
                start += length
        self._empty = False
        self._buffer = buffer[start:]
        return iter(chunks)


def _next_length(window: memoryview, sizes: ChunkSizes) -> int:
    """Length of the chunk that begins a window of at most the maximum size."""
    length = len(window)
    if length <= sizes.minimum:
        return length
    small, large = masks(sizes)
    normal = min(sizes.normal, length)
    block = min(max(sizes.normal // 2, _BLOCK_LIMITS[0]), _BLOCK_LIMITS[1])
    starts: list[int] = [*range(sizes.minimum, normal, block), *range(normal, length, block), length]
    for start, end in pairwise(starts):
        # The fingerprint remembers nothing before the minimum size.
        reach = max(sizes.minimum, start - _HISTORY)
        hit = _first_hit(window[reach:end], start - reach, small if start < normal else large)
        if hit is not None:
            return reach + hit
    return length


def _first_hit(block: memoryview, start: int, mask: int) -> int | None:
    """First position from `start` on whose fingerprint has no bit of `mask`."""
    np, gear = _tables()
    prints = gear[np.frombuffer(block, dtype=np.uint8)]
    # fp[i] is the sum of G[byte[i-k]] << k for k < 64: six doublings of the span, each adding the span before it.
    for power in range(6):
        span = 1 << power
        prints[span:] += prints[:-span] << np.uint64(span)
    hits = np.flatnonzero((prints[start:] & np.uint64(mask)) == 0)
    return start + int(hits[0]) if hits.size else None


@cache
def _tables() -> tuple[Any, Any]:
    """numpy, imported when something is cut and not before, and the gear table as its array."""
    import numpy as np

    return np, np.array(GEAR, dtype=np.uint64)
