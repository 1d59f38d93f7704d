"""Extended attributes on their way into a store.

Owns where their blobs go. plakar's maintenance follows the tree of attributes to their entries, but not to their
objects and chunks (kloset 90a8f211, `snapshot/snapshot.go: ListPackfiles`), and deletes a packfile that holds nothing
else in use. So an attribute's object lies in the packfile of its entry, and so do its chunks, but for those in a
packfile that is in use for another reason: some unchanged file of the same directory has its entry there, or another
attribute of the directory that is unchanged.
"""

from __future__ import annotations

from collections import defaultdict
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


class _Description(NamedTuple):
    """Records of an attribute, and its chunks."""

    entry: bytes
    entry_id: bytes
    record: bytes
    parts: tuple[ObjectChunk, ...]


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
        described = [(attribute, self._describe(attribute)) for attribute in self._gathered]
        homes: defaultdict[str, set[bytes]] = defaultdict(set)
        for attribute, (_, entry_id, _, _) in described:
            packfiles = self._blobs.packfiles_of(ResourceType.XATTR_ENTRY, entry_id)
            if len(packfiles) == 1:
                homes[attribute.path] |= packfiles
        with self._blobs.together():
            for attribute, description in described:
                self._store(attribute, description, homes[attribute.path])
        self._gathered = []
        return self._ids

    def _describe(self, attribute: _Attribute) -> _Description:
        mac, value = self._blobs.mac, attribute.value
        parts: list[ObjectChunk] = []
        start = 0
        for length in cut(value, self._sizes):
            parts.append(ObjectChunk(mac(value[start : start + length]), length))
            start += length
        content_mac = parts[0].mac if len(parts) == 1 else mac(value)
        record = Object(content_mac, tuple(parts), content_type(value[: parts[0].length])).to_bytes()
        described = ExtendedAttribute(attribute.path, attribute.name, len(value), mac(record), attribute.kind)
        entry = described.to_bytes()
        entry_id = self._ids[described.key] = mac(entry)
        return _Description(entry, entry_id, record, tuple(parts))

    def _store(self, attribute: _Attribute, description: _Description, homes: AbstractSet[bytes]) -> None:
        blobs, (entry, entry_id, record, parts) = self._blobs, description
        company = attribute.anchors | homes | blobs.packfiles_of(ResourceType.XATTR_ENTRY, entry_id)
        start = 0
        for part in parts:
            blobs.put_beside(ResourceType.CHUNK, part.mac, attribute.value[start : start + part.length], company)
            start += part.length
        blobs.put_beside(ResourceType.OBJECT, blobs.mac(record), record, company)
        blobs.put_beside(ResourceType.XATTR_ENTRY, entry_id, entry, company)
