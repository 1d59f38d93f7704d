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
BATCH_CHUNKS = 8192

# What is put together in memory, which a store of somebody else must not fill: no calendar's content comes near it.
WHOLE_LIMIT = 256 << 20


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
    return _pieces(store, found, content, store.get_blobs(ResourceType.CHUNK, [chunk.mac for chunk in found.chunks]))


def read_contents(store: Contents, contents: Iterable[Content]) -> Iterator[bytes]:
    """Whole contents in the given order; what lies together in a packfile is read together."""
    for batch in _batches(contents):
        for group in _with_objects(store, batch):
            chunks = _chunks_of(store, [found for _, found in group])
            for content, found in group:
                yield b"".join(_pieces(store, found, content, chunks))


def _with_objects(store: Contents, batch: Sequence[Content]) -> Iterator[list[tuple[Content, Object]]]:
    """The contents with their objects, in groups of a few thousand chunks."""
    group: list[tuple[Content, Object]] = []
    chunks = 0
    records = store.get_blobs(ResourceType.OBJECT, [content.object for content in batch])
    for content, (_, record) in zip(batch, records, strict=True):
        found = Object.from_bytes(record)
        if found.size > WHOLE_LIMIT:
            raise _not_stored(content, f"has {found.size} bytes, too many to be read in one piece")
        if group and chunks + len(found.chunks) > BATCH_CHUNKS:
            yield group
            group, chunks = [], 0
        group.append((content, found))
        chunks += len(found.chunks)
    if group:
        yield group


def read_objects(store: Contents, contents: Sequence[tuple[Content, Object]]) -> Iterator[list[bytes]]:
    """The chunks of each of these contents, whose objects were read before."""
    chunks = _chunks_of(store, [found for _, found in contents])
    for content, found in contents:
        yield list(_pieces(store, found, content, chunks))


def verify_contents(store: Contents, contents: Sequence[tuple[Content, Object]]) -> None:
    """Read all chunks of these contents, and keep nothing; Damaged for the first that is not what was stored."""
    chunks = _chunks_of(store, [found for _, found in contents])
    for content, found in contents:
        for _ in _pieces(store, found, content, chunks):
            pass


def _chunks_of(store: Contents, objects: Sequence[Object]) -> Iterator[tuple[bytes, bytes]]:
    return store.get_blobs(ResourceType.CHUNK, (chunk.mac for found in objects for chunk in found.chunks))


def _pieces(store: Contents, found: Object, content: Content, chunks: Iterator[tuple[bytes, bytes]]) -> Iterator[bytes]:
    """The pieces of one content, which `chunks` gives next."""
    if content.size is not None and found.size != content.size:
        raise _not_stored(content, f"has {content.size} bytes by its entry and {found.size} by its chunks")
    # A single chunk that has the content's MAC was verified by it when it was read.
    running = None if [chunk.mac for chunk in found.chunks] == [found.content_mac] else store.keyed.start()
    for chunk in found.chunks:
        _, piece = next(chunks)
        if len(piece) != chunk.length:
            raise _not_stored(content, f"has a chunk of {len(piece)} bytes instead of {chunk.length}")
        if running is not None:
            running.update(piece)
        yield piece
    if running is not None and running.digest() != found.content_mac:
        raise _not_stored(content, "is not what its MAC says")


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


def _not_stored(content: Content, how: str) -> Damaged:
    return Damaged(f"the content of {content.what} {how}; the store is damaged there")
