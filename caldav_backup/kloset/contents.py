"""The bytes of a content, put together from its chunks.

Owns the way from an object's id to verified bytes, one content or many. Every chunk is verified by the MAC that names
it, and the whole by the object's. Knows no paths: `what` in an error is whatever the caller calls the content.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from caldav_backup.kloset.btree import Blobs
from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.objects import Object
from caldav_backup.kloset.resources import ResourceType

if TYPE_CHECKING:
    from caldav_backup.kloset.hashing import Keyed

# Contents that are read together: as many as make one ranged read worth its trip, few enough to hold in memory.
BATCH_BYTES = 4 << 20
BATCH_CONTENTS = 512


class Contents(Blobs, Protocol):
    """Blobs, and the hash that names contents in the same store."""

    @property
    def keyed(self) -> Keyed: ...


class Content(NamedTuple):
    """One content to read: its object, and what it is to the reader; `size` in bytes when something else states it."""

    object: bytes
    what: str
    size: int | None = None


def get_object(blobs: Blobs, mac: bytes) -> Object:
    return Object.from_bytes(blobs.get_blob(ResourceType.OBJECT, mac))


def stream_content(store: Contents, content: Content) -> Iterator[bytes]:
    """The chunks of a content in order; Damaged, at the end at the latest, when they are not what was stored."""
    yield from stream_object(store, get_object(store, content.object), content)


def stream_object(store: Contents, found: Object, content: Content) -> Iterator[bytes]:
    """The same for an object that was read before."""
    _check_size(found, content)
    chunks = store.get_blobs(ResourceType.CHUNK, [chunk.mac for chunk in found.chunks])
    if len(found.chunks) == 1 and found.chunks[0].mac == found.content_mac:
        # The chunk is the content and was verified as such.
        for _, piece in chunks:
            _check_length(piece, found.chunks[0].length, content.what)
            yield piece
        return
    running = store.keyed.start()
    for chunk, (_, piece) in zip(found.chunks, chunks, strict=True):
        _check_length(piece, chunk.length, content.what)
        running.update(piece)
        yield piece
    if running.digest() != found.content_mac:
        raise Damaged(f"the content of {content.what} is not what was stored; the store is damaged there")


def read_contents(store: Contents, contents: Iterable[Content]) -> Iterator[bytes]:
    """Whole contents in the given order; what lies together in a packfile is read together."""
    for batch in _batches(contents):
        objects = [
            Object.from_bytes(record)
            for _, record in store.get_blobs(ResourceType.OBJECT, [content.object for content in batch])
        ]
        yield from _read_batch(store, batch, objects)


def _read_batch(store: Contents, batch: Sequence[Content], objects: Sequence[Object]) -> Iterator[bytes]:
    chunks = store.get_blobs(ResourceType.CHUNK, [chunk.mac for found in objects for chunk in found.chunks])
    for content, found in zip(batch, objects, strict=True):
        _check_size(found, content)
        pieces = []
        for chunk in found.chunks:
            _, piece = next(chunks)
            _check_length(piece, chunk.length, content.what)
            pieces.append(piece)
        whole = b"".join(pieces)
        if len(pieces) != 1 or found.chunks[0].mac != found.content_mac:
            _check_whole(store, whole, found, content)
        yield whole


def _batches(contents: Iterable[Content]) -> Iterator[list[Content]]:
    batch: list[Content] = []
    gathered = 0
    for content in contents:
        if batch and (len(batch) == BATCH_CONTENTS or gathered + (content.size or 0) > BATCH_BYTES):
            yield batch
            batch, gathered = [], 0
        batch.append(content)
        gathered += content.size or 0
    if batch:
        yield batch


def _check_whole(store: Contents, whole: bytes, found: Object, content: Content) -> None:
    if store.keyed.mac(whole) != found.content_mac:
        raise Damaged(f"the content of {content.what} is not what was stored; the store is damaged there")


def _check_size(found: Object, content: Content) -> None:
    if content.size is not None and found.size != content.size:
        raise Damaged(
            f"{content.what} should have {content.size} bytes and its chunks have {found.size}; "
            "the store is damaged there"
        )


def _check_length(piece: bytes, length: int, what: str) -> None:
    if len(piece) != length:
        raise Damaged(f"a chunk of {what} has {len(piece)} bytes instead of {length}; the store is damaged there")
