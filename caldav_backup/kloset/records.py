"""MessagePack with the integer widths that a store's records need.

A record's id is the MAC of its bytes, and other programs encode a record anew and expect the same id, so integers have
the width of their field, never the shortest form (`docs/design/format.md`, "MessagePack rules"). Owns single values;
which fields a record has is told where the record is.

Encoders raise InvalidArgument for a value that does not fit; `decode` raises Damaged.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from struct import Struct, error
from typing import Any, Final, TypeVar

import msgpack

from caldav_backup.kloset.errors import Damaged, InvalidArgument

NIL: Final = b"\xc0"

Value = TypeVar("Value")

_SECOND = 1_000_000_000  # nanoseconds
# A record has 31 fields at most. Keys may be timestamps, which can be chosen to collide in a dictionary.
_MOST_FIELDS = 1024
_LONGEST_PIECE = 4096
_TIMESTAMP_EXTENSION = -1
# What the reference's MessagePack library wrote before the timestamp extension was standardised.
_OLD_TIMESTAMP_EXTENSION = 13

_U8 = Struct(">BB").pack
_U16 = Struct(">BH").pack
_U32 = Struct(">BI").pack
_U64 = Struct(">BQ").pack
_I8 = Struct(">Bb").pack
_I16 = Struct(">Bh").pack
_I32 = Struct(">Bi").pack
_I64 = Struct(">Bq").pack
_F64 = Struct(">Bd").pack
_TIME_32 = Struct(">BbI").pack
_TIME_64 = Struct(">BbQ").pack
_TIME_96 = Struct(">BBbIq").pack
_U32_BODY = Struct(">I").unpack
_U64_BODY = Struct(">Q").unpack
_TIME_96_BODY = Struct(">Iq").unpack


def uint8(value: int) -> bytes:
    try:
        return _U8(0xCC, value)
    except error:
        raise _does_not_fit(value, "8 bits without sign") from None


def uint16(value: int) -> bytes:
    try:
        return _U16(0xCD, value)
    except error:
        raise _does_not_fit(value, "16 bits without sign") from None


def uint32(value: int) -> bytes:
    try:
        return _U32(0xCE, value)
    except error:
        raise _does_not_fit(value, "32 bits without sign") from None


def uint64(value: int) -> bytes:
    try:
        return _U64(0xCF, value)
    except error:
        raise _does_not_fit(value, "64 bits without sign") from None


def int64(value: int) -> bytes:
    try:
        return _I64(0xD3, value)
    except error:
        raise _does_not_fit(value, "64 bits with sign") from None


def shortest_int(value: int) -> bytes:
    """The shortest form, as the reference writes Go's plain `int`."""
    if value >= 0:
        if value < 0x80:
            return bytes((value,))
        return _shortest_of(value, ((8, uint8), (16, uint16), (32, uint32)), uint64)
    if value >= -0x20:
        return bytes((value & 0xFF,))
    if value >= -0x80:
        return _I8(0xD0, value)
    if value >= -0x8000:
        return _I16(0xD1, value)
    if value >= -0x80000000:
        return _I32(0xD2, value)
    return int64(value)


def _shortest_of(value: int, forms: tuple[tuple[int, Any], ...], widest: Any) -> bytes:
    for bits, encode in forms:
        if value < 1 << bits:
            return bytes(encode(value))
    return bytes(widest(value))


def float64(value: float) -> bytes:
    return _F64(0xCB, value)


def boolean(value: bool) -> bytes:
    return b"\xc3" if value else b"\xc2"


def string(value: str) -> bytes:
    """UTF-8, and the very bytes of a name that was not UTF-8 (surrogateescape)."""
    try:
        encoded = value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as exc:
        raise InvalidArgument(f"the text {value!r} holds a lone surrogate and cannot be stored as UTF-8") from exc
    size = len(encoded)
    if size < 0x20:
        return bytes((0xA0 | size,)) + encoded
    if size < 0x100:
        return _U8(0xD9, size) + encoded
    if size < 0x10000:
        return _U16(0xDA, size) + encoded
    return _length32(0xDB, size) + encoded


def binary(value: bytes) -> bytes:
    size = len(value)
    if size < 0x100:
        return _U8(0xC4, size) + value
    if size < 0x10000:
        return _U16(0xC5, size) + value
    return _length32(0xC6, size) + value


def optional_binary(value: bytes | None) -> bytes:
    return NIL if value is None else binary(value)


def array_header(count: int) -> bytes:
    """Comes before the `count` values of an array that is not nil."""
    if count < 0x10:
        return bytes((0x90 | count,))
    if count < 0x10000:
        return _U16(0xDC, count)
    return _length32(0xDD, count)


def map_header(count: int) -> bytes:
    """Comes before the `count` keys and values of a map."""
    if count < 0x10:
        return bytes((0x80 | count,))
    if count < 0x10000:
        return _U16(0xDE, count)
    return _length32(0xDF, count)


def named_map(**values: bytes) -> bytes:
    """A map of encoded values, in the order given."""
    parts = [map_header(len(values))]
    for name, value in values.items():
        parts += (string(name), value)
    return b"".join(parts)


def timestamp(nanoseconds: int) -> bytes:
    """The instant `nanoseconds` after the Unix epoch, as the timestamp extension of 32, 64 or 96 bits."""
    seconds, fraction = divmod(nanoseconds, _SECOND)
    try:
        if not 0 <= seconds < 1 << 34:
            return _TIME_96(0xC7, 12, _TIMESTAMP_EXTENSION, fraction, seconds)
        if fraction or seconds >= 1 << 32:
            return _TIME_64(0xD7, _TIMESTAMP_EXTENSION, fraction << 34 | seconds)
        return _TIME_32(0xD6, _TIMESTAMP_EXTENSION, seconds)
    except error:
        raise _does_not_fit(nanoseconds, "a timestamp") from None


def decode(buffer: bytes | bytearray | memoryview) -> Any:
    """The one value that `buffer` holds: dict, list, str (surrogateescape), bytes, int, float, bool or None.

    Timestamps come back as nanoseconds since the Unix epoch. Damaged for anything malformed, cut short or followed by
    more. No length in the buffer is believed beyond the buffer's own, but of small values a hostile buffer makes 80
    times its own size: whoever reads it from somewhere bounds that.
    """
    try:
        return msgpack.unpackb(buffer, **_OPTIONS)
    except _MALFORMED as exc:
        raise Damaged(f"a record of {len(buffer)} bytes is malformed; the store is damaged there") from exc


def decode_long(buffer: bytes, name: str, read: Callable[[Any], Value]) -> dict[Any, Any]:
    """The map that `buffer` holds, whose array `name` is long: `read` makes something of its values one by one.

    Whatever is not that array, and each of its values, has at most 4 KiB, so that a hostile buffer becomes no larger
    in memory than what `read` makes of it. Damaged as `decode`.
    """
    try:
        return _decode_long(buffer, name, read)
    except _MALFORMED as exc:
        raise Damaged(f"a record of {len(buffer)} bytes is malformed; the store is damaged there") from exc


def _decode_long(buffer: bytes, name: str, read: Callable[[Any], Value]) -> dict[Any, Any]:
    unpacker = msgpack.Unpacker(max_buffer_size=len(buffer), **_OPTIONS)
    unpacker.feed(buffer)
    values: dict[Any, Any] = {}
    for _ in range(unpacker.read_map_header()):
        key = _decode_next(unpacker, buffer)
        if key == name:
            values[key] = [read(_decode_next(unpacker, buffer)) for _ in range(unpacker.read_array_header())]
        else:
            values[key] = _decode_next(unpacker, buffer)
    if unpacker.tell() != len(buffer):
        raise ValueError("something follows")
    return values


def _decode_next(unpacker: msgpack.Unpacker, buffer: bytes) -> Any:
    start = unpacker.tell()
    unpacker.skip()
    end = unpacker.tell()
    if end - start > _LONGEST_PIECE:
        raise ValueError(f"a value of {end - start} bytes")
    return msgpack.unpackb(buffer[start:end], **_OPTIONS)


def instant(value: object) -> int:
    """Nanoseconds since the Unix epoch from any form of time that `decode` yields.

    The reference reads, beside timestamps, an array of seconds and nanoseconds and an RFC 3339 text.
    """
    match value:
        case bool():
            pass
        case int():
            return value
        case [int(seconds), int(fraction)] if 0 <= fraction < _SECOND:
            return seconds * _SECOND + fraction
        case str():
            return _rfc3339(value)
        case _:
            pass
    raise Damaged("a record has something else where a time should be; the store is damaged there")


def _rfc3339(text: str) -> int:
    whole, dot, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    try:
        moment = datetime.fromisoformat(whole + rest[len(digits) :])
    except ValueError as exc:
        raise Damaged("a record has an unreadable time; the store is damaged there") from exc
    if moment.tzinfo is None or bool(dot) != bool(digits):
        raise Damaged("a record has an unreadable time; the store is damaged there")
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86400 + since.seconds) * _SECOND + int(digits[:9].ljust(9, "0"))


def _extension(code: int, body: bytes) -> int:
    if code == _OLD_TIMESTAMP_EXTENSION:
        if len(body) == 4:
            return int(_U32_BODY(body)[0]) * _SECOND
        if len(body) == 8:
            (value,) = _U64_BODY(body)
            return int(value & 0x3_FFFF_FFFF) * _SECOND + int(value >> 34)
        if len(body) == 12:
            fraction, seconds = _TIME_96_BODY(body)
            return int(seconds) * _SECOND + int(fraction)
    raise ValueError(f"extension {code} of {len(body)} bytes")


_OPTIONS: Final[dict[str, Any]] = {
    "raw": False,
    "unicode_errors": "surrogateescape",
    "strict_map_key": False,
    "timestamp": 2,
    "ext_hook": _extension,
    "max_map_len": _MOST_FIELDS,
}
_MALFORMED: Final = (ValueError, TypeError, OverflowError, RecursionError, msgpack.UnpackException)


def _length32(code: int, size: int) -> bytes:
    try:
        return _U32(code, size)
    except error:
        raise _does_not_fit(size, "a length of 32 bits") from None


def _does_not_fit(value: int, room: str) -> InvalidArgument:
    return InvalidArgument(f"the number {value} cannot be stored: it does not fit {room}")
