from __future__ import annotations

import struct
from contextlib import suppress
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.kloset import records
from caldav_backup.kloset.errors import Damaged, InvalidArgument
from caldav_backup.kloset.records import decode, instant

SECOND = 1_000_000_000
GO_ZERO = -62135596800 * SECOND

TIMES = [
    (0, "d6ff00000000"),
    (1700000000 * SECOND, "d6ff6553f100"),
    (1700000000 * SECOND + 500_000_000, "d7ff773594006553f100"),
    (-1, "c70cff3b9ac9ffffffffffffffffff"),
    (GO_ZERO, "c70cff00000000fffffff1886e0900"),
]


@pytest.mark.parametrize(("nanoseconds", "encoded"), TIMES)
def test_times_are_those_of_the_format(nanoseconds: int, encoded: str) -> None:
    assert records.timestamp(nanoseconds).hex() == encoded
    assert decode(bytes.fromhex(encoded)) == nanoseconds


@given(st.integers(-(1 << 63) * SECOND, (1 << 63) * SECOND - 1))
def test_every_instant_comes_back(nanoseconds: int) -> None:
    assert decode(records.timestamp(nanoseconds)) == nanoseconds


def test_an_instant_too_far_away_cannot_be_stored() -> None:
    for nanoseconds in (SECOND << 63, -(SECOND << 63) - 1):
        with pytest.raises(InvalidArgument):
            records.timestamp(nanoseconds)


@pytest.mark.parametrize(
    ("encode", "code", "size", "signed"),
    [
        (records.uint8, 0xCC, 1, False),
        (records.uint16, 0xCD, 2, False),
        (records.uint32, 0xCE, 4, False),
        (records.uint64, 0xCF, 8, False),
        (records.int64, 0xD3, 8, True),
    ],
)
@given(data=st.data())
def test_integers_have_the_width_of_their_field(
    encode: Any, code: int, size: int, signed: bool, data: st.DataObject
) -> None:
    least, most = (-(1 << 8 * size - 1), (1 << 8 * size - 1) - 1) if signed else (0, (1 << 8 * size) - 1)
    value = data.draw(st.one_of(st.sampled_from([0, least, most]), st.integers(least, most)))
    assert encode(value) == bytes([code]) + value.to_bytes(size, "big", signed=signed)
    assert decode(encode(value)) == value
    for outside in (least - 1, most + 1):
        with pytest.raises(InvalidArgument):
            encode(outside)


@given(st.integers(-(1 << 63), (1 << 64) - 1))
def test_plain_integers_are_as_short_as_they_can_be(value: int) -> None:
    assert records.shortest_int(value) == msgpack.packb(value)


@pytest.mark.parametrize("magnitude", [1 << bits for bits in (0, 5, 7, 8, 15, 16, 31, 32, 63)])
def test_plain_integers_change_their_form_at_the_borders(magnitude: int) -> None:
    for value in (magnitude - 1, magnitude, 1 - magnitude, -magnitude, -magnitude - 1):
        if -(1 << 63) <= value < 1 << 64:
            assert records.shortest_int(value) == msgpack.packb(value)


def test_integers_of_more_than_64_bits_cannot_be_stored() -> None:
    for value in (1 << 64, -(1 << 63) - 1):
        with pytest.raises(InvalidArgument):
            records.shortest_int(value)


@given(st.floats(allow_nan=False))
def test_floats_have_eight_bytes(value: float) -> None:
    assert records.float64(value) == b"\xcb" + struct.pack(">d", value)
    assert decode(records.float64(value)) == value


@pytest.mark.parametrize("length", [0, 1, 31, 32, 255, 256, 65535, 65536])
def test_lengths_have_the_shortest_form(length: int) -> None:
    assert records.string("x" * length) == msgpack.packb("x" * length)
    assert records.binary(b"x" * length) == msgpack.packb(b"x" * length)
    packer = msgpack.Packer()
    assert records.array_header(length) == packer.pack_array_header(length)
    assert records.map_header(length) == packer.pack_map_header(length)


def test_lengths_of_more_than_32_bits_cannot_be_stored() -> None:
    for header in (records.array_header, records.map_header):
        with pytest.raises(InvalidArgument):
            header(1 << 32)


@given(st.binary(max_size=40))
def test_names_that_are_not_utf8_keep_their_bytes(name: bytes) -> None:
    encoded = records.string(name.decode("utf-8", "surrogateescape"))
    assert encoded.endswith(name)
    assert decode(encoded).encode("utf-8", "surrogateescape") == name


def test_a_lone_surrogate_cannot_be_stored() -> None:
    with pytest.raises(InvalidArgument):
        records.string("\ud800")


def test_absence_truth_and_bytes() -> None:
    assert records.NIL == b"\xc0"
    assert (records.boolean(True), records.boolean(False)) == (b"\xc3", b"\xc2")
    assert records.optional_binary(None) == b"\xc0"
    assert records.optional_binary(b"") == b"\xc4\x00"
    assert decode(b"\x93\xc0\xc3\xc4\x01x") == [None, True, b"x"]


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@given(VALUES)
def test_any_width_is_read(value: object) -> None:
    assert decode(msgpack.packb(value)) == value
    assert decode(memoryview(bytearray(msgpack.packb(value)))) == value


@pytest.mark.parametrize(
    "malformed",
    [
        b"",
        b"\xc1",
        b"\xc0\xc0",
        b"\xc4\x05abc",
        b"\xc6\xff\xff\xff\xff",
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\x91" * 5000 + b"\xc0",
        b"\x81\x80\xc0",
        b"\xd4\x01a",
        b"\xc7\x05\xff12345",
        b"\xc7\x05\x0d12345",
        b"\xd7\xff" + b"\xff" * 8,
    ],
)
def test_malformed_records_are_damaged(malformed: bytes) -> None:
    with pytest.raises(Damaged):
        decode(malformed)


@given(st.binary(max_size=60))
def test_garbage_raises_nothing_but_named_errors(garbage: bytes) -> None:
    with suppress(Damaged):
        decode(garbage)


@pytest.mark.parametrize(
    "body", ["6553f100", "773594006553f100", "1dcd6500000000006553f100"], ids=["32 bits", "64 bits", "96 bits"]
)
def test_old_timestamps_are_read(body: str) -> None:
    content = bytes.fromhex(body)
    seconds = 1700000000 * SECOND
    expected = seconds if len(content) == 4 else seconds + 500_000_000
    assert decode(b"\xc7" + bytes([len(content), 13]) + content) == expected


@pytest.mark.parametrize(
    ("value", "nanoseconds"),
    [
        (5, 5),
        ([1700000000, 5], 1700000000 * SECOND + 5),
        ("2023-11-14T22:13:20Z", 1700000000 * SECOND),
        ("2023-11-14T23:13:20.123456789+01:00", 1700000000 * SECOND + 123456789),
        ("0001-01-01T00:00:00Z", GO_ZERO),
    ],
)
def test_every_form_of_time_is_an_instant(value: object, nanoseconds: int) -> None:
    assert instant(value) == nanoseconds


NO_TIMES: list[object] = [
    None,
    True,
    1.5,
    b"bytes",
    "",
    "yesterday",
    "2023-11-14T22:13:20",
    "2023-11-14T22:13:20.Z",
    "2023-11-14",
    [1],
    [1, 2, 3],
    [1, SECOND],
    [1, -1],
    ["1", 2],
]


@pytest.mark.parametrize("value", NO_TIMES)
def test_anything_else_is_no_instant(value: object) -> None:
    with pytest.raises(Damaged):
        instant(value)
