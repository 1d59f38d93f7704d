"""Checks trees: every node is there, keys ascend and keep to their borders, leaves are one depth and one chain.

Owns what can be wrong with a tree as such; what its values mean is checked elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import lt
from typing import Any

from caldav_backup.kloset.btree import MAX_DEPTH, Node, Root, TreeType
from caldav_backup.kloset.checking.findings import Findings
from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.repository import Repository


class TreeCheck:
    """One tree, named `what`. Goes on behind a node that cannot be read, so that all damage is told."""

    def __init__(self, repository: Repository, tree_type: TreeType, findings: Findings, where: str, what: str) -> None:
        self._repository = repository
        self._type = tree_type
        self._findings = findings
        self._where = where
        self._what = what
        self._order = 0
        self._leaf_depth: int | None = None
        # The id that the last leaf names as the next one; unknown behind a node that could not be read.
        self._announced: bytes | None = None
        self._chained = False
        self._met: set[bytes] = set()
        self.is_whole = True
        """Whether every node could be read."""

    def _damage(self, message: object) -> None:
        self._findings.damage(self._what, self._where, message)

    def pairs(self, root_id: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Keys and values of everything that can be read, ascending."""
        for leaf in self.leaves(root_id):
            yield from zip(leaf.keys, leaf.values, strict=True)

    def leaves(self, root_id: bytes) -> Iterator[Node]:
        """The leaves that can be read, in their order."""
        try:
            root = Root.from_bytes(self._repository.get_blob(self._type.root, root_id))
        except Damaged as exc:
            self._lose(exc)
            return
        self._order = root.order
        yield from self._below(root.node, 0, None, None)
        if self._chained and self._announced is not None:
            self._damage("its last leaf names another one behind it")

    def _lose(self, exc: Damaged) -> None:
        self.is_whole = False
        self._chained = False
        self._damage(exc)

    def _below(self, mac: bytes, depth: int, low: Any, high: Any) -> Iterator[Node]:
        """Leaves at or below a node, whose places in the order are from `low` up to but not including `high`."""
        try:
            if depth > MAX_DEPTH:
                raise Damaged("it is deeper than any tree can be")
            if mac in self._met:
                # Nodes that share what is below them could hold more keys than any computer.
                raise Damaged(f"its node {mac.hex()} stands in two places")
            self._met.add(mac)
            node = Node.from_bytes(self._repository.get_blob(self._type.node, mac))
        except Damaged as exc:
            self._lose(exc)
            return
        places = [self._type.order_of(key) for key in node.keys]
        self._check_keys(places, low, high, depth)
        if node.is_leaf:
            self._check_leaf(node, mac, depth)
            yield node
            return
        borders = [low, *places, high]
        for number, child in enumerate(node.pointers):
            yield from self._below(child, depth + 1, borders[number], borders[number + 1])

    def _check_keys(self, places: Sequence[Any], low: Any, high: Any, depth: int) -> None:
        if not all(map(lt, places, places[1:])):
            self._damage("keys of a node do not ascend")
        elif places and ((low is not None and places[0] < low) or (high is not None and not places[-1] < high)):
            self._damage("keys of a node lie beyond its borders, so they are not found")
        if not places and depth:
            self._damage("a node is empty, and another program may fail on it")
        if len(places) >= max(self._order, 3):
            self._damage(f"a node has {len(places)} keys in a tree of order {self._order}")

    def _check_leaf(self, leaf: Node, mac: bytes, depth: int) -> None:
        if self._leaf_depth is None:
            self._leaf_depth = depth
        elif self._leaf_depth != depth:
            self._damage("its leaves are not all at one depth")
        if self._chained and self._announced != mac:
            self._damage("its leaves are not chained in order, so another program does not list everything")
        self._announced, self._chained = leaf.next, True
