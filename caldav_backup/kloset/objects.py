"""Content of one file as a list of chunks, what a file system says about the file, and what kind of content it is.

Owns the object record (`docs/design/format.md`, "Object and chunks") and the file information inside an entry. Does not
read or store anything, and does not cut content: see `chunking`.
"""

from __future__ import annotations

import codecs
from operator import itemgetter
from typing import Any, NamedTuple

from caldav_backup.kloset import records
from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.fields import Fields
from caldav_backup.kloset.resources import MAC_SIZE, VERSION_1_0_0

# Bits of Go's file mode, which is not Unix's: format.md, "VFS entry".
MODE_DIRECTORY = 1 << 31
MODE_SYMLINK = 1 << 27
MODE_DEVICE = 1 << 26
MODE_PIPE = 1 << 25
MODE_SOCKET = 1 << 24
MODE_SETUID = 1 << 23
MODE_SETGID = 1 << 22
MODE_CHARACTER_DEVICE = 1 << 21
MODE_STICKY = 1 << 20
MODE_IRREGULAR = 1 << 19
MODE_TYPE = (
    MODE_DIRECTORY | MODE_SYMLINK | MODE_DEVICE | MODE_PIPE | MODE_SOCKET | MODE_CHARACTER_DEVICE | MODE_IRREGULAR
)

# A record of more than 10,000 chunks, which is not decoded at once.
_LONG = 1 << 20
_EMPTY_CHUNKS = 64

CALENDAR = "text/calendar"
_SNIFFED = 3072  # bytes that plakar's sniffing library looks at
_BLANKS = b"\t\n\x0c\r "
_NOT_IN_TEXT = frozenset(range(0x20)) - frozenset(b"\t\n\x0c\r\x1b")


class ObjectChunk(NamedTuple):
    """One piece of content: its MAC, which is also its blob's, and its length in bytes."""

    mac: bytes
    length: int
    entropy: float = 0.0
    flags: int = 0
    version: int = VERSION_1_0_0

    def to_bytes(self) -> bytes:
        return b"".join(
            (
                _CHUNK_HEAD,
                records.uint32(self.version),
                _CONTENT_MAC,
                records.binary(self.mac),
                _LENGTH,
                records.uint32(self.length),
                _ENTROPY,
                records.float64(self.entropy),
                _FLAGS,
                records.uint32(self.flags),
            )
        )


class Object(NamedTuple):
    """One content: the MAC of all of it, and its chunks in order."""

    content_mac: bytes
    chunks: tuple[ObjectChunk, ...]
    content_type: str = ""
    entropy: float = 0.0
    flags: int = 0
    version: int = VERSION_1_0_0

    @property
    def size(self) -> int:
        """Bytes of the whole content."""
        return sum(chunk.length for chunk in self.chunks)

    def to_bytes(self) -> bytes:
        parts = [_VERSION, records.uint32(self.version), _CONTENT_MAC, records.binary(self.content_mac), _CHUNKS]
        if self.chunks:
            parts.append(records.array_header(len(self.chunks)))
            parts += [chunk.to_bytes() for chunk in self.chunks]
        else:
            parts.append(records.NIL)
        count = 4
        if self.content_type:
            count += 1
            parts += (_CONTENT_TYPE, records.string(self.content_type))
        if self.entropy:
            count += 1
            parts += (_ENTROPY, records.float64(self.entropy))
        parts += (_FLAGS, records.uint32(self.flags))
        return records.map_header(count) + b"".join(parts)

    @classmethod
    def from_bytes(cls, encoded: bytes) -> Object:
        if len(encoded) > _LONG:
            fields = Fields(records.decode_long(encoded, "chunks", _read_chunk), "an object record")
            chunks = fields.values("chunks")
        else:
            fields = Fields(records.decode(encoded), "an object record")
            chunks = [_read_chunk(chunk) for chunk in fields.values("chunks")]
        if len(chunks) > _EMPTY_CHUNKS and len(chunks) > _EMPTY_CHUNKS + sum(chunk.length for chunk in chunks):
            # Empty ones: a million would be work without end for nothing.
            raise Damaged("an object record has more chunks than bytes; the store is damaged there")
        return cls(
            fields.mac("contentMAC"),
            tuple(chunks),
            fields.text("content_type"),
            fields.number("entropy"),
            fields.unsigned("flags"),
            fields.unsigned("version"),
        )


class FileInfo(NamedTuple):
    """What a file system says about one name. `size` in bytes, `mtime_ns` since the Unix epoch, `mode` as Go has it."""

    name: str
    size: int = 0
    mode: int = 0o644
    mtime_ns: int = 0
    dev: int = 0
    ino: int = 0
    uid: int = 0
    gid: int = 0
    nlink: int = 0
    username: str = ""
    groupname: str = ""
    flags: int = 0

    def to_bytes(self) -> bytes:
        encoded = [encode(value) for encode, value in zip(_INFO_ENCODERS, self, strict=True)]
        return b"".join((_INFO_HEAD, *(part for pair in zip(_INFO_KEYS, encoded, strict=True) for part in pair)))

    @classmethod
    def from_map(cls, values: Any) -> FileInfo:
        """The file information of a decoded entry; Damaged when a field is missing, of a wrong type or negative."""
        try:
            fields = _read_info(values)
        except (KeyError, TypeError):
            raise Damaged("an entry's file information is incomplete; the store is damaged there") from None
        if type(fields[3]) is not int:
            fields = (*fields[:3], records.instant(fields[3]), *fields[4:])
        if tuple(map(type, fields)) != _INFO_TYPES or min(_unsigned_info(fields)) < 0:
            raise Damaged("an entry's file information has a field of an unexpected type; the store is damaged there")
        return cls._make(fields)


def content_type(beginning: bytes) -> str:
    """MIME type by the first bytes of a content, never empty; calendars as plakar's library names them."""
    beginning = beginning[:_SNIFFED]
    if not beginning:
        return "text/plain"
    text = beginning.removeprefix(codecs.BOM_UTF8).lstrip(_BLANKS)
    if text[:15].upper() == b"BEGIN:VCALENDAR":
        return CALENDAR
    if not _NOT_IN_TEXT.isdisjoint(beginning) or not _is_utf8(beginning):
        return "application/octet-stream"
    return "text/plain; charset=utf-8"


def _is_utf8(beginning: bytes) -> bool:
    try:
        # Not final: the cut may fall inside a character.
        codecs.getincrementaldecoder("utf-8")().decode(beginning)
    except UnicodeDecodeError:
        return False
    return True


def _read_chunk(values: Any) -> ObjectChunk:
    try:
        chunk = ObjectChunk._make(_chunk_fields(values))
    except (KeyError, TypeError):
        raise Damaged("a chunk of an object record is incomplete; the store is damaged there") from None
    if tuple(map(type, chunk)) != _CHUNK_TYPES or len(chunk.mac) != MAC_SIZE or not 0 <= chunk.length < 1 << 32:
        raise Damaged("a chunk of an object record has a field of an unexpected type; the store is damaged there")
    return chunk


_VERSION = records.string("version")
_CONTENT_MAC = records.string("contentMAC")
_CHUNKS = records.string("chunks")
_LENGTH = records.string("length")
_CONTENT_TYPE = records.string("content_type")
_ENTROPY = records.string("entropy")
_FLAGS = records.string("flags")

_CHUNK_HEAD = records.map_header(5) + _VERSION
_CHUNK_TYPES = (bytes, int, float, int, int)
_chunk_fields = itemgetter("contentMAC", "length", "entropy", "flags", "version")

_INFO_NAMES = "name size mode mod_time dev ino uid gid nlink username groupname flags".split()
_INFO_TYPES = (str, int, int, int, int, int, int, int, int, str, str, int)
_INFO_ENCODERS: tuple[Any, ...] = (
    records.string,
    records.int64,
    records.uint32,
    records.timestamp,
    records.uint64,
    records.uint64,
    records.uint64,
    records.uint64,
    records.uint16,
    records.string,
    records.string,
    records.uint32,
)
_INFO_HEAD = records.map_header(len(_INFO_NAMES))
_INFO_KEYS = [records.string(name) for name in _INFO_NAMES]
_read_info = itemgetter(*_INFO_NAMES)
_unsigned_info = itemgetter(1, 2, 4, 5, 6, 7, 8, 11)
