"""Extended attributes on their way into a store.

Owns where their blobs go. plakar's maintenance follows the tree of attributes to their entries, but not to their
objects and chunks (kloset 90a8f211, `snapshot/snapshot.go: ListPackfiles`), and deletes a packfile that holds nothing
else in use. So an attribute's object lies in the packfile of its entry, and so do its chunks, but for those in a
packfile that is in use for another reason: some unchanged file of the same directory has its entry there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from caldav_backup.kloset.blob_writer import BlobWriter
from caldav_backup.kloset.chunking import cut
from caldav_backup.kloset.configuration import ChunkSizes
from caldav_backup.kloset.errors import InvalidArgument
from caldav_backup.kloset.objects import Object, ObjectChunk, content_type
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.xattrs import EXTENDED, ExtendedAttribute

Value = bytes | Iterable[bytes]


class _Attribute(NamedTuple):
    path: str
    name: str
    value: bytes
    anchors: AbstractSet[bytes]
    kind: int


class AttributeWriter:
    """Gathers attributes until the end, so that their blobs lie side by side."""

    def __init__(self, blobs: BlobWriter, sizes: ChunkSizes) -> None:
        self._blobs = blobs
        self._sizes = sizes
        self._gathered: list[_Attribute] = []
        self._ids: dict[bytes, bytes] = {}

    def add(
        self,
        path: str,
        values: Mapping[str, Value],
        anchors: AbstractSet[bytes] = frozenset(),
        *,
        kind: int = EXTENDED,
    ) -> tuple[str, ...]:
        """The attributes of one path; their names as its entry lists them: sorted by their bytes.

        `anchors` are the packfiles that hold entries of unchanged files in this directory; they are looked at in the
        end. `kind` is told in `xattrs`.
        """
        for name, value in values.items():
            if not name or "\0" in name:
                raise InvalidArgument(f"{name!r} cannot be the name of an attribute of {path!r}")
            whole = value if isinstance(value, bytes) else b"".join(value)
            self._gathered.append(_Attribute(path, name, whole, anchors, kind))
        return tuple(sorted(values, key=str.encode))

    def take_over(self, stored: Mapping[bytes, bytes]) -> None:
        """Attributes that an earlier snapshot stored: tree keys and entry ids."""
        self._ids.update(stored)

    def finish(self) -> dict[bytes, bytes]:
        """Every attribute's tree key with its entry's id."""
        with self._blobs.together():
            for attribute in self._gathered:
                self._store(attribute)
        self._gathered = []
        return self._ids

    def _store(self, attribute: _Attribute) -> None:
        blobs, value = self._blobs, attribute.value
        chunks: list[tuple[bytes, bytes]] = []
        start = 0
        for length in cut(value, self._sizes):
            chunk = value[start : start + length]
            chunks.append((blobs.mac(chunk), chunk))
            start += length
        content_mac = chunks[0][0] if len(chunks) == 1 else blobs.mac(value)
        parts = tuple(ObjectChunk(mac, len(chunk)) for mac, chunk in chunks)
        record = Object(content_mac, parts, content_type(chunks[0][1])).to_bytes()
        described = ExtendedAttribute(attribute.path, attribute.name, len(value), blobs.mac(record), attribute.kind)
        entry = described.to_bytes()
        entry_id = self._ids[described.key] = blobs.mac(entry)
        company = attribute.anchors | blobs.packfiles_of(ResourceType.XATTR_ENTRY, entry_id)
        for mac, chunk in chunks:
            blobs.put_beside(ResourceType.CHUNK, mac, chunk, company)
        blobs.put_beside(ResourceType.OBJECT, described.object, record, company)
        blobs.put_beside(ResourceType.XATTR_ENTRY, entry_id, entry, company)
