"""Whether what is needed of coloured packfiles can be read elsewhere.

Owns the look at the copies: every byte of them is read and verified, for whoever asks is about to delete the packfiles
that are known to be used. What is read lies mostly in the order of reading, and few reads fetch it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt

from caldav_backup.kloset.columns import Rows
from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.live_blobs import LiveBlobs
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import MAC_SIZE, ResourceType
from caldav_backup.kloset.state import Location

_BATCH = 4096
_Macs = npt.NDArray[np.bytes_]


def find_dispensable(repository: Repository, live: LiveBlobs, packfiles: Collection[bytes]) -> set[bytes]:
    """Those of `packfiles`, which are coloured, of which each live blob has a good copy in one that is not.

    Memory grows with the number of live blobs in them, about 70 bytes each.
    """
    wanted = set(packfiles)
    needed = {
        packfile: _live_macs(live, rows) for packfile, rows in repository.index.each_packfile() if packfile in wanted
    }
    good = LiveBlobs()
    tried = LiveBlobs()
    for kind in sorted({kind for macs in needed.values() for kind in macs}):
        # Whatever moved these blobs went through the packfiles in the order in which they were made.
        new = _untried(tried, kind, [macs[kind] for _, macs in _oldest_first(repository, needed) if kind in macs])
        while batch := list(islice(new, _BATCH)):
            good.add(kind, _readable(repository, ResourceType(kind), batch))
    return {
        packfile
        for packfile in wanted
        if all(bool(good.contains_array(kind, macs).all()) for kind, macs in needed.get(packfile, {}).items())
    }


def _live_macs(live: LiveBlobs, rows: Rows) -> dict[int, _Macs]:
    by_kind = {int(kind): rows.macs[rows.types == kind] for kind in np.unique(rows.types)}
    return {kind: found for kind, macs in by_kind.items() if len(found := macs[live.contains_array(kind, macs)])}


def _oldest_first(
    repository: Repository, needed: Mapping[bytes, dict[int, _Macs]]
) -> list[tuple[bytes, dict[int, _Macs]]]:
    named = repository.index.packfiles
    return sorted(needed.items(), key=lambda each: (named[each[0]].timestamp_ns if each[0] in named else 0, each[0]))


def _untried(tried: LiveBlobs, kind: int, arrays: Sequence[_Macs]) -> Iterator[bytes]:
    for array in arrays:
        macs = array.tobytes()
        yield from tried.add(kind, [macs[start : start + MAC_SIZE] for start in range(0, len(macs), MAC_SIZE)])


def _readable(repository: Repository, kind: ResourceType, macs: Sequence[bytes]) -> list[bytes]:
    """Those of `macs` that can be read from a packfile that counts and is not coloured."""
    index = repository.index
    places = {
        mac: [place for place in found if index.is_usable(place.packfile)]
        for mac, found in zip(macs, index.find_locations_of(kind, macs), strict=True)
    }
    good = _good_of(repository, kind, {found[0]: mac for mac, found in places.items() if found})
    missed = places.keys() - set(good)
    return [*good, *(mac for mac in missed if any(_good_of(repository, kind, {at: mac}) for at in places[mac]))]


def _good_of(repository: Repository, kind: ResourceType, wanted: Mapping[Location, bytes]) -> list[bytes]:
    """Those that are what was stored, by where each is said to lie."""
    return [
        wanted[place]
        for place, encoded in repository.blobs.read_neighbours(wanted)
        if not isinstance(encoded, Damaged) and _is_good(repository, kind, wanted[place], encoded)
    ]


def _is_good(repository: Repository, kind: ResourceType, mac: bytes, encoded: memoryview) -> bool:
    try:
        repository.blobs.open(kind, mac, encoded)
    except Damaged:
        return False
    return True
