"""The entries of a directory's children as one stream of frames.

Owns the frame (`docs/design/format.md`, "Dirpacks"): kind, length, entry record, MAC of the record, in ascending byte
order of the names. Does not chunk or store the stream, and does not compute MACs.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from caldav_backup.kloset.entries import Entry
from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.resources import MAC_SIZE

DIRECTORY = 1
OTHER = 2
CONTENT_TYPE = "application/octet-stream"
# Nothing that stands for one file is larger; a length above it comes from damage and must not be gathered in memory.
MAX_FRAME = 4 << 20


class Frame(NamedTuple):
    """One child: the bytes of its entry record and their MAC, which is the entry's id."""

    kind: int
    record: bytes
    mac: bytes

    def to_bytes(self) -> bytes:
        return _HEAD.pack(self.kind, len(self.record) + MAC_SIZE) + self.record + self.mac

    def entry(self) -> Entry:
        return Entry.from_bytes(self.record)


def read_frames(stream: Iterable[bytes], what: str) -> Iterator[Frame]:
    """Frames of a stream that arrives in pieces of any size; Damaged, naming `what`, when it ends inside a frame."""
    rest = b""
    for piece in stream:
        buffer = rest + piece if rest else piece
        position = 0
        for frame in _whole_frames(buffer, what):
            position += _HEAD.size + len(frame.record) + MAC_SIZE
            yield frame
        rest = buffer[position:]
    if rest:
        raise Damaged(f"the listing of {what} ends inside an entry; the store is damaged there")


def cut_frames(buffer: bytes, what: str) -> tuple[list[Frame], bytes]:
    """The frames of a piece that begins where one begins, and the beginning of the one that is not whole in it."""
    frames = list(_whole_frames(buffer, what))
    length = sum(_HEAD.size + len(frame.record) + MAC_SIZE for frame in frames)
    return frames, buffer[length:]


def _whole_frames(buffer: bytes, what: str) -> Iterator[Frame]:
    position, end = 0, len(buffer)
    while position + _HEAD.size <= end:
        kind, length = _HEAD.unpack_from(buffer, position)
        if kind not in {DIRECTORY, OTHER} or not MAC_SIZE < length <= MAX_FRAME:
            raise Damaged(
                f"the listing of {what} holds an entry of kind {kind} and {length} bytes; the store is damaged"
            )
        start, position = position + _HEAD.size, position + _HEAD.size + length
        if position > end:
            return
        yield Frame(kind, buffer[start : position - MAC_SIZE], buffer[position - MAC_SIZE : position])


_HEAD = struct.Struct("<BI")
