"""Entries, against the vectors of docs/design/format.md."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.kloset import records
from caldav_backup.kloset.entries import NOT_REGULAR, Class, Classification, CustomMetadata, Entry
from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.objects import MODE_DIRECTORY, MODE_SYMLINK, FileInfo
from caldav_backup.kloset.resources import ZERO_MAC
from caldav_backup.kloset.summary import Summary, Totals
from tests.kloset.test_objects import ENTROPY, infos, macs, names, unsigned32, unsigned64

OBJECT_ID = bytes.fromhex("91d2f3d9dd32d8cd6e965ed6610023b7326e6851d230ba8e8a8a7be7c7355011")
ENTRY = bytes.fromhex(
    "88a776657273696f6ece00010000ab706172656e745f70617468a42f63616ca966696c655f696e666f8ca46e616d65a5612e696373a473697a65d300"
    "00000000000020a46d6f6465ce000001a4a86d6f645f74696d65d7ff773594006553f100a3646576cf0000000000000000a3696e6fcf000000000000"
    "0000a3756964cf0000000000000000a3676964cf0000000000000000a56e6c696e6bcd0000a8757365726e616d65a0a967726f75706e616d65a0a566"
    "6c616773ce00000000a773756d6d617279c0a66f626a656374c42091d2f3d9dd32d8cd6e965ed6610023b7326e6851d230ba8e8a8a7be7c7355011ac"
    "636f6e74656e745f74797065ad746578742f63616c656e646172a7656e74726f7079cb400d4fafec54831fa66368756e6b73cf0000000000000001"
)
EVENT = Entry(
    "/cal",
    FileInfo("a.ics", size=32, mtime_ns=1_700_000_000_500_000_000),
    object=OBJECT_ID,
    content_type="text/calendar",
    entropy=ENTROPY,
    chunks=1,
)

segments = names.filter(lambda name: name not in {"", ".", ".."} and "/" not in name)
directories = st.lists(segments, max_size=3).map(lambda segments: "/" + "/".join(segments))
texts = st.lists(names, max_size=3).map(tuple)
classes = st.lists(st.builds(Class, names, st.floats(0, 1)), max_size=2).map(tuple)
entries = st.builds(
    Entry,
    parent_path=directories,
    info=st.builds(FileInfo._replace, infos, name=segments),
    symlink_target=names,
    object=macs,
    content_type=names,
    entropy=st.floats(0, 8),
    chunks=unsigned64,
    alternate_data_streams=texts,
    security_descriptor=st.binary(max_size=40),
    file_attributes=unsigned32,
    extended_attributes=texts,
    classifications=st.lists(st.builds(Classification, names, classes), max_size=2).map(tuple),
    custom_metadata=st.lists(st.builds(CustomMetadata, names, st.binary(max_size=40)), max_size=2).map(tuple),
    tags=texts,
    summary=st.none() | st.just(Summary(Totals(files=3), Totals(errors=1))),
    version=unsigned32,
)


def test_entry_of_the_format_vector_is_encoded_to_the_byte() -> None:
    assert EVENT.to_bytes() == ENTRY
    assert Entry.from_bytes(ENTRY) == EVENT


@given(entries)
def test_entry_survives_the_round_trip(entry: Entry) -> None:
    assert Entry.from_bytes(entry.to_bytes()) == entry


@given(st.integers(0, len(ENTRY) - 1), st.integers(1, 255))
def test_changed_entry_is_either_refused_or_another_entry(place: int, change: int) -> None:
    changed = bytearray(ENTRY)
    changed[place] ^= change
    try:
        found = Entry.from_bytes(bytes(changed))
    except Damaged:
        return
    assert isinstance(found, Entry)


@pytest.mark.parametrize("length", range(0, len(ENTRY), 11))
def test_entry_cut_short_is_refused(length: int) -> None:
    with pytest.raises(Damaged):
        Entry.from_bytes(ENTRY[:length])


@pytest.mark.parametrize(
    ("directory", "name"),
    [
        ("/cal", ".."),
        ("/cal", "."),
        ("/cal", ""),
        ("/cal", "a/b"),
        ("/cal/..", "a"),
        ("cal", "a"),
        ("/cal/", "a"),
        ("/cal", "/"),
    ],
)
def test_entry_at_an_impossible_place_is_refused(directory: str, name: str) -> None:
    with pytest.raises(Damaged, match="impossible place"):
        Entry.from_bytes(EVENT._replace(parent_path=directory, info=FileInfo(name)).to_bytes())


@pytest.mark.parametrize(
    "change",
    [
        {"object": b"short"},
        {"chunks": -1},
        {"entropy": 1},
        {"parent_path": 7},
        {"tags": "a"},
        {"tags": [1]},
        {"file_info": 3},
    ],
)
def test_field_of_a_wrong_type_is_refused(change: dict[str, object]) -> None:
    import msgpack

    values = {
        "file_info": dict.fromkeys(FileInfo._fields, 0) | {"mod_time": 0, "name": "a", "username": "", "groupname": ""}
    }
    plain = msgpack.packb({"parent_path": "/", **values})
    assert Entry.from_bytes(plain).path == "/a"
    with pytest.raises(Damaged):
        Entry.from_bytes(msgpack.packb({"parent_path": "/", **values, **change}))


def test_something_that_is_no_map_is_refused() -> None:
    with pytest.raises(Damaged):
        Entry.from_bytes(records.string("an entry"))


def test_entry_tells_what_it_is() -> None:
    directory = Entry("/", FileInfo("cal", mode=MODE_DIRECTORY | 0o755))
    link = Entry("/", FileInfo("link", mode=MODE_SYMLINK | 0o777), symlink_target="cal", content_type=NOT_REGULAR)
    root = Entry("/", FileInfo("/", mode=MODE_DIRECTORY | 0o755))
    assert (EVENT.path, directory.path, root.path) == ("/cal/a.ics", "/cal", "/")
    assert [entry.is_file for entry in (EVENT, directory, link)] == [True, False, False]
    assert [entry.is_directory for entry in (EVENT, directory, link)] == [False, True, False]
    assert [entry.is_symlink for entry in (EVENT, directory, link)] == [False, False, True]
    assert [entry.has_object for entry in (EVENT, directory)] == [True, False]
    assert (EVENT.name, EVENT.size, EVENT.mode, EVENT.mtime_ns) == ("a.ics", 32, 0o644, 1_700_000_000_500_000_000)
    assert directory.object == ZERO_MAC
