"""Objects and file information, against the vectors of docs/design/format.md."""

from __future__ import annotations

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.kloset import records
from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.objects import FileInfo, Object, ObjectChunk, content_type

CONTENT_MAC = bytes.fromhex("14264fe14fcf1988c04213beb9c4827702be81266c766fe6345b444addaeda58")
ENTROPY = 3.6639097655573916
OBJECT = bytes.fromhex(
    "86a776657273696f6ece00010000aa636f6e74656e744d4143c42014264fe14fcf1988c04213beb9c4827702be81266c766fe6345b444addaeda58a6"
    "6368756e6b739185a776657273696f6ece00010000aa636f6e74656e744d4143c42014264fe14fcf1988c04213beb9c4827702be81266c766fe6345b"
    "444addaeda58a66c656e677468ce00000020a7656e74726f7079cb400d4fafec54831fa5666c616773ce00000000ac636f6e74656e745f74797065ad"
    "746578742f63616c656e646172a7656e74726f7079cb400d4fafec54831fa5666c616773ce00000000"
)

macs = st.binary(min_size=32, max_size=32)
unsigned32 = st.integers(0, 2**32 - 1)
unsigned64 = st.integers(0, 2**64 - 1)
names = st.text(max_size=40).map(lambda text: text.encode("utf-8", "replace").decode("utf-8", "surrogateescape"))
entropies = st.floats(0, 8)
chunks = st.builds(ObjectChunk, macs, unsigned32, entropies, unsigned32, unsigned32)
objects = st.builds(Object, macs, st.lists(chunks, max_size=4).map(tuple), names, entropies, unsigned32, unsigned32)
infos = st.builds(
    FileInfo,
    name=names,
    size=st.integers(0, 2**63 - 1),
    mode=unsigned32,
    mtime_ns=st.integers(-(2**60), 2**62),
    dev=unsigned64,
    ino=unsigned64,
    uid=unsigned64,
    gid=unsigned64,
    nlink=st.integers(0, 2**16 - 1),
    username=names,
    groupname=names,
    flags=unsigned32,
)


def test_object_of_the_format_vector_is_encoded_to_the_byte() -> None:
    chunk = ObjectChunk(CONTENT_MAC, 32, ENTROPY)
    assert Object(CONTENT_MAC, (chunk,), "text/calendar", ENTROPY).to_bytes() == OBJECT


@given(objects)
def test_object_survives_the_round_trip(found: Object) -> None:
    assert Object.from_bytes(found.to_bytes()) == found
    assert found.size == sum(chunk.length for chunk in found.chunks)


@given(infos)
def test_file_information_survives_the_round_trip(info: FileInfo) -> None:
    assert FileInfo.from_map(records.decode(info.to_bytes())) == info


@given(st.integers(0, len(OBJECT) - 1), st.integers(1, 255))
def test_changed_object_is_either_refused_or_another_object(place: int, change: int) -> None:
    changed = bytearray(OBJECT)
    changed[place] ^= change
    try:
        found = Object.from_bytes(bytes(changed))
    except Damaged:
        return
    assert isinstance(found, Object)


@pytest.mark.parametrize("length", range(0, len(OBJECT), 7))
def test_object_cut_short_is_refused(length: int) -> None:
    with pytest.raises(Damaged):
        Object.from_bytes(OBJECT[:length])


@pytest.mark.parametrize(
    "values",
    [
        None,
        {},
        {"name": "a"},
        records.decode(FileInfo("a").to_bytes()) | {"size": -1},
        records.decode(FileInfo("a").to_bytes()) | {"uid": "root"},
        records.decode(FileInfo("a").to_bytes()) | {"mod_time": "yesterday"},
    ],
)
def test_impossible_file_information_is_refused(values: object) -> None:
    with pytest.raises(Damaged):
        FileInfo.from_map(values)


def test_older_forms_of_time_are_read() -> None:
    values = records.decode(FileInfo("a").to_bytes())
    assert FileInfo.from_map(values | {"mod_time": [7, 5]}).mtime_ns == 7_000_000_005
    assert FileInfo.from_map(values | {"mod_time": "1970-01-01T00:00:07Z"}).mtime_ns == 7_000_000_000


@pytest.mark.parametrize(
    "chunk", [None, {}, {"contentMAC": b"", "length": 1, "entropy": 0.0, "flags": 0, "version": 0}]
)
def test_impossible_chunk_is_refused(chunk: object) -> None:
    with pytest.raises(Damaged):
        Object.from_bytes(msgpack.packb({"contentMAC": bytes(32), "chunks": [chunk], "flags": 0}))


@pytest.mark.parametrize(
    ("beginning", "expected"),
    [
        (b"", "text/plain"),
        (b"BEGIN:VCALENDAR\r\n", "text/calendar"),
        (b"\xef\xbb\xbf\r\n begin:vcalendar\n", "text/calendar"),
        (b"hello", "text/plain; charset=utf-8"),
        ("é".encode() * 2000, "text/plain; charset=utf-8"),
        (b"x" + "é".encode() * 2000, "text/plain; charset=utf-8"),
        (b"\xff\xfe", "application/octet-stream"),
        (b"\x89PNG\r\n\x1a\n\x00", "application/octet-stream"),
    ],
)
def test_content_type_follows_the_first_bytes(beginning: bytes, expected: str) -> None:
    assert content_type(beginning) == expected
