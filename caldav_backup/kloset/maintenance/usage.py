"""What of each packfile is needed.

Owns the sums. What follows from them is decided in `planning`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from caldav_backup.kloset.live_blobs import LiveBlobs
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.state import DeleteEntry, EntryType

Blob = tuple[int, bytes]
"""Type and MAC."""


class Use(NamedTuple):
    """Blobs of one packfile and their bytes as stored, padding left out."""

    live: int
    live_bytes: int
    dead_bytes: int


@dataclass(frozen=True, slots=True)
class Usage:
    """`uses` by packfile that a state names; `dangling` are locations in packfiles that none names."""

    uses: Mapping[bytes, Use]
    dangling: tuple[DeleteEntry, ...]

    def is_needed(self, packfile: bytes) -> bool:
        """Whether any live blob lies in it, whatever other copies of that there are."""
        use = self.uses.get(packfile)
        return use is not None and use.live > 0


def find_usage(repository: Repository, live: LiveBlobs) -> Usage:
    """Add up what is live and what is not, for all packfiles."""
    uses: dict[bytes, Use] = {}
    dangling: list[DeleteEntry] = []
    for packfile, rows in repository.index.each_packfile():
        if packfile not in repository.index.packfiles:
            dangling += [
                DeleteEntry(EntryType.LOCATION, kind, mac, packfile)
                for kind, mac in zip(rows.types.tolist(), rows.names(), strict=True)
            ]
            continue
        is_live = np.zeros(len(rows.types), np.bool_)
        for kind in np.unique(rows.types).tolist():
            of_kind = rows.types == kind
            is_live[of_kind] = live.contains_array(kind, rows.macs[of_kind])
        lengths = rows.lengths.astype(np.uint64)
        dead = ~is_live & (rows.types != ResourceType.RANDOM)
        uses[packfile] = Use(int(is_live.sum()), int(lengths[is_live].sum()), int(lengths[dead].sum()))
    return Usage(uses, tuple(dangling))


def live_in(repository: Repository, live: LiveBlobs, packfile: bytes) -> list[Blob]:
    """Type and MAC of every live blob that lies in a packfile."""
    names = repository.index.locations_in(packfile)
    by_kind: dict[int, list[bytes]] = {}
    for name in names:
        by_kind.setdefault(name[0], []).append(name[1:])
    return [
        (kind, mac)
        for kind, macs in by_kind.items()
        for mac, is_live in zip(macs, live.contains_many(kind, macs), strict=True)
        if is_live
    ]


def lost_blobs(repository: Repository, live: LiveBlobs, lost: Sequence[bytes]) -> Iterator[tuple[bytes, Blob]]:
    """Live blobs of packfiles that are gone from the storage, unless another packfile has them; with the packfile."""
    gone = set(lost)
    for packfile in lost:
        for kind, mac in live_in(repository, live, packfile):
            places = repository.index.find_locations(ResourceType(kind), mac)
            if all(place.packfile in gone for place in places):
                yield packfile, (kind, mac)
