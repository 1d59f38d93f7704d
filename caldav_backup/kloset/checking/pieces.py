"""Leaves of the file tree, cut where one directory ends and the next begins.

Owns the cutting, which looks at the ends of a leaf only, so that thousands of snapshots that differ in one file are
compared quickly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from caldav_backup.kloset.btree import Node


class Piece(NamedTuple):
    """Neighbours in a leaf that lie in one directory: their keys and values."""

    keys: Sequence[bytes]
    values: Sequence[bytes]


def split_leaves(leaves: Iterable[Node]) -> Iterator[tuple[bytes | None, Piece]]:
    """Pieces with the keys of their directories, in the order of the tree; the root lies in None.

    Where keys do not ascend, which the check of the tree tells, a piece may hold more than one directory.
    """
    for leaf in leaves:
        start = 0
        while start < len(leaf.keys):
            directory = _directory_of(leaf.keys[start])
            end = _end_of(leaf.keys, start, directory)
            yield directory, Piece(leaf.keys[start:end], leaf.values[start:end])
            start = end


def _end_of(keys: Sequence[bytes], start: int, directory: bytes | None) -> int:
    """Where the children of a directory end that begin at `start`; they are neighbours in the tree."""
    if _directory_of(keys[-1]) == directory:
        return len(keys)
    return next(number for number in range(start + 1, len(keys)) if _directory_of(keys[number]) != directory)


def _directory_of(key: bytes) -> bytes | None:
    return None if key == b"/" else key.rpartition(b"/")[0] or b"/"
