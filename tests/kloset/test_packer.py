from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.kloset.codec import Codec
from caldav_backup.kloset.configuration import Configuration
from caldav_backup.kloset.envelope import unwrap
from caldav_backup.kloset.errors import StorageNotWritable
from caldav_backup.kloset.hashing import Keyed
from caldav_backup.kloset.packer import Packer, StoredPackfile
from caldav_backup.kloset.packfile import Contents, IndexRecord, index_from_bytes, read_contents
from caldav_backup.kloset.resources import VERSION_1_0_0, VERSION_1_1_0, BytesLike, ResourceType
from caldav_backup.kloset.storage import FilesystemStorage, Kind, MemoryStorage, Storage, StorageWriter

KEY = bytes(range(32))
NOW = 1_700_000_000_000_000_000
CHUNK = ResourceType.CHUNK

CONFIGURATION = Configuration.new(encrypted=True)
CODEC = Codec(CONFIGURATION, KEY)
KEYED: Keyed = CONFIGURATION.keyed(KEY)


def make_packer(storage: Storage, max_size: int = 64 << 20) -> Packer:
    return Packer(storage, CODEC, KEYED, max_size, clock=lambda: NOW)


def contents_of(storage: Storage, packfile: StoredPackfile) -> Contents:
    name = packfile.identifier
    return read_contents(
        storage.size(Kind.PACKFILE, name),
        lambda offset, length: storage.read_range(Kind.PACKFILE, name, offset, length),
        CODEC,
        KEYED,
        "it",
    )


def blobs_of(storage: Storage, packfile: StoredPackfile) -> list[tuple[bytes, bytes]]:
    """MAC and bytes of every blob but the padding."""
    body = unwrap(ResourceType.PACKFILE, storage.read(Kind.PACKFILE, packfile.identifier), KEYED.mac, "it").body
    return [
        (record.mac, CODEC.decode(body[record.offset : record.offset + record.length], 1 << 30))
        for record in contents_of(storage, packfile).records
        if record.resource_type != ResourceType.RANDOM
    ]


@given(blobs=st.lists(st.binary(max_size=400), min_size=1, max_size=20), max_size=st.sampled_from([1, 6000, 1 << 20]))
def test_what_was_packed_is_read_in_order(blobs: list[bytes], max_size: int) -> None:
    storage = MemoryStorage()
    packer = make_packer(storage, max_size)
    for blob in blobs:
        packer.add(CHUNK, KEYED.mac(blob), blob)
    packfiles = packer.finish()
    assert [pair for packfile in packfiles for pair in blobs_of(storage, packfile)] == [
        (KEYED.mac(blob), blob) for blob in blobs
    ]


def test_a_packfile_is_named_and_described_as_the_format_says() -> None:
    storage = MemoryStorage()
    packer = make_packer(storage)
    packer.add(CHUNK, b"\x01" * 32, b"one")
    packer.append(ResourceType.STATE, VERSION_1_1_0, b"\x02" * 32, b"encoded")
    [packfile] = packer.finish()

    content = storage.read(Kind.PACKFILE, packfile.identifier)
    version, body = unwrap(ResourceType.PACKFILE, content, KEYED.mac, "it")
    assert version == VERSION_1_0_0
    assert KEYED.mac(body) == packfile.identifier
    assert packfile.size == len(content) == packer.size
    assert packfile.timestamp_ns == NOW

    footer, records = contents_of(storage, packfile)
    assert footer.timestamp_ns == NOW
    assert footer.count == packfile.count == 4
    assert index_from_bytes(packfile.index_records) == records
    first, one, state, last = records
    assert first.resource_type == last.resource_type == ResourceType.RANDOM
    assert one[:3] == (CHUNK, VERSION_1_0_0, b"\x01" * 32)
    assert state[:3] == (ResourceType.STATE, VERSION_1_1_0, b"\x02" * 32)
    assert body[state.offset : state.offset + state.length] == b"encoded"
    assert first.mac != last.mac


def test_blobs_lie_one_behind_the_other_from_the_start() -> None:
    storage = MemoryStorage()
    packer = make_packer(storage)
    for number in range(300):
        packer.add(CHUNK, KEYED.mac(bytes([number % 256])), os.urandom(number * 10))
    [packfile] = packer.finish()
    footer, records = contents_of(storage, packfile)
    ends = [0, *(record.offset + record.length for record in records)]
    assert [record.offset for record in records] == ends[:-1]
    assert footer.index_offset == ends[-1]


def slack_behind(record: IndexRecord, size: int) -> int:
    return size - 16 - record.offset - record.length


@pytest.mark.parametrize("largest", [0, 1000, 100_000, 20 << 20])
def test_plakar_may_read_beyond_the_last_blob(largest: int) -> None:
    storage = MemoryStorage()
    packer = make_packer(storage)
    packer.append(CHUNK, VERSION_1_0_0, KEYED.mac(b"x"), bytes(largest))
    [packfile] = packer.finish()
    record = contents_of(storage, packfile).records[1]
    slack = slack_behind(record, packfile.size)
    assert slack >= max(4096, 2 ** (largest.bit_length() // 2) - 1)
    assert packfile.size - largest < max(5200, slack + 300)


def test_a_packfile_is_closed_when_it_is_large_enough() -> None:
    storage = MemoryStorage()
    packer = make_packer(storage, max_size=10_000)
    for number in range(100):
        blob = os.urandom(1000)
        packer.add(CHUNK, KEYED.mac(blob), blob)
        if number == 50:
            assert len(list(storage.ids(Kind.PACKFILE))) == 5
    packfiles = packer.finish()
    assert len(packfiles) == len(list(storage.ids(Kind.PACKFILE))) == 10
    for packfile in packfiles[:-1]:
        assert 10_000 < packfile.size < 10_000 + 2000 + 5200
    assert sum(packfile.count for packfile in packfiles) == 100 + 2 * len(packfiles)
    assert packer.size == sum(packfile.size for packfile in packfiles)


def test_nothing_is_written_when_nothing_was_added() -> None:
    storage = MemoryStorage()
    assert make_packer(storage).finish() == ()
    assert not storage.files


def test_finishing_closes_once() -> None:
    packer = make_packer(MemoryStorage())
    packer.add(CHUNK, KEYED.mac(b"x"), b"x")
    assert packer.finish() == packer.finish()


def test_aborting_leaves_no_unfinished_file(tmp_path: Path) -> None:
    storage = FilesystemStorage(tmp_path / "store")
    storage.create(b"")
    before = set((tmp_path / "store").rglob("*"))
    packer = make_packer(storage)
    packer.add(CHUNK, KEYED.mac(b"x"), b"x")
    assert set((tmp_path / "store").rglob("*")) != before
    packer.abort()
    packer.abort()
    assert set((tmp_path / "store").rglob("*")) == before


def test_a_packfile_reaches_the_disk(tmp_path: Path) -> None:
    storage = FilesystemStorage(tmp_path / "store")
    storage.create(b"")
    packer = make_packer(storage)
    for number in range(1000):
        blob = number.to_bytes(2, "big") * 300
        packer.add(CHUNK, KEYED.mac(blob), blob)
    [packfile] = packer.finish()
    assert len(blobs_of(storage, packfile)) == 1000
    assert not list((tmp_path / "store").rglob("tmp.*"))


class FullStorage(MemoryStorage):
    """Takes a number of bytes, then is full; counts the writers that are still open."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room
        self.unfinished = 0

    def open_writer(self, kind: Kind) -> FullWriter:  # type: ignore[override]
        self.unfinished += 1
        return FullWriter(self, super().open_writer(kind))


class FullWriter:
    def __init__(self, storage: FullStorage, writer: StorageWriter) -> None:
        self._storage = storage
        self._writer = writer

    def write(self, data: BytesLike) -> None:
        self._storage.room -= len(data)
        if self._storage.room < 0:
            raise StorageNotWritable("full")
        self._writer.write(data)

    def commit(self, identifier: bytes) -> None:
        self._storage.unfinished -= 1
        self._writer.commit(identifier)

    def abort(self) -> None:
        self._storage.unfinished -= 1
        self._writer.abort()


def pack_a_million_bytes(packer: Packer) -> None:
    for number in range(1000):
        packer.append(CHUNK, VERSION_1_0_0, number.to_bytes(32, "big"), bytes(1000))
    packer.finish()


@pytest.mark.parametrize("room", [0, 16, 100_000, 300_000])
def test_a_full_storage_stops_the_packer_and_leaves_nothing_open(room: int) -> None:
    storage = FullStorage(room)
    packer = make_packer(storage)
    with pytest.raises(StorageNotWritable):
        pack_a_million_bytes(packer)
    packer.abort()
    assert storage.unfinished == 0
    assert not storage.files
