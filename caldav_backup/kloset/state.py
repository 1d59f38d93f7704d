"""One state file: what one commit added to the index, and took from it.

Owns the stream between the envelope's ends (`docs/design/format.md`, "States"). Entries of a fixed size stay together
as runs of bytes, for a first backup of 100,000 events has 300,000 locations. What all states together say is told in
`index`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.resources import MAC_SIZE, VERSION_1_0_0, VERSION_1_1_0, ZERO_MAC


class EntryType(IntEnum):
    """Kinds of entries. A configuration entry is read but never written: plakar cannot open a store that has one."""

    METADATA = 1
    LOCATION = 2
    COLOURED = 3
    PACKFILE = 4
    CONFIGURATION = 5
    DELETE = 6
    MERGED = 128
    REISSUED = 129
    LOST = 130
    COMMITTED = 131


OWN_KINDS = 128
"""Kinds from here on are this program's own: plakar skips them, by their length (kloset 90a8f211, `state.go`)."""


class Location(NamedTuple):
    """Where a blob lies: `offset` in a packfile's body, and `length` there, both in bytes."""

    packfile: bytes
    offset: int
    length: int


class LocationEntry(NamedTuple):
    """A blob lies in a packfile: `offset` in its body, and `length` there, both in bytes."""

    resource_type: int
    version: int
    mac: bytes
    packfile: bytes
    offset: int
    length: int
    flags: int = 0

    @property
    def location(self) -> Location:
        return Location(self.packfile, self.offset, self.length)


class ColouredEntry(NamedTuple):
    """Marks a snapshot as removed, or a packfile as unused, at a time in nanoseconds since the Unix epoch."""

    resource_type: int
    identifier: bytes
    timestamp_ns: int


class PackfileEntry(NamedTuple):
    """Makes a packfile's blobs count; `state` is the id of the state that holds this entry."""

    packfile: bytes
    state: bytes
    timestamp_ns: int


class DeleteEntry(NamedTuple):
    """Takes a location, a colour or a packfile (`what`) back; fields that it does not need stay zero."""

    what: int
    resource_type: int = 0
    mac: bytes = ZERO_MAC
    packfile: bytes = ZERO_MAC


class MergedEntry(NamedTuple):
    """What `state` said, which was written at `timestamp_ns`, is said by this one now."""

    state: bytes
    timestamp_ns: int


class ReissuedEntry(NamedTuple):
    """The snapshot `new` is `old` with another header; `committed_ns` is when `old` was first told of."""

    old: bytes
    new: bytes
    committed_ns: int


class CommittedEntry(NamedTuple):
    """A snapshot, and when it was first told of. Such entries stand in the order of commits."""

    snapshot: bytes
    timestamp_ns: int


class LostEntry(NamedTuple):
    """Something that this packfile held is lost, as a repair found at this time (Unix nanoseconds)."""

    packfile: bytes
    timestamp_ns: int


Entry = (
    LocationEntry
    | ColouredEntry
    | PackfileEntry
    | DeleteEntry
    | MergedEntry
    | ReissuedEntry
    | CommittedEntry
    | LostEntry
)


class Run(NamedTuple):
    """Neighbouring entries of one type, as they stand in the stream: each with its type, its length and its payload."""

    type: EntryType
    entries: bytes

    def read(self) -> Iterator[Entry]:
        """The entries one by one: for few of them; see `index` for many locations."""
        shape, make = _WHOLE[self.type]
        return map(make, shape.iter_unpack(self.entries))

    def location(self, place: int) -> LocationEntry:
        """One entry of a run of locations."""
        shape, _ = _PAYLOADS[EntryType.LOCATION]
        return LocationEntry(*shape.unpack_from(self.entries, place * LOCATION_STRIDE + HEAD_SIZE))


def make_run(entries: Sequence[Entry]) -> Run:
    """One run of entries of the same kind."""
    kind = _KINDS[type(entries[0])]
    shape, _ = _PAYLOADS[kind]
    head = _HEAD.pack(kind, shape.size)
    return Run(kind, b"".join([head + shape.pack(*entry) for entry in entries]))


@dataclass(frozen=True, slots=True)
class State:
    """One state. `timestamp_ns` since the Unix epoch; `parent` is all zero for the first."""

    runs: tuple[Run, ...]
    timestamp_ns: int
    parent: bytes = ZERO_MAC
    serial: bytes = bytes(16)
    version: int = VERSION_1_1_0

    def to_bytes(self) -> bytes:
        """The stream, which is always of version 1.1.0."""
        return b"".join(self.pieces())

    def pieces(self) -> Iterator[bytes | memoryview]:
        """The same in pieces, for it may have tens of megabytes."""
        yield self.parent
        for run in self.runs:
            whole = memoryview(run.entries)
            for start in range(0, len(whole), _PIECE):
                yield whole[start : start + _PIECE]
        yield _END.pack(EntryType.METADATA, VERSION_1_1_0, self.timestamp_ns, self.serial)

    @classmethod
    def from_bytes(cls, stream: bytes, version: int) -> State:
        """`version` is the envelope's. Damaged when anything is cut short, has a wrong length, or follows the end."""
        start = 0 if version == VERSION_1_0_0 else MAC_SIZE
        if len(stream) < start + _END.size:
            raise Damaged(f"a state of {len(stream)} bytes is cut short")
        runs, end = _read_runs(stream, start, version)
        _, stated, timestamp, serial = _END.unpack_from(stream, end)
        return cls(tuple(runs), timestamp, stream[:start] or ZERO_MAC, serial, stated)


def _read_runs(stream: bytes, start: int, version: int) -> tuple[list[Run], int]:
    """The runs from `start` on, and where the end mark stands."""
    runs: list[Run] = []
    end = len(stream) - _END.size
    known = _LENGTHS if version != VERSION_1_0_0 else _LENGTHS_1_0_0
    while start < end:
        kind, length = _HEAD.unpack_from(stream, start)
        if kind == EntryType.METADATA:
            break
        if kind in known and (kind < OWN_KINDS or length == known[kind]):
            if length != known[kind]:
                raise Damaged(f"a state has an entry of type {kind} with {length} bytes instead of {known[kind]}")
            after = _end_of_run(stream, start, end, HEAD_SIZE + length)
            runs.append(_checked(Run(EntryType(kind), stream[start:after])))
            start = after
        else:
            # A configuration entry, or of a type that this version does not know: its length says where the next
            # begins.
            start += HEAD_SIZE + length
    if start != end or stream[end] != EntryType.METADATA:
        raise Damaged("a state's entries do not end where its description begins")
    return runs, end


def _checked(run: Run) -> Run:
    """The same run; Damaged when it deletes something that cannot be deleted."""
    if run.type == EntryType.DELETE and not set(run.entries[HEAD_SIZE :: HEAD_SIZE + _LENGTHS[run.type]]) <= _DELETABLE:
        raise Damaged("a state deletes something of an unknown kind")
    return run


def _end_of_run(stream: bytes, start: int, end: int, stride: int) -> int:
    """Where the entries that begin like the one at `start` end; without a loop over the entries."""
    count = (end - start) // stride
    for place in range(HEAD_SIZE):
        column = stream[start + place : start + count * stride : stride]
        count = len(column) - len(column.lstrip(column[:1]))
    if count == 0:
        raise Damaged("a state ends inside an entry")
    return start + count * stride


HEAD_SIZE = 5
_PIECE = 1 << 20
_HEAD = struct.Struct("<BI")
_END = struct.Struct("<BIQ16s")
_PAYLOADS: dict[EntryType, tuple[struct.Struct, Callable[..., Any]]] = {
    EntryType.LOCATION: (struct.Struct("<BI32s32sQII"), LocationEntry),
    EntryType.COLOURED: (struct.Struct("<B32sQ"), ColouredEntry),
    EntryType.PACKFILE: (struct.Struct("<32s32sQ"), PackfileEntry),
    EntryType.DELETE: (struct.Struct("<BB32s32s"), DeleteEntry),
    EntryType.MERGED: (struct.Struct("<32sQ"), MergedEntry),
    EntryType.REISSUED: (struct.Struct("<32s32sQ"), ReissuedEntry),
    EntryType.COMMITTED: (struct.Struct("<32sQ"), CommittedEntry),
    EntryType.LOST: (struct.Struct("<32sQ"), LostEntry),
}
# The same with the head in front, which is skipped.
_WHOLE: dict[EntryType, tuple[struct.Struct, Callable[..., Any]]] = {
    kind: (struct.Struct(f"<{HEAD_SIZE}x{shape.format[1:]}"), make._make)  # type: ignore[attr-defined]
    for kind, (shape, make) in _PAYLOADS.items()
}
_DELETABLE = frozenset((EntryType.LOCATION, EntryType.COLOURED, EntryType.PACKFILE))
_KINDS = {make: kind for kind, (_, make) in _PAYLOADS.items()}
LOCATION_STRIDE = HEAD_SIZE + _PAYLOADS[EntryType.LOCATION][0].size
_LENGTHS = {kind: shape.size for kind, (shape, _) in _PAYLOADS.items()}
# Version 1.0.0 gave no meaning to deletions.
_LENGTHS_1_0_0 = {kind: length for kind, length in _LENGTHS.items() if kind != EntryType.DELETE}
