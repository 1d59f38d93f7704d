"""Records of many like files, joined from constant pieces.

Owns the fast way to the bytes of objects and entries that differ in a few fields only; `objects` and `entries` own what
these records are, and their encoders cut the pieces here. Knows no storage.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from struct import Struct
from typing import NamedTuple

from caldav_backup.kloset import records
from caldav_backup.kloset.entries import Entry
from caldav_backup.kloset.objects import FileInfo, Object, ObjectChunk
from caldav_backup.kloset.paths import from_key
from caldav_backup.kloset.resources import MAC_SIZE

# Stand for what differs while a template is cut. No path or type holds a NUL, so each is found where it was put.
_NAME = "\0name\0"
_MAC = b"\0object\0".ljust(MAC_SIZE, b"\0")
_LENGTH = 0x00010203
_SIZE = 0x0001020304050607
_MTIME = 1_700_000_000_123_456_789

_U32 = Struct(">I")
_I64 = Struct(">q")
# What stands before a string, by the string's length in bytes.
_STRING_HEADS = [records.string("x" * length)[: 1 if length < 32 else 2] for length in range(256)]
# The constant pieces with, between them, a string of up to 255 bytes, an i64, a timestamp of any width, and a MAC.
_SHAPE = rb"%b([\xa0-\xbf]|\xd9.)([^/\0]*)%b(.{8})%b(\xd6.{5}|\xd7.{9}|\xc7.{14})%b.{32}%b"


@cache
def object_template(content_type: str) -> Callable[[bytes, int], bytes]:
    """Encoder of objects of one chunk: the chunk's MAC, which is the content's too, and its length in bytes."""
    record = Object(_MAC, (ObjectChunk(_MAC, _LENGTH),), content_type).to_bytes()
    head, middle, rest = record.split(_MAC)
    before, tail = rest.split(_U32.pack(_LENGTH))
    pack_length = _U32.pack

    def encode(mac: bytes, length: int) -> bytes:
        return b"".join((head, mac, middle, mac, before, pack_length(length), tail))

    return encode


class PlainFile(NamedTuple):
    """What differs among plain files: the bytes of the name, the size in bytes, the time since the Unix epoch."""

    name: bytes
    size: int
    mtime_ns: int


class EntryTemplate:
    """The entries of a directory's plain files: constant attributes, one content type, an object of one chunk."""

    __slots__ = ("_before_mtime", "_before_name", "_before_object", "_before_size", "_pattern", "_tail", "content_type")

    def __init__(self, directory: str, content_type: str) -> None:
        info = FileInfo(_NAME, _SIZE, mtime_ns=_MTIME)
        record = Entry(directory, info, object=_MAC, content_type=content_type, chunks=1).to_bytes()
        before, after = record.split(info.to_bytes())
        info_head, rest = info.to_bytes().split(records.string(_NAME))
        self.content_type = content_type
        self._before_name = before + info_head
        self._before_size, rest = rest.split(_I64.pack(_SIZE))
        self._before_mtime, info_tail = rest.split(records.timestamp(_MTIME))
        before_mac, self._tail = after.split(_MAC)
        self._before_object = info_tail + before_mac
        constant = self._before_name, self._before_size, self._before_mtime, self._before_object, self._tail
        self._pattern = re.compile(_SHAPE % tuple(map(re.escape, constant)), re.DOTALL)

    def encode(self, name: bytes, size: int, mtime_ns: int, object_id: bytes) -> bytes:
        """The record of one file."""
        length = len(name)
        head = _STRING_HEADS[length] if length < 256 else records.string(from_key(name))[:-length]
        return b"".join(
            (
                self._before_name,
                head,
                name,
                self._before_size,
                _I64.pack(size),
                self._before_mtime,
                records.timestamp(mtime_ns),
                self._before_object,
                object_id,
                self._tail,
            )
        )

    def match(self, record: bytes) -> PlainFile | None:
        """What `encode` was given for this record; None for an entry that differs in anything else."""
        found = self._pattern.fullmatch(record)
        if found is None:
            return None
        head, name, size, mtime = found.groups()
        if head[-1] & (0xFF if len(head) == 2 else 0x1F) != len(name):
            return None
        return PlainFile(name, _I64.unpack(size)[0], records.decode(mtime))

    def object_of(self, record: bytes) -> bytes:
        """The object's id in a record that matches."""
        end = len(record) - len(self._tail)
        return record[end - MAC_SIZE : end]

    def with_object(self, record: bytes, object_id: bytes) -> bytes:
        """A record that matches, with another object."""
        end = len(record) - len(self._tail)
        return record[: end - MAC_SIZE] + object_id + record[end:]
