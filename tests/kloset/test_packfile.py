from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.kloset.codec import Codec
from caldav_backup.kloset.configuration import Configuration
from caldav_backup.kloset.envelope import HEADER_SIZE, unwrap, wrap
from caldav_backup.kloset.errors import Damaged, KlosetError
from caldav_backup.kloset.hashing import Keyed
from caldav_backup.kloset.packfile import (
    Contents,
    Footer,
    IndexRecord,
    index_from_bytes,
    index_to_bytes,
    make_tail,
    read_contents,
)
from caldav_backup.kloset.resources import NOT_NAMED_BY_CONTENT, VERSION_1_0_0, ResourceType
from caldav_backup.kloset.storage import Kind
from caldav_backup.kloset.unlocking import parse
from tests.kloset.conftest import GOLDEN, load_golden

STORES = sorted(path.name.removesuffix(".json") for path in GOLDEN.glob("*.json"))
MACS = st.binary(min_size=32, max_size=32)
U32 = st.integers(0, (1 << 32) - 1)
U64 = st.integers(0, (1 << 64) - 1)


class Tools(NamedTuple):
    codec: Codec
    keyed: Keyed


def make_tools(*, encrypted: bool, compression: str | None = "LZ4") -> Tools:
    configuration = Configuration.new(encrypted=encrypted, compression=compression)
    key = bytes(range(32)) if encrypted else None
    return Tools(Codec(configuration, key), configuration.keyed(key))


def read(content: bytes, tools: Tools) -> Contents:
    return read_contents(len(content), reader(content), tools.codec, tools.keyed, "the packfile 12")


def reader(content: bytes) -> Callable[[int, int], bytes]:
    def read_range(offset: int, length: int) -> bytes:
        assert 0 <= offset <= offset + length <= len(content)
        return content[offset : offset + length]

    return read_range


def make(blobs: bytes, records: list[IndexRecord], tools: Tools) -> bytes:
    tail = make_tail(index_to_bytes(records), len(blobs), 1_700_000_000_000_000_000, *tools)
    return wrap(ResourceType.PACKFILE, VERSION_1_0_0, blobs + tail, tools.keyed.mac)


@given(st.builds(Footer, st.integers(-(1 << 63), (1 << 63) - 1), U32, U64, MACS, U32))
def test_a_footer_comes_back(footer: Footer) -> None:
    assert len(footer.to_bytes()) == 56
    assert Footer.from_bytes(footer.to_bytes()) == footer


@given(st.lists(st.builds(IndexRecord, U32, U32, MACS, U64, U32, U32), max_size=5))
def test_an_index_comes_back(records: list[IndexRecord]) -> None:
    index = index_to_bytes(records)
    assert len(index) == 56 * len(records)
    assert index_from_bytes(index) == tuple(records)


def test_an_index_is_little_endian() -> None:
    assert index_to_bytes([IndexRecord(9, 0x00010000, b"m" * 32, 5, 7)]) == (
        b"\x09\0\0\0" + b"\0\0\x01\0" + b"m" * 32 + b"\x05" + bytes(7) + b"\x07\0\0\0" + bytes(4)
    )


@pytest.mark.parametrize("length", [1, 55, 57, 111])
def test_an_index_or_footer_cut_short_is_damaged(length: int) -> None:
    with pytest.raises(Damaged):
        index_from_bytes(bytes(length))
    with pytest.raises(Damaged):
        Footer.from_bytes(bytes(length))


@pytest.mark.parametrize("encrypted", [True, False])
@pytest.mark.parametrize("compression", ["LZ4", None])
@pytest.mark.parametrize("count", [0, 1, 100])
def test_contents_are_found_from_the_end(encrypted: bool, compression: str | None, count: int) -> None:
    tools = make_tools(encrypted=encrypted, compression=compression)
    records = [IndexRecord(9, VERSION_1_0_0, bytes([at]) * 32, 10 * at, 10) for at in range(count)]
    contents = read(make(bytes(10 * count), records, tools), tools)
    assert contents.records == tuple(records)
    assert contents.footer.index_offset == 10 * count
    assert contents.footer.timestamp_ns == 1_700_000_000_000_000_000


def test_a_blob_behind_the_last_is_damage() -> None:
    tools = make_tools(encrypted=False)
    for offset, length in ((5, 6), (1 << 63, 1), (0, 11)):
        content = make(bytes(10), [IndexRecord(9, VERSION_1_0_0, bytes(32), offset, length)], tools)
        with pytest.raises(Damaged, match="the packfile 12"):
            read(content, tools)


def with_footer(footer: Footer, index: bytes, tools: Tools) -> bytes:
    encoded = tools.codec.encode(footer.to_bytes())
    body = b"blobs" + tools.codec.encode(index) + encoded + len(encoded).to_bytes(4, "little")
    return wrap(ResourceType.PACKFILE, VERSION_1_0_0, body, tools.keyed.mac)


def test_a_lying_footer_is_damage() -> None:
    tools = make_tools(encrypted=False)
    index = index_to_bytes([IndexRecord(9, VERSION_1_0_0, bytes(32), 0, 5)])
    mac = tools.keyed.mac(index)
    read(with_footer(Footer(0, 1, 5, mac), index, tools), tools)
    for footer in (
        Footer(0, 2, 5, mac),
        Footer(0, 0, 5, mac),
        Footer(0, 0xFFFFFFFF, 5, mac),
        Footer(0, 1, 1 << 63, mac),
        Footer(0, 1, 0, mac),
        Footer(0, 1, 5, bytes(32)),
    ):
        with pytest.raises(Damaged, match="the packfile 12"):
            read(with_footer(footer, index, tools), tools)


@pytest.mark.parametrize("encrypted", [True, False])
def test_every_changed_byte_is_noticed(encrypted: bool) -> None:
    tools = make_tools(encrypted=encrypted)
    blobs = tools.codec.encode(b"one") + tools.codec.encode(b"two")
    half = len(blobs) // 2
    content = make(
        blobs,
        [IndexRecord(9, VERSION_1_0_0, tools.keyed.mac(blob), at, half) for blob, at in ((b"one", 0), (b"two", half))],
        tools,
    )
    expected = read(content, tools)
    for at in range(len(content)):
        changed = bytearray(content)
        changed[at] ^= 1 << at % 8
        with pytest.raises(KlosetError):
            unwrap(ResourceType.PACKFILE, changed, tools.keyed.mac, "it")
        # Without reading the whole: index and footer are either genuine or damaged, whatever happened to the rest.
        try:
            assert read(bytes(changed), tools) == expected
        except Damaged:
            assert at >= HEADER_SIZE + len(blobs)


@given(keep=st.floats(0, 1, exclude_max=True))
def test_a_packfile_cut_short_is_damaged(keep: float) -> None:
    tools = make_tools(encrypted=False)
    content = make(bytes(500), [IndexRecord(9, VERSION_1_0_0, bytes(32), 0, 500)], tools)
    with pytest.raises(Damaged):
        read(content[: int(keep * len(content))], tools)


@given(garbage=st.binary(max_size=300))
@pytest.mark.parametrize("encrypted", [True, False])
def test_garbage_is_damaged(encrypted: bool, garbage: bytes) -> None:
    with pytest.raises(Damaged):
        read(garbage, make_tools(encrypted=encrypted))


@pytest.mark.parametrize("name", STORES)
def test_packfiles_of_plakar_are_read_and_indexed_again_to_the_byte(name: str) -> None:
    storage, facts = load_golden(name)
    configuration = parse(storage.read_configuration())
    key = bytes.fromhex(facts["key"]) if facts["key"] else None
    tools = Tools(Codec(configuration, key), configuration.keyed(key))
    identifiers = list(storage.ids(Kind.PACKFILE))
    assert identifiers
    for identifier in identifiers:
        content = storage.read(Kind.PACKFILE, identifier)
        body = unwrap(ResourceType.PACKFILE, content, tools.keyed.mac, identifier.hex()).body
        if not name.endswith(".ptar"):
            assert tools.keyed.mac(body) == identifier
        contents = read(content, tools)
        assert tools.keyed.mac(index_to_bytes(contents.records)) == contents.footer.index_mac
        check_blobs(body, contents, tools)


def check_blobs(body: bytes, contents: Contents, tools: Tools) -> None:
    for record in contents.records:
        stored = memoryview(body)[record.offset : record.offset + record.length]
        if record.resource_type not in NOT_NAMED_BY_CONTENT:
            assert tools.keyed.mac(tools.codec.decode(stored, 64 << 20)) == record.mac


def test_golden_stores_are_in_place() -> None:
    assert Path(GOLDEN, "README.md").exists()
    assert len(STORES) == 10
