"""Contents on their way from one store into another.

Owns the translation of an object: its bytes are read and verified by the MACs of the source, and stored under those of
the destination. Where both stores cut alike, the chunks stay what they are, entropies included. Knows no paths but for
messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from caldav_backup.kloset.blob_writer import BlobWriter
from caldav_backup.kloset.chunking import Chunker
from caldav_backup.kloset.contents import BATCH_BYTES, BATCH_CHUNKS, Content, get_object, read_objects, stream_object
from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.objects import Object, ObjectChunk
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.templates import object_template

_BATCH = 512


class CopiedObject(NamedTuple):
    """An object in the destination, the number of its chunks there, and the number that it has in the source."""

    identifier: bytes
    chunks: int
    source_chunks: int


class ContentCopier:
    """Copies contents from `source` into the packfiles of `blobs`, which belong to `destination`."""

    def __init__(self, source: Repository, destination: Repository, blobs: BlobWriter) -> None:
        self._source = source
        self._blobs = blobs
        self._sizes = destination.configuration.chunking
        self._cuts_alike = source.configuration.chunking == self._sizes

    def copy(self, contents: Sequence[Content]) -> dict[bytes, CopiedObject | Damaged]:
        """Each object of the source with what it became, or why it cannot be read; sizes must be given."""
        found: dict[bytes, CopiedObject | Damaged] = {}
        for batch in _batches(contents):
            try:
                found |= self._copy_together(batch)
            except Damaged:
                # One of them; the others must not suffer from it.
                found |= {content.object: self._copy_alone(content) for content in batch}
        return found

    def _copy_together(self, contents: Sequence[Content]) -> dict[bytes, CopiedObject]:
        if len(contents) == 1:
            return {contents[0].object: self._copy_one(contents[0])}
        records = self._source.get_blobs(ResourceType.OBJECT, [content.object for content in contents])
        objects: list[Object] = []
        chunks = 0
        for _, record in records:
            objects.append(Object.from_bytes(record))
            chunks += len(objects[-1].chunks)
            if chunks > BATCH_CHUNKS:
                # Too many to hold together; a hostile store has as many as it likes.
                return {content.object: self._copy_one(content) for content in contents}
        pieces = list(read_objects(self._source, list(zip(contents, objects, strict=True))))
        plain = [self._is_plain(each, parts) for each, parts in zip(objects, pieces, strict=True)]
        quickly = iter(
            self._store_plain(
                [(each, parts[0]) for each, parts, is_plain in zip(objects, pieces, plain, strict=True) if is_plain]
            )
        )
        return {
            content.object: next(quickly) if is_plain else self._store(each, parts)
            for content, each, parts, is_plain in zip(contents, objects, pieces, plain, strict=True)
        }

    def _copy_alone(self, content: Content) -> CopiedObject | Damaged:
        try:
            return self._copy_one(content)
        except Damaged as exc:
            return exc

    def _copy_one(self, content: Content) -> CopiedObject:
        """A content of any size; never held as a whole."""
        found = get_object(self._source, content.object)
        return self._store(found, stream_object(self._source, found, content))

    def _is_plain(self, found: Object, pieces: Sequence[bytes]) -> bool:
        """Whether the object is like almost all are: one chunk, which stays one, and nothing said of it."""
        if len(pieces) != 1 or found.entropy or found.flags:
            return False
        chunk = found.chunks[0]
        return not (chunk.entropy or chunk.flags) and (self._cuts_alike or chunk.length <= self._sizes.minimum)

    def _store_plain(self, contents: Sequence[tuple[Object, bytes]]) -> list[CopiedObject]:
        mac_of = self._blobs.mac
        macs = [mac_of(piece) for _, piece in contents]
        records = [
            object_template(found.content_type)(mac, len(piece))
            for (found, piece), mac in zip(contents, macs, strict=True)
        ]
        ids = [mac_of(record) for record in records]
        self._blobs.put_all(ResourceType.CHUNK, [(mac, piece) for mac, (_, piece) in zip(macs, contents, strict=True)])
        self._blobs.put_all(ResourceType.OBJECT, list(zip(ids, records, strict=True)))
        return [CopiedObject(identifier, 1, 1) for identifier in ids]

    def _store(self, found: Object, pieces: Iterable[bytes]) -> CopiedObject:
        running = self._blobs.start_mac()
        parts: list[ObjectChunk] = []
        for chunk, like in self._cut(found, pieces):
            running.update(chunk)
            mac = self._blobs.put(ResourceType.CHUNK, chunk)
            parts.append(ObjectChunk(mac, len(chunk), like.entropy, like.flags))
        content_mac = parts[0].mac if len(parts) == 1 else running.digest()
        record = found._replace(content_mac=content_mac, chunks=tuple(parts)).to_bytes()
        return CopiedObject(self._blobs.put(ResourceType.OBJECT, record), len(parts), len(found.chunks))

    def _cut(self, found: Object, pieces: Iterable[bytes]) -> Iterator[tuple[bytes, ObjectChunk]]:
        """Chunks, each with one of the source that may have been said something of."""
        if self._cuts_alike:
            yield from zip(pieces, found.chunks, strict=True)
            return
        # Of chunks that are cut anew nothing is known, as of all that this program cuts.
        chunker, nothing_said = Chunker(self._sizes), ObjectChunk(b"", 0)
        for piece in pieces:
            for chunk in chunker.feed(piece):
                yield chunk, nothing_said
        for chunk in chunker.finish():
            yield chunk, nothing_said


def _batches(contents: Sequence[Content]) -> Iterator[list[Content]]:
    """Contents that are read together: few enough to be held; a large one comes alone."""
    batch: list[Content] = []
    gathered = 0
    for content in contents:
        size = content.size or 0
        if batch and (len(batch) == _BATCH or gathered + size > BATCH_BYTES):
            yield batch
            batch, gathered = [], 0
        batch.append(content)
        gathered += size
    if batch:
        yield batch
