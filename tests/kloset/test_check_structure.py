"""A check overlooks nothing of a snapshot: whatever does not fit the other parts is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from caldav_backup.kloset.btree import INDEX_TREE, VFS_TREE, Node, Root
from caldav_backup.kloset.dirpack import DIRECTORY, Frame
from caldav_backup.kloset.entries import Entry
from caldav_backup.kloset.header import Index
from caldav_backup.kloset.objects import MODE_DIRECTORY, FileInfo, Object, ObjectChunk
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import ZERO_MAC, ResourceType
from caldav_backup.kloset.storage import Kind
from caldav_backup.kloset.summary import Summary, Totals
from tests.kloset.checked import DAMAGE, WARNING, damage_of, findings, messages, nothing, planted, told
from tests.kloset.planted import Plant
from tests.kloset.stores import build, damage, make_repository, two_calendars

# Trees, listings, entries


def test_planted_snapshot_is_sound() -> None:
    assert findings(planted()) == []
    assert findings(planted(indexes=("content-type",))) == []


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


def test_files_in_a_directory_without_an_entry_are_told() -> None:
    plant = Plant(indexes=())
    plant.directory("/a")
    plant.file("/a/1.ics", b"content")
    del plant.tree["/a"]
    plant.grow()
    assert told(plant.repository) == {(DAMAGE, "entry")}


def test_value_of_an_attribute_is_read_without_reading_contents() -> None:
    def change(plant: Plant) -> None:
        mac = plant.mac(b"value")
        plant.blobs[ResourceType.CHUNK, mac] = b"other"

    assert damage_of(change) == {(DAMAGE, "attribute")}


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


def test_directory_that_both_trees_lack_is_not_invented() -> None:
    def change(plant: Plant) -> None:
        record = Entry("/c", FileInfo("ghost", mode=MODE_DIRECTORY)).to_bytes()
        plant.frames["/c"][b"ghost"] = Frame(DIRECTORY, record, plant.put(ResourceType.VFS_ENTRY, record))
        plant.frames["/c/ghost"] = {}
        plant.without_listing("/c/ghost")

    assert (DAMAGE, "dirpack index") in damage_of(change)
