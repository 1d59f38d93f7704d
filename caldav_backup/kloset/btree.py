"""Trees of sorted keys: their node and root records, how one is written from sorted pairs, and how one is read.

Owns the shape of nodes (`docs/design/format.md`, "Trees"). Keys are bytes, values 32-byte ids. Where nodes are kept
is the business of whatever gives `Blobs`; what the values mean is the business of the caller.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import lt
from typing import Any, NamedTuple, Protocol

from caldav_backup.kloset import paths, records
from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.fields import read_fields
from caldav_backup.kloset.resources import ZERO_MAC, ResourceType

DEFAULT_ORDER = 200
# plakar writes 50 keys a node and this program 200; 2^32 nodes would be reached at a depth of 7 even with 25 keys a
# node.
MAX_DEPTH = 32
# Nodes read at once in a scan: enough for one ranged read, few enough to keep in memory.
_READ_AHEAD = 16
_INNER_NODES = 64


class Blobs(Protocol):
    """Where nodes come from: a repository, or a dictionary in a test."""

    def get_blob(self, resource_type: ResourceType, mac: bytes) -> bytes: ...

    def get_blobs(self, resource_type: ResourceType, macs: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]: ...


class TreeType(NamedTuple):
    """The resource types of a tree's blobs, and the order of its keys."""

    root: ResourceType
    node: ResourceType
    order_of: Callable[[bytes], Any]


def _by_bytes(key: bytes) -> bytes:
    return key


VFS_TREE = TreeType(ResourceType.VFS_BTREE, ResourceType.VFS_NODE, paths.path_order)
XATTR_TREE = TreeType(ResourceType.XATTR_BTREE, ResourceType.XATTR_NODE, paths.path_order)
ERROR_TREE = TreeType(ResourceType.ERROR_BTREE, ResourceType.ERROR_NODE, _by_bytes)
INDEX_TREE = TreeType(ResourceType.BTREE_ROOT, ResourceType.BTREE_NODE, _by_bytes)


class Root(NamedTuple):
    """The record that stands for a tree: the id of its root node."""

    node: bytes
    order: int = DEFAULT_ORDER
    total: int = 0
    version: int = 0

    def to_bytes(self) -> bytes:
        return b"".join(
            (
                records.map_header(4),
                records.string("Version"),
                records.uint32(self.version),
                records.string("Order"),
                records.shortest_int(self.order),
                records.string("Count"),
                records.shortest_int(self.total),
                records.string("Root"),
                records.binary(self.node),
            )
        )

    @classmethod
    def from_bytes(cls, encoded: bytes) -> Root:
        fields = read_fields(encoded, "a tree's root record")
        return cls(fields.mac("Root"), fields.unsigned("Order"), fields.unsigned("Count"), fields.unsigned("Version"))


class Node(NamedTuple):
    """A leaf has values and perhaps a next leaf, an inner node one pointer more than keys."""

    keys: Sequence[bytes] = ()
    pointers: Sequence[bytes] = ()
    values: Sequence[bytes] = ()
    next: bytes | None = None
    version: int = 0

    @property
    def is_leaf(self) -> bool:
        return not self.pointers

    def to_bytes(self) -> bytes:
        return b"".join(
            (
                _FOUR_FIELDS if self.next is None else _FIVE_FIELDS,
                records.uint32(self.version),
                _KEYS,
                _encode_keys(self.keys),
                _POINTERS,
                _encode_macs(self.pointers),
                _VALUES,
                _encode_macs(self.values),
                b"" if self.next is None else _NEXT + self.next,
            )
        )

    @classmethod
    def from_bytes(cls, encoded: bytes) -> Node:
        """Damaged unless the counts of keys, pointers and values agree."""
        fields = read_fields(encoded, "a tree node")
        node = cls(
            [paths.to_key(key) for key in fields.texts("keys")],
            fields.macs("pointers"),
            fields.macs("values"),
            fields.mac("next") if fields.has("next") else None,
            fields.unsigned("version"),
        )
        shape = (len(node.pointers), len(node.values))
        if shape not in {(0, len(node.keys)), (len(node.keys) + 1, 0)}:
            raise Damaged("a tree node's keys and values differ in number; the store is damaged there")
        return node


class TreeBlob(NamedTuple):
    """One record of a new tree, ready to be stored."""

    type: ResourceType
    mac: bytes
    record: bytes


def bulk_load(
    tree_type: TreeType,
    keys: Sequence[bytes],
    values: Sequence[bytes],
    mac_of: Callable[[bytes], bytes],
    *,
    order: int = DEFAULT_ORDER,
) -> Iterator[TreeBlob]:
    """The records of a tree over `keys`, which ascend in the tree's order; the last one is the root record.

    Each leaf names the next one by its id, so whatever changes in one leaf changes all leaves before it, and none
    behind. Hence leaves are filled from the last key on: an insertion or removal moves borders in those leaves only
    that change anyway, and everything behind stays the same bytes. plakar's iterator cannot take an empty leaf in a
    tree of several (`btree/iter.go`), and none is written.
    """
    level: list[tuple[bytes, bytes]] = []
    next_leaf: bytes | None = None
    for start, end in _spans_from_the_end(len(keys), order - 1):
        record = Node(keys[start:end], (), values[start:end], next_leaf).to_bytes()
        next_leaf = mac_of(record)
        yield TreeBlob(tree_type.node, next_leaf, record)
        level.append((keys[start] if keys else b"", next_leaf))
    while len(level) > 1:
        level.reverse()
        parents: list[tuple[bytes, bytes]] = []
        for start, end in _spans_from_the_end(len(level), order):
            children = level[start:end]
            record = Node([key for key, _ in children[1:]], [mac for _, mac in children]).to_bytes()
            parents.append((children[0][0], mac_of(record)))
            yield TreeBlob(tree_type.node, parents[-1][1], record)
        level = parents
    record = Root(level[0][1], order).to_bytes()
    yield TreeBlob(tree_type.root, mac_of(record), record)


def _spans_from_the_end(count: int, most: int) -> Iterator[tuple[int, int]]:
    """Spans of `most` things each, the last one first, the first one with what remains: one empty span for nothing."""
    end = count
    while end > most:
        # An inner node needs two children, so a single one left over takes a neighbour along.
        start = end - most if end != most + 1 else end - most + 1
        yield start, end
        end = start
    yield 0, end


def _encode_keys(keys: Sequence[bytes]) -> bytes:
    if not keys:
        return records.NIL
    heads = _STRING_HEADS
    encoded = [heads[len(key)] + key if len(key) < 256 else _long_head(key) + key for key in keys]
    return records.array_header(len(keys)) + b"".join(encoded)


def _encode_macs(macs: Sequence[bytes]) -> bytes:
    if not macs:
        return records.NIL
    return records.array_header(len(macs)) + _MAC_HEAD + _MAC_HEAD.join(macs)


def _long_head(key: bytes) -> bytes:
    return records.string(paths.from_key(key))[: -len(key)]


class Tree:
    """A stored tree, read on demand. Everything that comes from a node is checked against the borders above it."""

    def __init__(self, blobs: Blobs, tree_type: TreeType, root: bytes) -> None:
        self._blobs = blobs
        self._type = tree_type
        self._root_id = root
        self._root: Root | None = None
        # Inner nodes are few, and every look-up needs the same ones.
        self._inner: dict[bytes, Node] = {}

    @property
    def root(self) -> Root:
        if self._root is None:
            self._root = Root.from_bytes(self._blobs.get_blob(self._type.root, self._root_id))
        return self._root

    def find(self, key: bytes) -> bytes | None:
        """Value of `key`, or None. Reads one node a level."""
        order_of, wanted = self._type.order_of, self._type.order_of(key)
        mac = self.root.node
        for _ in range(MAX_DEPTH):
            node = self._inner.get(mac) or Node.from_bytes(self._blobs.get_blob(self._type.node, mac))
            if node.is_leaf:
                place = bisect_left(node.keys, wanted, key=order_of)
                return node.values[place] if place < len(node.keys) and node.keys[place] == key else None
            if len(self._inner) < _INNER_NODES:
                self._inner[mac] = node
            mac = node.pointers[bisect_right(node.keys, wanted, key=order_of)]
        raise Damaged("a tree is deeper than any tree can be; the store is damaged there")

    def scan(self, start: bytes | None = None) -> Iterator[tuple[bytes, bytes]]:
        """Pairs in ascending order from the first key not below `start` on; neighbouring leaves are read together."""
        first = None if start is None else self._type.order_of(start)
        for node in self._leaves(first):
            place = 0 if first is None else bisect_left(node.keys, first, key=self._type.order_of)
            yield from zip(node.keys[place:], node.values[place:], strict=True)

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        return self.scan()

    def _leaves(self, first: Any) -> Iterator[Node]:
        """Leaves in order, without those that end below `first`."""
        order_of = self._type.order_of
        last: Any = None
        for _, node, depth in self.nodes(first):
            if not node.is_leaf:
                continue
            if depth and not node.keys:
                raise Damaged("a tree has an empty leaf among others; the store is damaged there")
            places = list(map(order_of, node.keys))
            if last is not None:
                places.insert(0, last)
            if not all(map(lt, places, places[1:])):
                raise Damaged("a tree's keys are not in ascending order; the store is damaged there")
            last = places[-1] if places else None
            yield node

    def nodes(self, first: Any = None) -> Iterator[tuple[bytes, Node, int]]:
        """Every node with its id and depth, parents before children, leaves in order.

        With `first`, a place in the tree's order, the subtrees that end below it are left out.
        """
        pending: list[tuple[int, Iterator[tuple[bytes, bytes]]]] = [(0, self._read([self.root.node]))]
        while pending:
            depth, siblings = pending[-1]
            found = next(siblings, None)
            if found is None:
                pending.pop()
                continue
            mac, record = found
            node = Node.from_bytes(record)
            yield mac, node, depth
            if node.is_leaf:
                continue
            if depth == MAX_DEPTH:
                raise Damaged("a tree is deeper than any tree can be; the store is damaged there")
            skipped = 0 if first is None else bisect_right(node.keys, first, key=self._type.order_of)
            pending.append((depth + 1, self._read(node.pointers[skipped:])))

    def _read(self, macs: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
        for start in range(0, len(macs), _READ_AHEAD):
            yield from self._blobs.get_blobs(self._type.node, macs[start : start + _READ_AHEAD])


_VERSION = records.string("version")
_FOUR_FIELDS = records.map_header(4) + _VERSION
_FIVE_FIELDS = records.map_header(5) + _VERSION
_KEYS = records.string("keys")
_POINTERS = records.string("pointers")
_VALUES = records.string("values")
_MAC_HEAD = records.binary(ZERO_MAC)[: -len(ZERO_MAC)]
_NEXT = records.string("next") + _MAC_HEAD
_STRING_HEADS = [records.string("x" * length)[: 1 if length < 32 else 2] for length in range(256)]
