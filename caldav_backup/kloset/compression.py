"""Compression of single blobs, by the name that CONFIG gives it.

Owns the three algorithms (`docs/design/format.md`, "Compression") and the limit on what a stream may become. What was
compressed is stored even when it became longer: a reader could not tell the two apart.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import lz4.frame

from caldav_backup.kloset.errors import Damaged, UnsupportedStore

if TYPE_CHECKING:
    from caldav_backup.kloset.resources import BytesLike

Function = TypeVar("Function")


LZ4: Final = "LZ4"
GZIP: Final = "GZIP"
ZSTD: Final = "ZSTD"

_GZIP_LEVEL: Final = 6
_GZIP_FRAME: Final = 16 + zlib.MAX_WBITS


def compressor(algorithm: str | None) -> Callable[[BytesLike], bytes]:
    """The function that compresses one blob; it may be called from any thread. None leaves bytes as they are.

    UnsupportedStore for an algorithm that is not known.
    """
    if algorithm is None:
        return bytes
    return _find(_COMPRESSORS, algorithm)


def compress(algorithm: str | None, data: BytesLike) -> bytes:
    """What `compressor` returns, called once."""
    return compressor(algorithm)(data)


def compress_pieces(algorithm: str | None, pieces: Iterable[BytesLike]) -> Iterator[BytesLike]:
    """The same as one stream for content that comes in pieces, and of which no more than one is held."""
    if algorithm is None:
        yield from pieces
        return
    deflator = _find(_DEFLATORS, algorithm)()
    yield deflator.head
    for piece in pieces:
        yield deflator.deflate(piece)
    yield deflator.flush()


def decompress(algorithm: str | None, data: BytesLike, limit: int) -> bytes:
    """The bytes that were compressed.

    Damaged when they are malformed, cut short, followed by more, or longer than `limit`; no more than one byte above
    the limit is ever inflated. UnsupportedStore for an algorithm that is not known.
    """
    if algorithm is None:
        content = bytes(data)
    else:
        inflate = _find(_INFLATORS, algorithm)
        # An empty blob may have an empty encoding.
        content = inflate(data, limit + 1) if len(data) else b""
    if len(content) > limit:
        raise Damaged(f"a blob holds more than the {limit} bytes that it may; the store is damaged there")
    return content


def _inflate_lz4(data: BytesLike, most: int) -> bytes:
    inflator = lz4.frame.LZ4FrameDecompressor()
    # The library takes all the room at once that it is allowed, so a small blob must not be allowed much at first: its
    # decoding takes a tenth of the time then.
    room = min(most, 8 * len(data) + 4096)
    try:
        more: bytes = inflator.decompress(data, max_length=room)
        content = more
        while more and not inflator.eof and not inflator.needs_input and len(content) < most:
            more = inflator.decompress(b"", max_length=min(most - len(content), 8 * room))
            content += more
            room = len(content)
    except RuntimeError as exc:
        raise _malformed(LZ4) from exc
    if len(content) < most and (not inflator.eof or inflator.unused_data):
        raise _malformed(LZ4)
    return content


class _Deflator(NamedTuple):
    """A stream in the making: its first bytes, what takes one piece after the other, and what ends it."""

    head: bytes
    deflate: Callable[[BytesLike], bytes]
    flush: Callable[[], bytes]


def _lz4_deflator() -> _Deflator:
    deflator = lz4.frame.LZ4FrameCompressor(**_LZ4_FRAME)
    return _Deflator(deflator.begin(), deflator.compress, deflator.flush)


def _gzip_deflator() -> _Deflator:
    deflator = zlib.compressobj(_GZIP_LEVEL, wbits=_GZIP_FRAME)
    return _Deflator(b"", deflator.compress, deflator.flush)


def _zstd_deflator() -> _Deflator:
    import zstandard

    deflator = zstandard.ZstdCompressor(write_checksum=True).compressobj()
    return _Deflator(b"", deflator.compress, deflator.flush)


def _deflate_gzip(data: BytesLike) -> bytes:
    # zlib writes no time into the frame, so that equal content stays equal.
    return zlib.compress(data, _GZIP_LEVEL, _GZIP_FRAME)


def _inflate_gzip(data: BytesLike, most: int) -> bytes:
    inflator = zlib.decompressobj(_GZIP_FRAME)
    try:
        content = inflator.decompress(data, most)
    except zlib.error as exc:
        raise _malformed(GZIP) from exc
    if len(content) < most and (not inflator.eof or inflator.unused_data):
        raise _malformed(GZIP)
    return content


def _deflate_zstd(data: BytesLike) -> bytes:
    return _zstd().compressor.compress(data)


def _inflate_zstd(data: BytesLike, most: int) -> bytes:
    import zstandard

    try:
        announced = zstandard.get_frame_parameters(data).content_size
        if most <= announced < zstandard.CONTENTSIZE_UNKNOWN:
            raise Damaged(f"a blob announces {announced} bytes, more than it may hold; the store is damaged there")
        if announced == 0:
            return _inflate_empty_zstd(data)
        return _zstd().decompressor.decompress(data, max_output_size=most, allow_extra_data=False)
    except zstandard.ZstdError as exc:
        raise _malformed(ZSTD) from exc


def _inflate_empty_zstd(data: BytesLike) -> bytes:
    """`decompress` believes a frame that announces nothing, and does not look whether it is whole."""
    inflator = _zstd().decompressor.decompressobj()
    content = inflator.decompress(data)
    if content or not inflator.eof or inflator.unused_data:
        raise _malformed(ZSTD)
    return content


@cache
def _zstd() -> _ZstdContexts:
    return _ZstdContexts()


class _ZstdContexts(threading.local):
    """Making a context costs more than compressing 1 KB with it, and no two threads may share one."""

    def __init__(self) -> None:
        import zstandard

        # The other two have a checksum in every frame: no MAC covers a snapshot's header in a plaintext store.
        self.compressor = zstandard.ZstdCompressor(write_checksum=True)
        self.decompressor = zstandard.ZstdDecompressor()


def _find(functions: dict[str, Function], algorithm: str) -> Function:
    try:
        return functions[algorithm]
    except KeyError:
        raise UnsupportedStore(
            f"the store uses the compression {algorithm[:32]!r}, which is not known here; a newer version may read it"
        ) from None


def _malformed(algorithm: str) -> Damaged:
    return Damaged(f"a blob is not a whole {algorithm} stream; the store is damaged there")


# 4 MiB is the most that a block may have: the library takes 64 KiB blocks for shorter content.
_LZ4_FRAME: Final[dict[str, Any]] = {
    "block_size": lz4.frame.BLOCKSIZE_MAX4MB,
    "block_linked": False,
    "content_checksum": True,
}
_COMPRESSORS: Final[dict[str, Callable[[BytesLike], bytes]]] = {
    LZ4: partial(lz4.frame.compress, store_size=False, **_LZ4_FRAME),
    GZIP: _deflate_gzip,
    ZSTD: _deflate_zstd,
}
_DEFLATORS: Final[dict[str, Callable[[], _Deflator]]] = {
    LZ4: _lz4_deflator,
    GZIP: _gzip_deflator,
    ZSTD: _zstd_deflator,
}
_INFLATORS: Final[dict[str, Callable[[BytesLike, int], bytes]]] = {
    LZ4: _inflate_lz4,
    GZIP: _inflate_gzip,
    ZSTD: _inflate_zstd,
}
