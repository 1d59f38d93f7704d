"""Contents cut into chunks and described by objects.

Owns how the bytes of a file, a listing or an attribute become chunk and object blobs (`docs/design/format.md`, "Object
and chunks"). Entropy is left out: it serves nothing here, and costs time and room. Whether a blob is stored already is
told in `blob_writer`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from caldav_backup.kloset.blob_writer import BlobWriter
from caldav_backup.kloset.chunking import Chunker
from caldav_backup.kloset.configuration import ChunkSizes
from caldav_backup.kloset.objects import CALENDAR, Object, ObjectChunk, content_type
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.templates import object_template

_CALENDAR_HEAD = b"BEGIN:VCALENDAR"


class Stored(NamedTuple):
    """What an entry says about its content: the object's id, the size in bytes, the number of chunks, the MIME type."""

    object: bytes
    size: int
    chunks: int
    content_type: str


class ContentStream:
    """One content of any size, written piece by piece; holds no more than a chunk of it."""

    def __init__(self, blobs: BlobWriter, sizes: ChunkSizes, content_type: str = "") -> None:
        """Without a content type it is told from the first chunk."""
        self._blobs = blobs
        self._chunker = Chunker(sizes)
        self._running = blobs.start_mac()
        self._chunks: list[ObjectChunk] = []
        self._size = 0
        self._content_type = content_type

    def write(self, piece: bytes) -> None:
        self._store(self._chunker.feed(piece))

    def finish(self) -> Stored:
        self._store(self._chunker.finish())
        record = Object(self._running.digest(), tuple(self._chunks), self._content_type).to_bytes()
        return Stored(self._blobs.put(ResourceType.OBJECT, record), self._size, len(self._chunks), self._content_type)

    def _store(self, chunks: Iterable[bytes]) -> None:
        for chunk in chunks:
            self._content_type = self._content_type or content_type(chunk)
            self._running.update(chunk)
            self._size += len(chunk)
            self._chunks.append(ObjectChunk(self._blobs.put(ResourceType.CHUNK, chunk), len(chunk)))


class ContentWriter:
    """Stores contents, most of them as one chunk."""

    def __init__(self, blobs: BlobWriter, sizes: ChunkSizes) -> None:
        self._blobs = blobs
        self._sizes = sizes

    def open(self, content_type: str = "") -> ContentStream:
        return ContentStream(self._blobs, self._sizes, content_type)

    def store(self, pieces: Iterable[bytes]) -> Stored:
        stream = self.open()
        for piece in pieces:
            stream.write(piece)
        return stream.finish()

    def store_all(self, contents: Sequence[bytes]) -> list[Stored]:
        """Whole contents, in order. What fits into the smallest chunk is not cut: its MAC is the chunk's."""
        minimum = self._sizes.minimum
        small = [content for content in contents if len(content) <= minimum]
        quickly = iter(self._store_small(small))
        return [next(quickly) if len(content) <= minimum else self.store((content,)) for content in contents]

    def _store_small(self, contents: Sequence[bytes]) -> list[Stored]:
        mac_of = self._blobs.mac
        types = [CALENDAR if content.startswith(_CALENDAR_HEAD) else content_type(content) for content in contents]
        macs = [mac_of(content) for content in contents]
        records = [
            object_template(kind)(mac, len(content)) for kind, mac, content in zip(types, macs, contents, strict=True)
        ]
        ids = [mac_of(record) for record in records]
        self._blobs.put_all(ResourceType.CHUNK, list(zip(macs, contents, strict=True)))
        self._blobs.put_all(ResourceType.OBJECT, list(zip(ids, records, strict=True)))
        return [
            Stored(object_id, len(content), 1, kind)
            for object_id, content, kind in zip(ids, contents, types, strict=True)
        ]
