"""What the copying of one snapshot leaves for the next one of the same source: ids in both stores.

Owns the memory between two snapshots, some 200 bytes for each file of the last one. Nightly snapshots differ in a few
events, and nothing that is known is read, hashed or stored again. Reads and writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from caldav_backup.kloset.header import Source
from caldav_backup.kloset.resources import MAC_SIZE

Trees = tuple[bytes, bytes, bytes, object, object]
"""All that says what a source of a snapshot holds: equal ones hold the same."""


class Objects:
    """Objects of the source with those of the destination, and the few that have another number of chunks there."""

    __slots__ = ("chunks", "ids")

    def __init__(self) -> None:
        self.ids: dict[bytes, bytes] = {}
        self.chunks: dict[bytes, tuple[int, int]] = {}
        """By object of the source: the number of chunks there, and that in the destination, where they differ."""

    def add(self, source: bytes, destination: bytes, chunks: tuple[int, int]) -> None:
        self.ids[source] = destination
        if chunks[0] != chunks[1]:
            self.chunks[source] = chunks


class DirectoryCopy(NamedTuple):
    """One directory in both stores.

    `source` and `object` are the ids of its listing; the former is empty where the copy lacks something. `names` are
    the children's, ascending and NUL between them, `macs` their entries' in the destination, `directories` the names
    of those that are directories. `chunks` is by how many more its files are cut there.
    """

    source: bytes
    object: bytes
    names: bytes
    macs: bytes
    directories: tuple[bytes, ...]
    objects: Objects | None
    chunks: int = 0

    def children(self, path: bytes) -> tuple[list[bytes], list[bytes]]:
        """Tree keys and entry ids in the destination, ascending."""
        if not self.macs:
            return [], []
        prefix = path.removesuffix(b"/") + b"/"
        macs = self.macs
        return (
            [prefix + name for name in self.names.split(b"\0")],
            [macs[start : start + MAC_SIZE] for start in range(0, len(macs), MAC_SIZE)],
        )


@dataclass(slots=True)
class Known:
    """What is known after a snapshot was copied, or found in both stores. Nothing, to begin with."""

    directories: dict[bytes, DirectoryCopy] = field(default_factory=dict)
    attributes: Mapping[bytes, bytes] = field(default_factory=dict)
    """Ids of attributes' entries in the source with those in the destination."""
    sources: Mapping[Trees, Source] = field(default_factory=dict)


def trees_of(source: Source) -> Trees:
    return source.root, source.xattrs, source.errors, source.indexes, source.summary
