"""What stands in a packfile beside its blobs: an index of them, and a footer that says where the index is.

Owns both to the byte (`docs/design/format.md`, "Packfiles"), and finding them from the end. Offsets count from the
start of the body, behind the envelope's header. How a packfile comes about is told in `packer`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, Final, NamedTuple

from caldav_backup.kloset.envelope import HEADER_SIZE, OVERHEAD
from caldav_backup.kloset.errors import Damaged

if TYPE_CHECKING:
    from caldav_backup.kloset.codec import Codec
    from caldav_backup.kloset.hashing import Keyed

_RECORD: Final = Struct("<II32sQII")
_FOOTER: Final = Struct("<qIQ32sI")
_LENGTH: Final = Struct("<I")

RECORD_SIZE: Final = _RECORD.size
"""Bytes of an index record."""

# An encoded footer has about 160 bytes.
_MAX_FOOTER: Final = 4096
# MACs are more than half of an index and cannot be compressed.
_MAX_RATIO: Final = 4

pack_record = _RECORD.pack
"""The bytes of an index record, from the fields of `IndexRecord` in their order."""


class IndexRecord(NamedTuple):
    """Where in the body a blob lies; `offset` and `length` in bytes, as it is stored."""

    resource_type: int
    version: int
    mac: bytes
    offset: int
    length: int
    flags: int = 0


@dataclass(frozen=True, slots=True)
class Footer:
    """`timestamp_ns` of creation since the Unix epoch, `index_offset` in the body, `index_mac` of the decoded index."""

    timestamp_ns: int
    count: int
    index_offset: int
    index_mac: bytes
    flags: int = 0

    def to_bytes(self) -> bytes:
        return _FOOTER.pack(self.timestamp_ns, self.count, self.index_offset, self.index_mac, self.flags)

    @classmethod
    def from_bytes(cls, footer: bytes) -> Footer:
        if len(footer) != _FOOTER.size:
            raise Damaged(f"a packfile's footer has {len(footer)} bytes instead of {_FOOTER.size}")
        return cls(*_FOOTER.unpack(footer))


class Contents(NamedTuple):
    """What a packfile says about itself. Records are in any order."""

    footer: Footer
    records: tuple[IndexRecord, ...]


def index_to_bytes(records: Iterable[IndexRecord]) -> bytes:
    return b"".join(pack_record(*record) for record in records)


def index_from_bytes(index: bytes) -> tuple[IndexRecord, ...]:
    """Damaged when the last record is cut short."""
    if len(index) % RECORD_SIZE:
        raise Damaged(f"a packfile's index has {len(index)} bytes, no multiple of {RECORD_SIZE}")
    return tuple(map(IndexRecord._make, _RECORD.iter_unpack(index)))


def make_tail(index: bytes, index_offset: int, timestamp_ns: int, codec: Codec, keyed: Keyed) -> bytes:
    """Everything of the body behind the blobs, which have `index_offset` bytes together."""
    footer = Footer(timestamp_ns, len(index) // RECORD_SIZE, index_offset, keyed.mac(index))
    encoded = codec.encode(footer.to_bytes())
    return codec.encode(index) + encoded + _LENGTH.pack(len(encoded))


def read_contents(
    size: int, read_range: Callable[[int, int], bytes], codec: Codec, keyed: Keyed, name: str
) -> Contents:
    """Footer and index of a packfile of `size` bytes, of which `read_range(offset, length)` gives some.

    Reads from the end, and leaves the blobs alone. Damaged, naming the packfile `name`.
    """
    body_size = size - OVERHEAD
    if body_size < _LENGTH.size:
        raise Damaged(f"{name} is cut short: it has only {size} bytes")
    tail_size = min(body_size, _MAX_FOOTER + _LENGTH.size)
    tail = read_range(HEADER_SIZE + body_size - tail_size, tail_size)
    (footer_size,) = _LENGTH.unpack(tail[-_LENGTH.size :])
    if footer_size > tail_size - _LENGTH.size:
        raise Damaged(f"{name} is damaged or cut short: its footer would have {footer_size} bytes")
    try:
        footer = Footer.from_bytes(codec.decode(tail[-_LENGTH.size - footer_size : -_LENGTH.size], _FOOTER.size))
        index_size = body_size - _LENGTH.size - footer_size - footer.index_offset
        if index_size < 0 or footer.count * RECORD_SIZE > _MAX_RATIO * index_size + _MAX_FOOTER:
            raise Damaged(f"its footer tells of {footer.count} blobs in {footer.index_offset} bytes")
        encoded = read_range(HEADER_SIZE + footer.index_offset, index_size)
        index = codec.decode(encoded, footer.count * RECORD_SIZE)
        return Contents(footer, _check_index(index, footer, keyed))
    except Damaged as exc:
        raise Damaged(f"{name} is damaged: {exc}") from exc


def _check_index(index: bytes, footer: Footer, keyed: Keyed) -> tuple[IndexRecord, ...]:
    if keyed.mac(index) != footer.index_mac:
        raise Damaged("its index was changed")
    records = index_from_bytes(index)
    if len(records) != footer.count:
        raise Damaged(f"its footer tells of {footer.count} blobs, its index of {len(records)}")
    for record in records:
        if record.offset + record.length > footer.index_offset:
            raise Damaged(f"its blob {record.mac.hex()} would lie behind the last one")
    return records
