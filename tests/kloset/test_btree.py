"""Trees: bytes of nodes, writing from sorted pairs, reading."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caldav_backup.kloset import paths
from caldav_backup.kloset.btree import (
    ERROR_TREE,
    INDEX_TREE,
    MAX_DEPTH,
    VFS_TREE,
    XATTR_TREE,
    Node,
    Root,
    Tree,
    TreeBlob,
    TreeType,
    bulk_load,
)
from caldav_backup.kloset.errors import BlobMissing, Damaged
from caldav_backup.kloset.resources import ResourceType

EMPTY_NODE = bytes.fromhex("84a776657273696f6ece00000000a46b657973c0a8706f696e74657273c0a676616c756573c0")
EMPTY_NODE_ID = bytes.fromhex("015a670ddebc64c1b3628c19bdcddfb60ffdae8dbe3a18f5c38aac903808b303")
ROOT = bytes.fromhex(
    "84a756657273696f6ece00000000a54f7264657232a5436f756e7400a4526f6f74c420"
    "015a670ddebc64c1b3628c19bdcddfb60ffdae8dbe3a18f5c38aac903808b303"
)
macs = st.binary(min_size=32, max_size=32)
keys = st.binary(max_size=300) | st.text("ab/", max_size=6).map(str.encode)


class Shelf:
    """Blobs in a dictionary, and how many were asked for."""

    def __init__(self, blobs: Iterable[TreeBlob] = ()) -> None:
        self.blobs = {(blob.type, blob.mac): blob.record for blob in blobs}
        self.reads = 0

    def put(self, resource_type: ResourceType, record: bytes) -> bytes:
        self.blobs[resource_type, mac_of(record)] = record
        return mac_of(record)

    def get_blob(self, resource_type: ResourceType, mac: bytes) -> bytes:
        self.reads += 1
        try:
            return self.blobs[resource_type, mac]
        except KeyError:
            raise BlobMissing(mac.hex()) from None

    def get_blobs(self, resource_type: ResourceType, macs: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
        for mac in macs:
            yield mac, self.get_blob(resource_type, mac)


def mac_of(record: bytes) -> bytes:
    return hashlib.sha256(record).digest()


def pairs_of(count: int, tree_type: TreeType = VFS_TREE) -> tuple[list[bytes], list[bytes]]:
    keys = sorted((b"/cal/%06d.ics" % number for number in range(count)), key=tree_type.order_of)
    return keys, [mac_of(key) for key in keys]


def planted(
    tree_type: TreeType, keys: list[bytes], values: list[bytes], order: int
) -> tuple[Shelf, Tree, list[TreeBlob]]:
    blobs = list(bulk_load(tree_type, keys, values, mac_of, order=order))
    shelf = Shelf(blobs)
    return shelf, Tree(shelf, tree_type, blobs[-1].mac), blobs


def test_empty_node_and_root_are_those_of_the_format() -> None:
    assert Node().to_bytes() == EMPTY_NODE
    assert Root(EMPTY_NODE_ID, order=50).to_bytes() == ROOT
    assert Node.from_bytes(EMPTY_NODE) == Node([], [], [])
    assert Root.from_bytes(ROOT) == Root(EMPTY_NODE_ID, order=50)


@given(st.lists(st.tuples(keys, macs), max_size=20), st.none() | macs)
def test_leaf_survives_the_round_trip(pairs: list[tuple[bytes, bytes]], next_leaf: bytes | None) -> None:
    leaf = Node([key for key, _ in pairs], [], [value for _, value in pairs], next_leaf)
    assert Node.from_bytes(leaf.to_bytes()) == leaf
    assert leaf.is_leaf


def test_keys_of_every_length_class_survive() -> None:
    leaf = Node([b"k" * length for length in (0, 31, 32, 255, 256, 65535, 65536)], [], [bytes(32)] * 7)
    assert Node.from_bytes(leaf.to_bytes()) == leaf


@pytest.mark.parametrize(
    "node",
    [
        Node([b"a"], [], []),
        Node([b"a"], [bytes(32)], []),
        Node([], [], [bytes(32)]),
        Node([b"a"], [bytes(32)] * 2, [bytes(32)]),
    ],
)
def test_node_whose_counts_disagree_is_refused(node: Node) -> None:
    with pytest.raises(Damaged):
        Node.from_bytes(node.to_bytes())


def test_macs_of_a_wrong_length_are_refused() -> None:
    with pytest.raises(Damaged):
        Node.from_bytes(
            Node([b"a"], [], [bytes(32)]).to_bytes().replace(b"\xc4\x20" + bytes(32), b"\xc4\x1f" + bytes(31))
        )


@pytest.mark.parametrize("tree_type", [VFS_TREE, XATTR_TREE, ERROR_TREE, INDEX_TREE])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 9, 10, 63, 64, 65, 800])
def test_every_key_is_found_and_no_other(tree_type: TreeType, count: int) -> None:
    keys, values = pairs_of(count, tree_type)
    _, tree, blobs = planted(tree_type, keys, values, order=4)
    assert list(tree) == list(zip(keys, values, strict=True))
    assert [tree.find(key) for key in keys] == values
    assert tree.find(b"/cal") is None
    assert tree.find(b"/cal/000001") is None
    assert tree.find(b"/cal/z") is None
    assert {blob.type for blob in blobs[:-1]} == {tree_type.node}
    assert blobs[-1].type == tree_type.root


@given(st.sets(st.text("ab/é", max_size=6).map(str.encode), max_size=60), st.integers(4, 9), st.data())
def test_scan_gives_the_keys_from_any_place_on(found: set[bytes], order: int, data: st.DataObject) -> None:
    keys = sorted(found, key=paths.path_order)
    _, tree, _ = planted(VFS_TREE, keys, [mac_of(key) for key in keys], order)
    start = data.draw(st.sampled_from([*keys, b"/a", b""]))
    wanted = [key for key in keys if paths.path_order(key) >= paths.path_order(start)]
    assert [key for key, _ in tree.scan(start)] == wanted


@pytest.mark.parametrize("count", range(1, 90))
def test_nodes_are_never_too_full_nor_too_empty(count: int) -> None:
    keys, values = pairs_of(count)
    _, tree, _ = planted(VFS_TREE, keys, values, order=4)
    depths = set()
    for _, node, depth in tree.nodes():
        assert len(node.keys) <= 3
        assert len(node.keys) >= 1
        if node.is_leaf:
            depths.add(depth)
    assert len(depths) == 1


def test_leaves_are_chained_in_order_and_written_last_first() -> None:
    keys, values = pairs_of(20)
    shelf, tree, blobs = planted(VFS_TREE, keys, values, order=4)
    leaves = [blob for blob in blobs[:-1] if Node.from_bytes(blob.record).is_leaf]
    leaf, chained = Node.from_bytes(leaves[-1].record), list[bytes]()
    while True:
        chained += leaf.keys
        if leaf.next is None:
            break
        leaf = Node.from_bytes(shelf.get_blob(ResourceType.VFS_NODE, leaf.next))
    assert chained == keys
    assert list(tree)


@pytest.mark.parametrize("place", [0, 1, 250, 498, 499])
@pytest.mark.parametrize("change", ["insert", "remove", "replace"])
def test_one_change_rewrites_no_leaf_behind_its_own(place: int, change: str) -> None:
    keys, values = pairs_of(500)
    before = {blob.mac for blob in bulk_load(VFS_TREE, keys, values, mac_of, order=8)}
    if change == "insert":
        keys.insert(place, keys[place] + b"~")
        keys.sort()
        values.insert(place, mac_of(b"new"))
    elif change == "remove":
        del keys[place], values[place]
    else:
        values[place] = mac_of(b"new")
    rewritten = [blob for blob in bulk_load(VFS_TREE, keys, values, mac_of, order=8) if blob.mac not in before]
    leaves = [node for node in (Node.from_bytes(blob.record) for blob in rewritten[:-1]) if node.is_leaf]
    assert len(leaves) <= place // 7 + 2


def test_lookup_reads_one_node_a_level_and_inner_ones_once() -> None:
    keys, values = pairs_of(300)
    shelf, tree, _ = planted(VFS_TREE, keys, values, order=8)
    tree.find(keys[0])
    first = shelf.reads
    tree.find(keys[0])
    assert (first, shelf.reads - first) == (4, 1)


def test_scan_from_a_key_does_not_read_what_lies_before() -> None:
    keys, values = pairs_of(5000)
    shelf, tree, _ = planted(VFS_TREE, keys, values, order=8)
    assert next(tree.scan(keys[-1])) == (keys[-1], values[-1])
    assert shelf.reads < 20


def inner(shelf: Shelf, *children: bytes) -> bytes:
    """A node over these children, whose separators are made up."""
    separators = [b"/s%d" % number for number in range(1, len(children))]
    return shelf.put(ResourceType.VFS_NODE, Node(separators, children).to_bytes())


def rooted(shelf: Shelf, node: bytes) -> Tree:
    return Tree(shelf, VFS_TREE, shelf.put(ResourceType.VFS_BTREE, Root(node).to_bytes()))


def test_endless_depth_is_refused() -> None:
    shelf = Shelf()
    node = shelf.put(ResourceType.VFS_NODE, Node([b"/a"], [], [bytes(32)]).to_bytes())
    for _ in range(MAX_DEPTH + 1):
        node = inner(shelf, node, node)
    tree = rooted(shelf, node)
    with pytest.raises(Damaged, match="deeper"):
        tree.find(b"/a")
    with pytest.raises(Damaged, match="deeper"):
        list(tree)


def test_node_that_points_to_one_leaf_many_times_is_refused_at_once() -> None:
    shelf = Shelf()
    node = shelf.put(ResourceType.VFS_NODE, Node([b"/a"], [], [bytes(32)]).to_bytes())
    for _ in range(10):
        node = inner(shelf, *[node] * 100)
    with pytest.raises(Damaged, match="ascending"):
        list(rooted(shelf, node))


def test_empty_leaf_among_others_is_refused() -> None:
    shelf = Shelf()
    empty = shelf.put(ResourceType.VFS_NODE, Node().to_bytes())
    with pytest.raises(Damaged, match="empty leaf"):
        list(rooted(shelf, inner(shelf, empty, empty)))


@settings(max_examples=30)
@given(st.integers(0, len(ROOT) - 1), st.integers(1, 255))
def test_changed_root_is_refused_or_leads_nowhere(place: int, change: int) -> None:
    changed = bytearray(ROOT)
    changed[place] ^= change
    shelf = Shelf([TreeBlob(ResourceType.VFS_NODE, EMPTY_NODE_ID, EMPTY_NODE)])
    tree = Tree(shelf, VFS_TREE, shelf.put(ResourceType.VFS_BTREE, bytes(changed)))
    try:
        assert list(tree) == []
    except Damaged:
        return
