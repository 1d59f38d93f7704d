"""Stores whose every MAC is right and that mean harm: whoever made them knows the passphrase, or there is none.

Each ends with an error of the store's own family, and with no more memory or time than an honest store of its size.
"""

from __future__ import annotations

import os
import random
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from caldav_backup.kloset import (
    Configuration,
    Damaged,
    File,
    PathNotFound,
    Repository,
    Snapshot,
    SnapshotBuilder,
    UnsupportedStore,
    records,
)
from caldav_backup.kloset.btree import INDEX_TREE, VFS_TREE, Node, Root, Tree
from caldav_backup.kloset.check import Severity, check
from caldav_backup.kloset.configuration import ChunkSizes
from caldav_backup.kloset.dirpack import Frame
from caldav_backup.kloset.entries import Entry
from caldav_backup.kloset.objects import MODE_SYMLINK, FileInfo, Object, ObjectChunk
from caldav_backup.kloset.packfile import Footer, read_contents
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.state import LocationEntry, State, make_run
from caldav_backup.kloset.storage import FilesystemStorage, Kind
from caldav_backup.kloset.summary import Summary
from tests.kloset.copies import copy_all
from tests.kloset.planted import Plant
from tests.kloset.stores import build, make_repository, put_blobs

MIB = 1 << 20


@contextmanager
def little_memory(most: int = 64 * MIB) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < most, f"{peak / MIB:.0f} MiB"


# Records


EMPTY_MAPS = b"\x80" * (8 * MIB)


@pytest.mark.parametrize(
    "record",
    [
        records.map_header(1) + records.string("chunks") + records.array_header(len(EMPTY_MAPS)) + EMPTY_MAPS,
        records.map_header(1) + records.string("flags") + records.array_header(len(EMPTY_MAPS)) + EMPTY_MAPS,
        records.map_header(0xFFFF) + EMPTY_MAPS,
        b"\x91" * (8 * MIB),
        records.map_header(1) + b"\x91" * (8 * MIB),
    ],
    ids=["empty chunks", "one field", "many fields", "nested", "nested key"],
)
def test_an_object_record_does_not_grow_when_it_is_decoded(record: bytes) -> None:
    with little_memory(), pytest.raises(Damaged):
        Object.from_bytes(record)


@pytest.mark.full
def test_a_long_object_reads_like_a_short_one() -> None:
    long = Object(b"c" * 32, tuple(ObjectChunk(os.urandom(32), 4096) for _ in range(11_000)), "text/calendar", 1.5, 3)
    assert len(long.to_bytes()) > MIB
    assert Object.from_bytes(long.to_bytes()) == long
    for broken in (long.to_bytes()[:-1], long.to_bytes() + b"\0"):
        with pytest.raises(Damaged):
            Object.from_bytes(broken)


def test_an_object_has_no_more_chunks_than_bytes() -> None:
    empty = ObjectChunk(b"m" * 32, 0)
    assert Object.from_bytes(Object(b"m" * 32, (empty,)).to_bytes()).size == 0
    with pytest.raises(Damaged, match="more chunks than bytes"):
        Object.from_bytes(Object(b"m" * 32, (empty,) * 100).to_bytes())


def test_keys_that_collide_in_a_dictionary_cost_no_time() -> None:
    # Timestamps may be keys, and as integers they share their hash when they differ by multiples of 2^61 - 1.
    keys = [records.timestamp(((1 << 61) - 1) * number) for number in range(4000)]
    with pytest.raises(Damaged):
        records.decode(records.map_header(len(keys)) + b"".join(key + records.NIL for key in keys))


def test_no_record_but_an_object_has_more_than_a_few_mib() -> None:
    _, repository = make_repository()
    (mac,) = put_blobs(repository, b"s" * 32, [(ResourceType.VFS_ENTRY, b"\x90" * (5 * MIB))])
    with little_memory(), pytest.raises(Damaged):
        repository.get_blob(ResourceType.VFS_ENTRY, mac)


# Files and what refers to them


def test_a_location_with_an_absurd_length_reads_nothing(tmp_path: Path) -> None:
    storage = FilesystemStorage(tmp_path / "store")
    repository = Repository.create(storage, Configuration.new(encrypted=False))
    (mac,) = put_blobs(repository, b"s" * 32, [(ResourceType.CHUNK, b"content")])
    place = repository.index.find_locations(ResourceType.CHUNK, mac)[0]
    other = b"\x01" * 32
    claim = LocationEntry(ResourceType.CHUNK, 0x10000, other, place.packfile, 0, 0xFFFF_FFF0)
    repository.put_state(b"t" * 32, [make_run([claim])])
    with (tmp_path / "store" / "packfiles" / place.packfile.hex()[:2] / place.packfile.hex()).open("r+b") as file:
        file.truncate(1 << 33)
    with little_memory(), pytest.raises(Damaged):
        repository.get_blob(ResourceType.CHUNK, other)
    with little_memory(), pytest.raises(Damaged):
        list(repository.get_blobs(ResourceType.CHUNK, [other, other]))


def test_a_state_does_not_grow_when_it_is_inflated() -> None:
    storage, repository = make_repository()
    entries = b"\x63" + bytes(4)
    stream = bytes(32) + entries * (16 * MIB // 5) + State((), 1).to_bytes()[32:]
    sealed = repository.seal_file(ResourceType.STATE, 0x10100, stream)
    assert len(sealed) < MIB
    storage.write(Kind.STATE, b"s" * 32, sealed)
    with little_memory(), pytest.raises(Damaged, match="state 7373"):
        repository.read_state(b"s" * 32)


def test_a_state_full_of_holes_is_not_read(tmp_path: Path) -> None:
    storage = FilesystemStorage(tmp_path / "store")
    repository = Repository.create(storage, Configuration.new(encrypted=False))
    path = tmp_path / "store" / "states" / "73" / (b"s" * 32).hex()
    with path.open("wb") as file:
        file.truncate(1 << 35)
    with little_memory(), pytest.raises(Damaged):
        repository.index.snapshot_ids()


def test_an_index_of_a_packfile_does_not_grow_when_it_is_inflated() -> None:
    _, repository = make_repository()
    codec, keyed = repository.codec, repository.keyed
    index = bytes(56 * 300_000)
    footer = codec.encode(Footer(1, 300_000, 0, keyed.mac(index)).to_bytes())
    body = codec.encode(index) + footer + len(footer).to_bytes(4, "little")
    content = bytes(16) + body + bytes(32)
    with little_memory(), pytest.raises(Damaged, match="tells of 300000 blobs"):
        read_contents(len(content), lambda start, size: content[start : start + size], codec, keyed, "it")


def test_a_store_of_giant_chunks_is_not_opened() -> None:
    body = Configuration.new(encrypted=False).to_bytes()
    large = replace(Configuration.from_bytes(body), chunking=ChunkSizes(64, 128, 1 << 29))
    with pytest.raises(UnsupportedStore, match="chunks of up to"):
        Configuration.from_bytes(large.to_bytes())


def test_sealed_segments_of_a_few_bytes_are_not_opened() -> None:
    configuration = Configuration.new(encrypted=True)
    assert configuration.encryption is not None
    tiny = replace(configuration, encryption=configuration.encryption._replace(segment_size=1))
    with pytest.raises(Damaged):
        Configuration.from_bytes(tiny.to_bytes())


# Trees


def bomb_tree(plant: Plant, depth: int, keys: list[bytes]) -> bytes:
    """A tree of 2^depth leaves, made of one leaf and a node above another."""
    mac = plant.put(ResourceType.VFS_NODE, Node(keys, (), [plant.tree["/"]] * len(keys)).to_bytes())
    for _ in range(depth):
        mac = plant.put(ResourceType.VFS_NODE, Node(keys[:1], [mac, mac]).to_bytes())
    return plant.put(ResourceType.VFS_BTREE, Root(mac, 50).to_bytes())


@pytest.mark.parametrize("keys", [[b"/a"], []], ids=["full leaves", "empty leaves"])
def test_a_tree_of_shared_nodes_is_not_walked(keys: list[bytes]) -> None:
    plant = Plant()
    wide = bomb_tree(plant, 30, keys or [b"/"]) if keys else _empty_bomb(plant)
    plant.grow()
    header = plant.repository.snapshots()[0]
    changed = replace(header, source=header.source._replace(root=wide), identifier=b"\x07" * 32)
    snapshot = plant.store(changed)
    with little_memory(), pytest.raises(Damaged):
        list(Tree(plant.repository, VFS_TREE, wide))
    with pytest.raises((Damaged, PathNotFound)):
        list(snapshot.walk())
    found = list(check(plant.repository, read_data=True))
    assert any(each.severity is Severity.DAMAGE and "two places" in each.message for each in found)
    assert len(found) < 500


def _empty_bomb(plant: Plant) -> bytes:
    mac = plant.put(ResourceType.VFS_NODE, Node().to_bytes())
    for _ in range(30):
        mac = plant.put(ResourceType.VFS_NODE, Node([b"/"], [mac, mac]).to_bytes())
    return plant.put(ResourceType.VFS_BTREE, Root(mac, 50).to_bytes())


# Directories


def planted(change: Callable[[Plant], None], *, indexes: tuple[str, ...] = ("dirpack", "summary")) -> Plant:
    plant = Plant(indexes=indexes)
    plant.directory("/a")
    plant.file("/a/x.ics", b"content")
    change(plant)
    plant.grow()
    return plant


def only_snapshot(plant: Plant) -> Snapshot:
    return plant.repository.snapshot(plant.repository.snapshots()[0].identifier)


@pytest.mark.full
def test_a_listing_that_repeats_itself_ends() -> None:
    plant = planted(lambda _: None)
    frame = next(iter(plant.frames["/a"].values())).to_bytes()
    again = plant.mac(frame)
    plant.put(ResourceType.CHUNK, frame)
    listing = Object(b"x" * 32, (ObjectChunk(again, len(frame)),) * 2_000).to_bytes()
    pairs = {b"/": plant.put(ResourceType.OBJECT, listing), b"/a": plant.put(ResourceType.OBJECT, listing)}
    header = plant.repository.snapshots()[0]
    index = plant.put_tree(INDEX_TREE, pairs)
    indexes = tuple(each._replace(root=index) if each.name == "dirpack" else each for each in header.indexes)
    source = header.source._replace(indexes=indexes)
    snapshot = plant.store(replace(header, identifier=b"\x08" * 32, source=source))
    # Of the root's listing, and of the other's.
    assert 2000 <= len(list(check(plant.repository))) < 2100
    for ways in (snapshot.list_directory, snapshot.list_names):
        with little_memory(), pytest.raises(Damaged, match="ascend"):
            list(ways("/a"))


def test_a_directory_that_lists_itself_is_damage() -> None:
    def change(plant: Plant) -> None:
        plant.frames["/a"][b"a"] = plant.frames["/"][b"a"]
        plant.root_summary = Summary()

    with pytest.raises(Damaged, match="holds the entry of '/a'"):
        list(only_snapshot(planted(change)).walk())


def test_a_directory_that_is_its_own_child_in_the_tree_is_damage() -> None:
    def change(plant: Plant) -> None:
        plant.tree["/a/b"] = plant.tree["/a"]
        plant.tree["/a/c"] = plant.tree["/a"]

    with pytest.raises(Damaged, match="found at '/a/b' is of '/a'"):
        list(only_snapshot(planted(change, indexes=())).walk())


@pytest.mark.full
def test_symbolic_links_that_grow_lead_nowhere() -> None:
    def change(plant: Plant) -> None:
        info = FileInfo("link", mode=MODE_SYMLINK | 0o777)
        plant.add(Entry("/", info, symlink_target="x/" * MIB))
        plant.add(Entry("/", info._replace(name="loop"), symlink_target="loop/" + "y" * 60_000))
        plant.add(Entry("/", info._replace(name="out"), symlink_target="../../../etc/passwd"))

    snapshot = only_snapshot(planted(change))
    for path in ("/link", "/link/z", "/loop/z", "/out"):
        with little_memory(), pytest.raises(PathNotFound):
            snapshot.read(path)


def test_entries_below_files_lie_about_their_place() -> None:
    plant = planted(lambda _: None)
    for name in ("..", ".", "", "a/b"):
        record = plant.entries["/a/x.ics"]._replace(info=FileInfo(name)).to_bytes()
        with pytest.raises(Damaged, match="impossible place"):
            Frame(2, record, bytes(32)).entry()


# Contents


@pytest.mark.full
def test_contents_of_terabytes_are_not_read_into_memory() -> None:
    def change(plant: Plant) -> None:
        mac = plant.put(ResourceType.CHUNK, bytes(MIB))
        found = plant.put(ResourceType.OBJECT, Object(b"x" * 32, (ObjectChunk(mac, MIB),) * 300).to_bytes())
        plant.add(plant.entries["/a/x.ics"]._replace(object=found, info=FileInfo("y.ics", size=300 * MIB)))
        attribute = plant.attribute("/a", "user.caldav.color", b"")._replace(object=found, size=300 * MIB)
        plant.attributes[attribute.key] = plant.put(ResourceType.XATTR_ENTRY, attribute.to_bytes())

    snapshot = only_snapshot(planted(change))
    entry = snapshot.entry("/a/y.ics")
    with little_memory(), pytest.raises(Damaged, match="too many"):
        list(snapshot.read_many([entry]))
    with little_memory(), pytest.raises(Damaged, match="too many"):
        snapshot.read(entry)
    with little_memory(), pytest.raises(Damaged, match="too many"):
        snapshot.attributes_by_path()
    with little_memory(), pytest.raises(Damaged, match="too many"):
        snapshot.extended_attribute("/a", "user.caldav.color")
    with little_memory():
        # In pieces it is nobody's memory, and whoever asks may stop.
        pieces = snapshot.stream(entry)
        assert sum(len(next(pieces)) for _ in range(100)) == 100 * MIB


@pytest.mark.full
def test_many_long_objects_are_not_held_together() -> None:
    def change(plant: Plant) -> None:
        piece = plant.put(ResourceType.CHUNK, b"x")
        entry = plant.entries["/a/x.ics"]
        for number in range(20):
            record = Object(bytes([number]) * 32, (ObjectChunk(piece, 1),) * 5000).to_bytes()
            found = plant.put(ResourceType.OBJECT, record)
            plant.add(entry._replace(object=found, info=entry.info._replace(name=f"{number:02}.ics", size=5000)))

    plant = planted(change)
    with little_memory(24 * MIB):
        list(check(plant.repository))
    snapshot = only_snapshot(plant)
    with little_memory(24 * MIB), pytest.raises(Damaged):
        list(snapshot.read_many([entry for entry in snapshot.walk() if entry.is_file]))


@pytest.mark.full
def test_long_contents_are_copied_one_by_one(chance: random.Random) -> None:
    _, source = make_repository()
    files = [File(f"{number}.ics", chance.randbytes(800_000), 10**9) for number in range(3)]

    def fill(builder: SnapshotBuilder) -> None:
        directory = builder.open_directory("/a")
        directory.add(files)
        directory.close({})

    build(source, fill)
    _, destination = make_repository(chunking=ChunkSizes(64, 256, 1024))
    copy_all(source, destination)
    snapshot = destination.snapshot(destination.snapshots()[0].identifier)
    assert [snapshot.read(f"/a/{file.name}") for file in files] == [file.content for file in files]


def test_a_size_that_lies_is_damage_before_anything_is_read() -> None:
    def change(plant: Plant) -> None:
        entry = plant.entries["/a/x.ics"]
        plant.add(entry._replace(info=entry.info._replace(name="y.ics", size=3)))

    with pytest.raises(Damaged, match="3 bytes by its entry"):
        only_snapshot(planted(change)).read("/a/y.ics")
