"""What a store and its sources come to: snapshots, bytes as they were given, bytes that are kept.

Owns the sums. The quick ones are taken from headers and from the list of files, whatever the size of the store. The
deep ones need a look at every record once: what of the contents is the same, what one source alone keeps, what is dead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from caldav_backup.kloset.errors import StorageFileMissing
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.storage import Kind
from caldav_backup.marks import source_of

if TYPE_CHECKING:
    from caldav_backup.kloset.checking.findings import Step
    from caldav_backup.kloset.header import Header
    from caldav_backup.kloset.live_blobs import LiveBlobs
    from caldav_backup.kloset.repository import Repository

# Entries that are looked up and read together.
_BATCH = 4096

Progress = Callable[["Step"], None]


class DeepSums(NamedTuple):
    """Bytes of different contents, each counted once, and of what is stored for one source alone."""

    deduplicated: int
    unique: int


@dataclass(frozen=True, slots=True)
class SourceSums:
    """One source. `events` are those of its newest snapshot, `raw` the bytes of all events in all its snapshots."""

    source: str
    snapshots: int
    events: int
    raw: int
    deep: DeepSums | None = None


class StoredBlobs(NamedTuple):
    """Bytes of blobs as they are stored: those that the snapshots need, and those that nobody needs any more."""

    live: int
    dead: int


@dataclass(frozen=True, slots=True)
class StoreSums:
    """A whole store. Bytes of files as they lie in the storage; `deduplicated` and `blobs` by a deep look only."""

    packfiles: int
    packfile_bytes: int
    states: int
    state_bytes: int
    deduplicated: int | None = None
    blobs: StoredBlobs | None = None

    @property
    def stored(self) -> int:
        return self.packfile_bytes + self.state_bytes


def sum_up_store(repository: Repository) -> StoreSums:
    """How many files a store has, and how large they are."""
    packfiles = _sizes(repository, Kind.PACKFILE)
    states = _sizes(repository, Kind.STATE)
    return StoreSums(len(packfiles), sum(packfiles), len(states), sum(states))


def _sizes(repository: Repository, kind: Kind) -> list[int]:
    found = []
    for identifier in repository.storage.ids(kind):
        try:
            found.append(repository.storage.size(kind, identifier))
        except StorageFileMissing:
            # A maintenance was quicker.
            continue
    return found


def sum_up_sources(headers: Iterable[Header]) -> list[SourceSums]:
    """What headers tell of each source; the sources by their names."""
    return [_sum_up(source, of_source) for source, of_source in _by_source(headers).items()]


def _sum_up(source: str, headers: Sequence[Header], deep: DeepSums | None = None) -> SourceSums:
    newest = max(headers, key=lambda header: (header.timestamp_ns, header.identifier)).summary
    raw = sum(header.summary.directory.size + header.summary.below.size for header in headers)
    return SourceSums(source, len(headers), newest.directory.files + newest.below.files, raw, deep)


def _by_source(headers: Iterable[Header]) -> dict[str, list[Header]]:
    found: dict[str, list[Header]] = {}
    for header in headers:
        found.setdefault(source_of(header), []).append(header)
    return dict(sorted(found.items()))


def sum_up_deeply(
    repository: Repository, headers: Sequence[Header], progress: Progress
) -> tuple[StoreSums, list[SourceSums]]:
    """All sums of a store with these snapshots, which are all that it has. Damaged where a record cannot be read."""
    from caldav_backup.kloset.liveness import find_live_blobs

    by_source = _by_source(headers)
    live = {source: find_live_blobs(repository, of_source, progress) for source, of_source in by_source.items()}
    blobs, alone = _stored(repository, list(live.values()))
    counted: set[bytes] = set()
    sums = []
    total = 0
    for (source, of_source), unique in zip(by_source.items(), alone, strict=True):
        own: dict[bytes, int] = dict(_contents(repository, live[source]))
        total += sum(size for content, size in own.items() if content not in counted)
        counted |= own.keys()
        sums.append(_sum_up(source, of_source, DeepSums(sum(own.values()), unique)))
    quick = sum_up_store(repository)
    deep = StoreSums(quick.packfiles, quick.packfile_bytes, quick.states, quick.state_bytes, total, blobs)
    return deep, sums


def _stored(repository: Repository, live: Sequence[LiveBlobs]) -> tuple[StoredBlobs, list[int]]:
    """Bytes of blobs that anybody needs and that nobody needs; and for each source, of those that it alone needs."""
    import numpy as np

    needed = dead = 0
    alone = [0] * len(live)
    for packfile, rows in repository.index.each_packfile():
        if packfile not in repository.index.packfiles:
            continue
        users = np.zeros((len(live), len(rows.types)), np.bool_)
        for kind in np.unique(rows.types).tolist():
            of_kind = rows.types == kind
            for number, blobs in enumerate(live):
                users[number, of_kind] = blobs.contains_array(kind, rows.macs[of_kind])
        lengths = rows.lengths.astype(np.uint64)
        count = users.sum(axis=0)
        needed += int(lengths[count > 0].sum())
        dead += int(lengths[(count == 0) & (rows.types != ResourceType.RANDOM)].sum())
        for number, used in enumerate(users):
            alone[number] += int(lengths[used & (count == 1)].sum())
    return StoredBlobs(needed, dead), alone


def _contents(repository: Repository, live: LiveBlobs) -> Iterator[tuple[bytes, int]]:
    """The objects of all files among these blobs with their sizes, perhaps some twice."""
    from caldav_backup.kloset.entries import Entry

    macs = (mac for kind, mac in live if kind == ResourceType.VFS_ENTRY)
    while batch := list(islice(macs, _BATCH)):
        for _, record in repository.get_blobs(ResourceType.VFS_ENTRY, _as_they_lie(repository, batch)):
            entry = Entry.from_bytes(record)
            if entry.has_object:
                yield entry.object, entry.size


def _as_they_lie(repository: Repository, macs: Sequence[bytes]) -> list[bytes]:
    """Neighbours in the storage one after the other, so that they are read together."""
    places = repository.index.find_locations_of(ResourceType.VFS_ENTRY, macs)
    first = [(found[0].packfile, found[0].offset) if found else (b"", 0) for found in places]
    return [macs[number] for number in sorted(range(len(macs)), key=first.__getitem__)]
