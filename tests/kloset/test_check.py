"""A check overlooks nothing: every byte of a packfile, and every part of a snapshot that does not fit the others."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from caldav_backup.kloset.btree import INDEX_TREE, VFS_TREE, Node, Root
from caldav_backup.kloset.builder import SnapshotBuilder
from caldav_backup.kloset.check import Finding, Severity, Step, check
from caldav_backup.kloset.directory_writer import File
from caldav_backup.kloset.dirpack import DIRECTORY, Frame
from caldav_backup.kloset.entries import Entry
from caldav_backup.kloset.errors import SnapshotNotFound, StorageUnavailable
from caldav_backup.kloset.header import Index
from caldav_backup.kloset.objects import MODE_DIRECTORY, FileInfo, Object, ObjectChunk
from caldav_backup.kloset.repository import Repository, read_configuration
from caldav_backup.kloset.resources import VERSION_1_0_0, VERSION_1_1_0, ZERO_MAC, ResourceType
from caldav_backup.kloset.state import LocationEntry, PackfileEntry, State, make_run
from caldav_backup.kloset.storage import Kind, MemoryStorage
from caldav_backup.kloset.summary import Summary, Totals
from caldav_backup.kloset.unlocking import Unlocked
from tests.kloset.conftest import load_golden
from tests.kloset.planted import Plant
from tests.kloset.stores import build, damage, make_repository, packfiles, put_blobs, some_files, two_calendars
from tests.kloset.test_golden import NAMES


def findings(repository: Repository, *, read_data: bool = True) -> list[Finding]:
    return list(check(repository, read_data=read_data))


def told(repository: Repository, *, read_data: bool = True) -> set[tuple[Severity, str]]:
    return {(finding.severity, finding.what) for finding in findings(repository, read_data=read_data)}


DAMAGE, WARNING = Severity.DAMAGE, Severity.WARNING


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("read_data", [False, True])
def test_stores_of_plakar_are_sound(name: str, read_data: bool) -> None:
    storage, facts = load_golden(name)
    key = bytes.fromhex(facts["key"]) if facts["key"] else None
    repository = Repository(storage, Unlocked(read_configuration(storage), key))
    assert findings(repository, read_data=read_data) == []


@pytest.mark.parametrize("encrypted", [False, True])
def test_stores_written_here_are_sound(encrypted: bool) -> None:
    _, repository = make_repository(encrypted=encrypted)
    for _ in range(2):
        build(repository, two_calendars)
    assert findings(repository) == []


@pytest.mark.parametrize("encrypted", [False, True])
def test_any_changed_byte_of_a_packfile_or_state_is_found(encrypted: bool, chance: random.Random) -> None:
    storage, repository = make_repository(encrypted=encrypted)
    build(repository, two_calendars)
    files = list(storage.files)
    for _ in range(40):
        kind, identifier = chance.choice(files)
        before = storage.files[kind, identifier]
        damage(storage, kind, identifier, chance.randrange(len(before)), chance.randrange(1, 256))
        assert any(finding.severity is DAMAGE for finding in findings(repository))
        storage.files[kind, identifier] = before
    assert findings(repository) == []


def test_any_changed_byte_of_structure_is_found_without_reading_contents(chance: random.Random) -> None:
    # Encrypted, for a changed byte of an LZ4 stream may stand for the same content.
    storage, repository = make_repository(encrypted=True)
    build(repository, two_calendars)
    (packfile,) = packfiles(storage)
    chunks = {place for name, place in repository.index.locations_in(packfile).items() if name[0] in (9, 255)}
    contents = {at for offset, length in chunks for at in range(16 + offset, 16 + offset + length)}
    # The trailer and the name depend on contents too.
    end = len(storage.files[Kind.PACKFILE, packfile]) - 32
    for place in chance.sample(sorted(set(range(end)) - contents), 40):
        damage(storage, Kind.PACKFILE, packfile, place)
        assert any(finding.severity is DAMAGE for finding in findings(repository, read_data=False)), place
        damage(storage, Kind.PACKFILE, packfile, place)


@pytest.mark.full
def test_every_changed_byte_of_a_small_packfile_is_found() -> None:
    def one_event(builder: SnapshotBuilder) -> None:
        work = builder.open_directory("/work")
        work.add(some_files(1))
        work.close({})

    storage, repository = make_repository()
    build(repository, one_event)
    (packfile,) = packfiles(storage)
    for place in range(len(storage.files[Kind.PACKFILE, packfile])):
        damage(storage, Kind.PACKFILE, packfile, place, 0x80)
        assert any(finding.severity is DAMAGE for finding in findings(repository)), place
        damage(storage, Kind.PACKFILE, packfile, place, 0x80)


def test_damaged_contents_are_told_by_their_paths() -> None:
    storage, repository = make_repository()
    snapshot = build(repository, two_calendars)
    chunk = repository.keyed.mac(snapshot.read("/work/event-0003.ics"))
    place = repository.index.find_location(ResourceType.CHUNK, chunk)
    assert place is not None
    damage(storage, Kind.PACKFILE, place.packfile, 16 + place.offset + place.length // 2)
    found = findings(repository)
    assert [(finding.what, "event-0003.ics" in finding.message) for finding in found] == [
        ("packfile", False),
        ("content", True),
    ]
    assert found[1].where == snapshot.header.identifier.hex()
    assert findings(repository, read_data=False) == []


def test_damaged_content_is_told_in_every_snapshot_that_holds_it() -> None:
    storage, repository = make_repository()
    build(repository, two_calendars)

    def more(builder: SnapshotBuilder) -> None:
        two_calendars(builder)
        other = builder.open_directory("/other")
        other.close({})

    snapshot = build(repository, more)
    chunk = repository.keyed.mac(snapshot.read("/work/event-0003.ics"))
    place = repository.index.find_location(ResourceType.CHUNK, chunk)
    assert place is not None
    damage(storage, Kind.PACKFILE, place.packfile, 16 + place.offset + place.length // 2)
    assert {finding.where for finding in findings(repository) if finding.what == "content"} == {
        header.identifier.hex() for header in repository.snapshots()
    }


# States


def test_damaged_state_is_told_and_the_others_are_checked() -> None:
    storage, repository = make_repository()
    one, two = (build(repository, two_calendars) for _ in range(2))
    storage.files[Kind.STATE, one.header.identifier] = b""
    found = findings(Repository.open(storage))
    assert ("state", one.header.identifier.hex()) in {(finding.what, finding.where) for finding in found}
    # What the first packfile held is missing in the second snapshot.
    assert two.header.identifier.hex() in {finding.where for finding in found}


def test_missing_state_is_told_by_the_one_behind_it() -> None:
    storage, repository = make_repository()
    one = build(repository, two_calendars)
    repository.put_state(b"2" * 32, [])
    del storage.files[Kind.STATE, one.header.identifier]
    found = findings(Repository.open(storage))
    assert [(finding.severity, finding.what, finding.where) for finding in found] == [
        (DAMAGE, "state", one.header.identifier.hex()),
        *[(WARNING, "packfile", packfile.hex()) for packfile in packfiles(storage)],
    ]


def test_circle_of_states_is_told() -> None:
    storage, repository = make_repository()
    for own, parent in ((b"1" * 32, b"2" * 32), (b"2" * 32, b"1" * 32)):
        stream = State((), 5, parent).to_bytes()
        storage.files[Kind.STATE, own] = repository.seal_file(ResourceType.STATE, VERSION_1_1_0, stream)
    assert [finding.where for finding in findings(repository)] == [(b"1" * 32).hex(), (b"2" * 32).hex()]


def test_failing_storage_is_no_finding() -> None:
    class Failing(MemoryStorage):
        def read(self, kind: Kind, identifier: bytes) -> bytes:
            raise StorageUnavailable(f"no reading {kind.noun} {identifier.hex()} now")

    storage, repository = make_repository(storage=Failing())
    storage.files[Kind.STATE, b"1" * 32] = b""
    with pytest.raises(StorageUnavailable):
        findings(repository)


# Packfiles


def test_missing_packfile_is_told() -> None:
    storage, repository = make_repository()
    build(repository, two_calendars)
    (packfile,) = packfiles(storage)
    del storage.files[Kind.PACKFILE, packfile]
    assert (DAMAGE, "packfile", packfile.hex()) in {finding[:3] for finding in findings(repository)}


def test_packfile_that_no_state_names_is_a_warning() -> None:
    storage, repository = make_repository()
    storage.files[Kind.PACKFILE, b"p" * 32] = b"left behind"
    assert [finding[:3] for finding in findings(repository)] == [(WARNING, "packfile", (b"p" * 32).hex())]


@pytest.mark.parametrize("length", [0, 1, 15, 16, 47, 48, 60, 2000])
def test_packfile_cut_short_is_told(length: int) -> None:
    storage, repository = make_repository()
    put_blobs(repository, b"s" * 32, [(ResourceType.CHUNK, b"one")])
    (packfile,) = packfiles(storage)
    storage.files[Kind.PACKFILE, packfile] = storage.files[Kind.PACKFILE, packfile][:length]
    assert told(repository) == {(DAMAGE, "packfile")}


def test_packfile_under_another_name_is_told() -> None:
    storage, repository = make_repository()
    put_blobs(repository, b"s" * 32, [(ResourceType.CHUNK, b"one")])
    (packfile,) = packfiles(storage)
    storage.files[Kind.PACKFILE, b"n" * 32] = storage.files[Kind.PACKFILE, packfile]
    places = repository.index.locations_in(packfile)
    moved = [LocationEntry(name[0], VERSION_1_0_0, name[1:], b"n" * 32, *place) for name, place in places.items()]
    repository.put_state(b"t" * 32, [make_run(moved), make_run([PackfileEntry(b"n" * 32, b"t" * 32, 5)])])
    assert [finding.message for finding in findings(repository)] == ["its name is not that of its content"]
    assert findings(repository, read_data=False) == []


def test_state_that_places_a_blob_where_it_is_not_is_told() -> None:
    storage, repository = make_repository()
    (mac,) = put_blobs(repository, b"s" * 32, [(ResourceType.CHUNK, b"one")])
    (packfile,) = packfiles(storage)
    place = repository.index.find_location(ResourceType.CHUNK, mac)
    assert place is not None
    more = [
        LocationEntry(9, VERSION_1_0_0, b"m" * 32, packfile, 0, 3),
        LocationEntry(7, VERSION_1_0_0, mac, packfile, 1, 2),
    ]
    repository.put_state(b"t" * 32, [make_run(more)])
    (finding,) = findings(repository)
    assert "states place 2 blobs" in finding.message
    other_storage, other = make_repository()
    (mac,) = put_blobs(other, b"s" * 32, [(ResourceType.CHUNK, b"one")])
    (packfile,) = packfiles(other_storage)
    wrong = make_run([LocationEntry(9, VERSION_1_0_0, mac, packfile, 1, 2)])
    stream = State((wrong, make_run([PackfileEntry(packfile, b"s" * 32, 5)])), 5).to_bytes()
    other_storage.files[Kind.STATE, b"s" * 32] = other.seal_file(ResourceType.STATE, VERSION_1_1_0, stream)
    assert [finding.severity for finding in findings(other)] == [DAMAGE, WARNING]


# Trees, listings, entries


def nothing(plant: Plant) -> None:
    """Leaves a planted snapshot as it is."""


def planted(change: Callable[[Plant], None] = nothing, *, indexes: tuple[str, ...] = ()) -> Repository:
    """A snapshot with a few of everything, changed before it is stored."""
    plant = Plant(indexes=("dirpack", "summary", *indexes))
    for path in ("/a", "/a/b", "/c"):
        plant.directory(path)
    for number in range(30):
        plant.file(f"/a/b/{number:02}.ics", b"content %d" % number)
    plant.directory("/d", extended_attributes=("user.x",))
    plant.attribute("/d", "user.x", b"value")
    plant.fail("/c/lost", "410 Gone")
    change(plant)
    plant.grow()
    return plant.repository


def test_planted_snapshot_is_sound() -> None:
    assert findings(planted()) == []
    assert findings(planted(indexes=("content-type",))) == []


def damage_of(change: Callable[[Plant], None], *, indexes: tuple[str, ...] = ()) -> set[tuple[Severity, str]]:
    repository = planted(change, indexes=indexes)
    assert told(repository) == told(repository, read_data=False)
    return told(repository)


def test_entry_missing_in_the_listing_is_told() -> None:
    assert (DAMAGE, "entry") in damage_of(lambda plant: plant.without_frame("/a/b/07.ics"))


def test_entry_missing_in_the_tree_is_told() -> None:
    def change(plant: Plant) -> None:
        del plant.tree["/a/b/07.ics"]

    assert damage_of(change) == {(DAMAGE, "entry")}


def test_entries_that_differ_in_tree_and_listing_are_told() -> None:
    def change(plant: Plant) -> None:
        other = plant.entries["/a/b/08.ics"]._replace(info=FileInfo("07.ics", size=9))
        plant.tree["/a/b/07.ics"] = plant.put(ResourceType.VFS_ENTRY, other.to_bytes())

    assert damage_of(change) == {(DAMAGE, "entry")}


def test_entry_without_a_blob_is_a_warning() -> None:
    assert damage_of(lambda plant: plant.without_blob("/a/b/07.ics")) == {(WARNING, "entry")}


def test_root_without_an_entry_is_told() -> None:
    assert damage_of(lambda plant: plant.without_blob("/")) == {(DAMAGE, "entry")}


def test_root_with_another_entry_is_told() -> None:
    def change(plant: Plant) -> None:
        plant.tree["/"] = plant.tree["/a"]

    assert damage_of(change) == {(DAMAGE, "entry")}


def test_frame_whose_mac_is_wrong_is_told() -> None:
    def change(plant: Plant) -> None:
        record = plant.entries["/a/b/07.ics"].to_bytes()
        plant.frames["/a/b"][b"07.ics"] = Frame(2, record, b"m" * 32)

    assert damage_of(change) == {(DAMAGE, "entry")}


def test_frame_of_a_wrong_kind_is_told() -> None:
    def change(plant: Plant) -> None:
        frame = plant.frames["/a/b"][b"07.ics"]
        plant.frames["/a/b"][b"07.ics"] = frame._replace(kind=DIRECTORY)

    assert damage_of(change) == {(DAMAGE, "entry")}


def test_frame_that_is_no_entry_is_told() -> None:
    def change(plant: Plant) -> None:
        plant.root_summary = plant.sum_up("/")
        plant.frames["/a/b"][b"07.ics"] = Frame(2, b"\xc0", plant.mac(b"\xc0"))

    assert {(DAMAGE, "listing"), (DAMAGE, "entry")} <= damage_of(change)


def test_listing_out_of_order_is_told() -> None:
    def change(plant: Plant) -> None:
        frames = plant.frames["/a/b"]
        frames[b"07.ics"], frames[b"08.ics"] = frames[b"08.ics"], frames[b"07.ics"]

    assert (DAMAGE, "entry") in damage_of(change)


def test_entry_of_another_directory_in_a_listing_is_told() -> None:
    def change(plant: Plant) -> None:
        plant.frames["/c"][b"07.ics"] = plant.frames["/a/b"][b"07.ics"]

    assert (DAMAGE, "entry") in damage_of(change)


def test_directory_missing_in_an_index_is_told() -> None:
    assert (DAMAGE, "dirpack index") in damage_of(lambda plant: plant.without_listing("/c"))
    assert (DAMAGE, "dirpack index") in damage_of(lambda plant: plant.without_listing("/a/b"))


def test_index_of_something_that_is_no_directory_is_told() -> None:
    def change(plant: Plant) -> None:
        plant.sum_up("/")
        plant.summaries["/a/b/07.ics"] = Summary()

    assert damage_of(change) == {(DAMAGE, "summary index")}


def with_file_tree(make: Callable[[Plant, bytes], bytes]) -> Repository:
    """A sound snapshot, but for its file tree: `make` gets the root node's id and returns another tree's root node."""
    plant = Plant()
    for number in range(40):
        plant.file(f"/{number:02}.ics", b"content %d" % number)
    header = plant.grow().header
    root = Root.from_bytes(plant.blobs[ResourceType.VFS_BTREE, header.root])
    node = make(plant, root.node)
    tree = plant.put(ResourceType.VFS_BTREE, root._replace(node=node).to_bytes())
    repository = plant.repository
    other = replace(header, identifier=b"o" * 32, source=header.source._replace(root=tree))
    plant.store(other)
    repository.remove_snapshot(header.identifier)
    return repository


def messages(repository: Repository, what: str = "file tree") -> str:
    return " ".join(finding.message for finding in findings(repository) if finding.what == what)


def replaced(plant: Plant, mac: bytes, **changes: object) -> bytes:
    node = Node.from_bytes(plant.blobs[ResourceType.VFS_NODE, mac])
    return plant.put(ResourceType.VFS_NODE, node._replace(**changes).to_bytes())  # type: ignore[arg-type]


def node_of(plant: Plant, mac: bytes) -> Node:
    return Node.from_bytes(plant.blobs[ResourceType.VFS_NODE, mac])


def test_tree_that_is_replaced_by_itself_is_sound() -> None:
    def make(plant: Plant, root: bytes) -> bytes:
        return replaced(plant, root)

    assert findings(with_file_tree(make)) == []


def test_node_that_is_missing_is_told_once() -> None:
    def make(plant: Plant, root: bytes) -> bytes:
        return replaced(plant, root, pointers=[ZERO_MAC, *node_of(plant, root).pointers[1:]])

    found = findings(with_file_tree(make))
    assert [finding.what for finding in found if finding.what == "file tree"] == ["file tree"]


def test_missing_root_record_is_told() -> None:
    plant = Plant()
    header = plant.grow().header
    plant.store(replace(header, identifier=b"o" * 32, source=header.source._replace(root=ZERO_MAC, xattrs=ZERO_MAC)))
    assert {(DAMAGE, "file tree"), (DAMAGE, "attribute tree")} <= told(plant.repository)


def test_keys_beyond_their_borders_are_told() -> None:
    def make(plant: Plant, root: bytes) -> bytes:
        node = node_of(plant, root)
        return replaced(plant, root, keys=[node.keys[0] + b"~", *node.keys[1:]])

    assert "borders" in messages(with_file_tree(make))


def test_keys_that_do_not_ascend_are_told() -> None:
    def make(plant: Plant, root: bytes) -> bytes:
        node = node_of(plant, root)
        leaf = node_of(plant, node.pointers[-1])
        last = replaced(plant, node.pointers[-1], keys=leaf.keys[::-1])
        return replaced(plant, root, pointers=[*node.pointers[:-1], last])

    assert "ascend" in messages(with_file_tree(make))


def test_broken_chain_of_leaves_is_told() -> None:
    def make(plant: Plant, root: bytes) -> bytes:
        node = node_of(plant, root)
        first = replaced(plant, node.pointers[0], next=None)
        return replaced(plant, root, pointers=[first, *node.pointers[1:]])

    assert "chained" in messages(with_file_tree(make))

    def behind(plant: Plant, root: bytes) -> bytes:
        return plant.put(ResourceType.VFS_NODE, Node([], [], [], ZERO_MAC).to_bytes())

    assert "behind it" in messages(with_file_tree(behind))


def test_leaves_of_different_depth_and_empty_nodes_are_told() -> None:
    def make(plant: Plant, root: bytes) -> bytes:
        node = node_of(plant, root)
        deeper = plant.put(ResourceType.VFS_NODE, Node([], [node.pointers[-1]]).to_bytes())
        return replaced(plant, root, pointers=[*node.pointers[:-1], deeper])

    found = messages(with_file_tree(make))
    assert "one depth" in found
    assert "empty" in found


def test_node_with_too_many_keys_is_told() -> None:
    def make(plant: Plant, root: bytes) -> bytes:
        keys = sorted(map(str.encode, plant.tree), key=VFS_TREE.order_of)
        leaf = Node(keys, [], [plant.tree[key.decode()] for key in keys])
        return plant.put(ResourceType.VFS_NODE, leaf.to_bytes())

    assert "41 keys in a tree of order 8" in messages(with_file_tree(make))


def test_endless_depth_is_told() -> None:
    def make(plant: Plant, root: bytes) -> bytes:
        for _ in range(40):
            root = plant.put(ResourceType.VFS_NODE, Node([], [root]).to_bytes())
        return root

    assert "deeper" in messages(with_file_tree(make))


# Objects, attributes, errors, totals, headers


def test_chunk_that_is_missing_is_told_without_reading_contents() -> None:
    def change(plant: Plant) -> None:
        lost = Object(b"c" * 32, (ObjectChunk(b"c" * 32, 7),), "text/calendar").to_bytes()
        plant.add(Entry("/c", FileInfo("lost.ics", size=7), object=plant.put(ResourceType.OBJECT, lost), chunks=1))

    assert (DAMAGE, "content") in damage_of(change)


def test_object_that_is_missing_or_garbage_is_told() -> None:
    def missing(plant: Plant) -> None:
        plant.add(Entry("/c", FileInfo("lost.ics", size=7), object=b"o" * 32, chunks=1))

    def garbage(plant: Plant) -> None:
        plant.add(Entry("/c", FileInfo("lost.ics"), object=plant.put(ResourceType.OBJECT, b"\xc0"), chunks=1))

    assert damage_of(missing) == damage_of(garbage) == {(DAMAGE, "content")}


def test_size_that_its_content_does_not_have_is_told() -> None:
    def change(plant: Plant) -> None:
        entry = plant.entries["/a/b/07.ics"]
        plant.add(entry._replace(info=entry.info._replace(size=5)))

    assert damage_of(change) == {(DAMAGE, "content")}


def test_contents_that_are_not_what_their_mac_says_are_told_when_read() -> None:
    def change(plant: Plant) -> None:
        chunk = plant.put(ResourceType.CHUNK, b"content")
        false = Object(b"f" * 32, (ObjectChunk(chunk, 7),), "text/calendar").to_bytes()
        plant.add(Entry("/c", FileInfo("false.ics", size=7), object=plant.put(ResourceType.OBJECT, false), chunks=1))

    assert told(planted(change)) == {(DAMAGE, "content")}
    assert findings(planted(change), read_data=False) == []


def test_attributes_that_do_not_fit_their_entries_are_told() -> None:
    assert damage_of(lambda plant: plant.attributes.clear()) == {(DAMAGE, "attribute")}

    def unlisted(plant: Plant) -> None:
        plant.attribute("/c", "user.y", b"1")

    assert damage_of(unlisted) == {(WARNING, "attribute")}

    def swapped(plant: Plant) -> None:
        (key,) = plant.attributes
        other = plant.attribute("/c", "user.y", b"1")
        plant.attributes = {key: plant.attributes[other.key]}

    assert damage_of(swapped) == {(DAMAGE, "attribute")}

    def missing(plant: Plant) -> None:
        (key,) = plant.attributes
        plant.attributes[key] = ZERO_MAC

    assert damage_of(missing) == {(DAMAGE, "attribute")}


def test_errors_that_do_not_fit_their_keys_are_told() -> None:
    def swapped(plant: Plant) -> None:
        plant.failures[b"/c/other"] = plant.failures.pop(b"/c/lost")

    def missing(plant: Plant) -> None:
        plant.failures[b"/c/lost"] = ZERO_MAC

    assert damage_of(swapped) == damage_of(missing) == {(DAMAGE, "error")}


def test_wrong_totals_are_a_warning_that_names_them() -> None:
    def change(plant: Plant) -> None:
        plant.sum_up("/")
        plant.summaries["/a/b"] = Summary(Totals(files=29))

    assert damage_of(change) == {(WARNING, "summary")}
    (finding,) = findings(planted(change))
    assert "'/a/b'" in finding.message
    assert "directory.files" in finding.message

    def in_header(plant: Plant) -> None:
        plant.sum_up("/")
        plant.root_summary = Summary()

    assert "the header" in findings(planted(in_header))[0].message


def test_totals_that_are_missing_are_told() -> None:
    plant = Plant()
    header = plant.grow().header
    index = plant.put_tree(INDEX_TREE, {b"/": ZERO_MAC})
    dirpack = header.indexes[0]
    source = header.source._replace(indexes=(dirpack, Index("summary", "btree", index)))
    plant.store(replace(header, identifier=b"o" * 32, source=source))
    assert told(plant.repository) == {(DAMAGE, "summary")}


def test_unknown_index_is_a_warning() -> None:
    assert damage_of(nothing, indexes=("colours",)) == {(WARNING, "snapshot")}


def test_content_type_index_of_entries_that_are_gone_is_a_warning() -> None:
    def change(plant: Plant) -> None:
        plant.without_blob("/a/b/07.ics")

    assert damage_of(change, indexes=("content-type",)) == {(WARNING, "entry"), (WARNING, "content-type index")}


def test_snapshot_without_indexes_is_sound() -> None:
    plant = Plant(indexes=())
    plant.directory("/a")
    plant.file("/a/b", b"content")
    plant.grow()
    assert findings(plant.repository) == []


def test_snapshot_without_listings_whose_entries_are_gone_is_told() -> None:
    plant = Plant(indexes=())
    plant.file("/a", b"content")
    plant.file("/b", b"content")
    plant.without_blob("/a")
    plant.tree["/c"] = plant.tree["/b"]
    plant.grow()
    assert [finding.message[:4] for finding in findings(plant.repository)] == ["'/a'", "'/c'"]


def test_damaged_header_is_told() -> None:
    storage, repository = make_repository()
    identifier = build(repository, two_calendars).header.identifier
    place = repository.index.find_location(ResourceType.SNAPSHOT, identifier)
    assert place is not None
    damage(storage, Kind.PACKFILE, place.packfile, 16 + place.offset + place.length // 2)
    assert (DAMAGE, "snapshot") in told(Repository.open(storage), read_data=False)


# Choosing what to check


def test_only_the_snapshots_asked_for_are_checked() -> None:
    storage, repository = make_repository()
    one = build(repository, two_calendars)

    def other(builder: SnapshotBuilder) -> None:
        home = builder.open_directory("/home")
        home.add([File("other.ics", b"other", 0)])
        home.close({})

    two = build(repository, other)
    place = repository.index.find_location(ResourceType.CHUNK, repository.keyed.mac(b"other"))
    assert place is not None
    damage(storage, Kind.PACKFILE, place.packfile, 16 + place.offset + place.length // 2)
    assert list(check(repository, read_data=True, snapshots=[one.header.identifier])) == []
    assert [found.what for found in check(repository, read_data=True, snapshots=[two.header.identifier])] == ["content"]
    with pytest.raises(SnapshotNotFound):
        list(check(repository, snapshots=[ZERO_MAC]))


def test_share_of_the_contents_is_the_same_each_time() -> None:
    storage, repository = make_repository()
    put_blobs(repository, b"s" * 32, [(ResourceType.CHUNK, b"one")])
    (packfile,) = packfiles(storage)
    damage(storage, Kind.PACKFILE, packfile, 20)
    share = int.from_bytes(packfile[-4:], "big") / (1 << 32)
    assert list(check(repository, read_data=True, share=share - 0.001)) == []
    assert len(list(check(repository, read_data=True, share=share + 0.001))) == 1


def test_progress_reaches_its_end() -> None:
    _, repository = make_repository()
    build(repository, two_calendars)
    steps: list[Step] = []
    list(check(repository, progress=steps.append))
    assert steps == [Step("packfiles", 0, 1), Step("snapshots", 0, 1), Step("snapshots", 1, 1)]


def test_directory_that_both_trees_lack_is_not_invented() -> None:
    def change(plant: Plant) -> None:
        record = Entry("/c", FileInfo("ghost", mode=MODE_DIRECTORY)).to_bytes()
        plant.frames["/c"][b"ghost"] = Frame(DIRECTORY, record, plant.put(ResourceType.VFS_ENTRY, record))
        plant.frames["/c/ghost"] = {}
        plant.without_listing("/c/ghost")

    assert (DAMAGE, "dirpack index") in damage_of(change)
