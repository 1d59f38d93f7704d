"""One entry of a snapshot's file tree: where it is, what it is, and which object holds its content.

Owns the entry record (`docs/design/format.md`, "VFS entry") and its exact bytes: plakar decodes an entry, encodes it
again and expects the same MAC. Does not know directories (`dirpack`) or trees.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from caldav_backup.kloset import paths, records
from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.fields import Fields
from caldav_backup.kloset.objects import MODE_DIRECTORY, MODE_SYMLINK, MODE_TYPE, FileInfo
from caldav_backup.kloset.resources import MAC_SIZE, VERSION_1_0_0, ZERO_MAC
from caldav_backup.kloset.summary import Summary

NOT_REGULAR = "application/x-not-regular-file"


class Class(NamedTuple):
    """What a classifier found, and how sure it was."""

    name: str
    probability: float


class Classification(NamedTuple):
    """The classes that one analyzer gave."""

    analyzer: str
    classes: tuple[Class, ...]

    def to_bytes(self) -> bytes:
        classes = [
            records.map_header(2)
            + _NAME
            + records.string(found.name)
            + _PROBABILITY
            + records.float64(found.probability)
            for found in self.classes
        ]
        head = records.map_header(2) + _ANALYZER + records.string(self.analyzer) + _CLASSES
        return head + records.array_header(len(classes)) + b"".join(classes)

    @classmethod
    def from_fields(cls, fields: Fields) -> Classification:
        classes = (Class(found.text("name"), found.number("probability")) for found in fields.records("classes"))
        return cls(fields.text("analyzer"), tuple(classes))


class CustomMetadata(NamedTuple):
    """A key and value that plakar tolerates but drops on `sync`."""

    key: str
    value: bytes

    def to_bytes(self) -> bytes:
        return records.map_header(2) + _KEY + records.string(self.key) + _VALUE + records.binary(self.value)

    @classmethod
    def from_fields(cls, fields: Fields) -> CustomMetadata:
        return cls(fields.text("key"), fields.data("value"))


class Entry(NamedTuple):
    """One file, directory, symbolic link or special file. `object` is all zero for whatever has no content."""

    parent_path: str
    info: FileInfo
    symlink_target: str = ""
    object: bytes = ZERO_MAC
    content_type: str = ""
    entropy: float = 0.0
    chunks: int = 0
    alternate_data_streams: tuple[str, ...] = ()
    security_descriptor: bytes = b""
    file_attributes: int = 0
    extended_attributes: tuple[str, ...] = ()
    classifications: tuple[Classification, ...] = ()
    custom_metadata: tuple[CustomMetadata, ...] = ()
    tags: tuple[str, ...] = ()
    summary: Summary | None = None
    version: int = VERSION_1_0_0

    @property
    def path(self) -> str:
        return paths.join(self.parent_path, self.info.name)

    @property
    def name(self) -> str:
        return self.info.name

    @property
    def size(self) -> int:
        """Bytes of the content; whatever the source said for anything that is no regular file."""
        return self.info.size

    @property
    def mode(self) -> int:
        """Go's file mode."""
        return self.info.mode

    @property
    def mtime_ns(self) -> int:
        """Nanoseconds since the Unix epoch."""
        return self.info.mtime_ns

    @property
    def is_directory(self) -> bool:
        return bool(self.info.mode & MODE_DIRECTORY)

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return not self.info.mode & MODE_TYPE

    @property
    def is_symlink(self) -> bool:
        return bool(self.info.mode & MODE_SYMLINK)

    @property
    def has_object(self) -> bool:
        return self.object != ZERO_MAC

    def to_bytes(self) -> bytes:
        optional = _encode_attributes(self)
        before = _encode_content(self)
        count = 5 + len(before) + len(optional) + bool(self.symlink_target)
        parts = [
            records.map_header(count),
            _VERSION,
            records.uint32(self.version),
            _PARENT_PATH,
            records.string(self.parent_path),
            _FILE_INFO,
            self.info.to_bytes(),
            _SUMMARY,
            records.NIL if self.summary is None else self.summary.to_bytes(),
        ]
        if self.symlink_target:
            parts += (_SYMLINK_TARGET, records.string(self.symlink_target))
        parts += (_OBJECT, records.binary(self.object), *before, *optional)
        return b"".join(parts)

    @classmethod
    def from_bytes(cls, encoded: bytes) -> Entry:
        """The entry of a record; Damaged when it is malformed or its place is one that no entry may have."""
        values = records.decode(encoded)
        if type(values) is not dict:
            raise Damaged("an entry is not a map of fields; the store is damaged there")
        info = FileInfo.from_map(values.get("file_info"))
        # The usual entry: nothing but these fields. Everything else takes the longer way.
        plain = tuple(map(values.get, _PLAIN, _PLAIN_ZEROS))
        if tuple(map(type, plain)) != _PLAIN_TYPES:
            raise Damaged(f"the entry of {info.name!r} has a field of an unexpected type; the store is damaged there")
        parent_path, target, mac, content_type, entropy, chunks, version = plain
        if len(mac) != MAC_SIZE or chunks < 0 or version < 0:
            raise Damaged(f"the entry of {info.name!r} has a field out of range; the store is damaged there")
        paths.check_place(parent_path, info.name)
        entry = cls(parent_path, info, target, mac, content_type, entropy, chunks, version=version)
        return entry if values.keys() <= _USUAL and values.get("summary") is None else _complete(entry, values)


def _encode_content(entry: Entry) -> list[bytes]:
    parts = []
    if entry.content_type:
        parts.append(_CONTENT_TYPE + records.string(entry.content_type))
    if entry.entropy:
        parts.append(_ENTROPY + records.float64(entry.entropy))
    if entry.chunks:
        parts.append(_CHUNKS + records.uint64(entry.chunks))
    return parts


def _encode_attributes(entry: Entry) -> list[bytes]:
    parts = []
    if entry.alternate_data_streams:
        parts.append(_STREAMS + _texts(entry.alternate_data_streams))
    if entry.security_descriptor:
        parts.append(_SECURITY + records.binary(entry.security_descriptor))
    if entry.file_attributes:
        parts.append(_ATTRIBUTES + records.uint32(entry.file_attributes))
    if entry.extended_attributes:
        parts.append(_EXTENDED + _texts(entry.extended_attributes))
    if entry.classifications:
        parts.append(_CLASSIFICATIONS + _records(entry.classifications))
    if entry.custom_metadata:
        parts.append(_METADATA + _records(entry.custom_metadata))
    if entry.tags:
        parts.append(_TAGS + _texts(entry.tags))
    return parts


def _texts(values: tuple[str, ...]) -> bytes:
    return records.array_header(len(values)) + b"".join(map(records.string, values))


def _records(values: tuple[Classification, ...] | tuple[CustomMetadata, ...]) -> bytes:
    return records.array_header(len(values)) + b"".join(value.to_bytes() for value in values)


def _complete(entry: Entry, values: dict[Any, Any]) -> Entry:
    """The same entry with the fields that few entries have."""
    fields = Fields(values, f"the entry of {entry.path!r}")
    return entry._replace(
        alternate_data_streams=fields.texts("alternate_data_streams"),
        security_descriptor=fields.data("security_descriptor"),
        file_attributes=fields.unsigned("file_attributes"),
        extended_attributes=fields.texts("extended_attributes"),
        classifications=tuple(map(Classification.from_fields, fields.records("classifications"))),
        custom_metadata=tuple(map(CustomMetadata.from_fields, fields.records("custom_metadata"))),
        tags=fields.texts("tags"),
        summary=Summary.from_fields(fields.record("summary")) if fields.has("summary") else None,
    )


_VERSION = records.string("version")
_PARENT_PATH = records.string("parent_path")
_FILE_INFO = records.string("file_info")
_SUMMARY = records.string("summary")
_SYMLINK_TARGET = records.string("symlink_target")
_OBJECT = records.string("object")
_CONTENT_TYPE = records.string("content_type")
_ENTROPY = records.string("entropy")
_CHUNKS = records.string("chunks")
_STREAMS = records.string("alternate_data_streams")
_SECURITY = records.string("security_descriptor")
_ATTRIBUTES = records.string("file_attributes")
_EXTENDED = records.string("extended_attributes")
_CLASSIFICATIONS = records.string("classifications")
_METADATA = records.string("custom_metadata")
_TAGS = records.string("tags")
_ANALYZER = records.string("analyzer")
_CLASSES = records.string("classes")
_NAME = records.string("name")
_PROBABILITY = records.string("probability")
_KEY = records.string("key")
_VALUE = records.string("value")

_PLAIN = ("parent_path", "symlink_target", "object", "content_type", "entropy", "chunks", "version")
_PLAIN_ZEROS = ("", "", ZERO_MAC, "", 0.0, 0, 0)
_PLAIN_TYPES = (str, str, bytes, str, float, int, int)
_USUAL = frozenset((*_PLAIN, "file_info", "summary"))
