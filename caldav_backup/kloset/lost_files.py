"""Which files of a directory the store cannot give back any more, by what its index knows.

Owns the look from entries to chunks without reading contents. It is for writers, who would otherwise take over what is
not there; how damage is found and told is the check's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.objects import Object
from caldav_backup.kloset.resources import ResourceType

if TYPE_CHECKING:
    from caldav_backup.kloset.dirpack import Frame
    from caldav_backup.kloset.entries import Entry
    from caldav_backup.kloset.repository import Repository
    from caldav_backup.kloset.snapshot import Snapshot

_BATCH = 512


def find_lost_files(snapshot: Snapshot, path: str) -> frozenset[str]:
    """Names of files in a directory of which something is not stored; nothing is looked at where nothing was ever lost.

    Damaged when the listing itself cannot be read. About 20 microseconds a file.
    """
    repository = snapshot.repository
    if not repository.index.has_lost_packfiles:
        return frozenset()
    frames = snapshot.directory_frames(path)
    lost: set[str] = set()
    while batch := list(islice(frames, _BATCH)):
        lost.update(_lost_among(repository, batch))
    return frozenset(lost)


def _lost_among(repository: Repository, frames: Sequence[Frame]) -> Iterator[str]:
    there = repository.index.contains_many(ResourceType.VFS_ENTRY, [frame.mac for frame in frames])
    entries = [frame.entry() for frame in frames]
    yield from (entry.name for entry, is_there in zip(entries, there, strict=True) if not is_there)
    files = [entry for entry in entries if entry.is_file and entry.has_object]
    there = repository.index.contains_many(ResourceType.OBJECT, [entry.object for entry in files])
    yield from (entry.name for entry, is_there in zip(files, there, strict=True) if not is_there)
    known = [entry for entry, is_there in zip(files, there, strict=True) if is_there]
    yield from _without_chunks(repository, known)


def _without_chunks(repository: Repository, files: Sequence[Entry]) -> Iterator[str]:
    objects = [(entry, _object(repository, entry.object)) for entry in files]
    macs = [chunk.mac for _, found in objects if found is not None for chunk in found.chunks]
    there = iter(repository.index.contains_many(ResourceType.CHUNK, macs))
    for entry, found in objects:
        if found is None or not all(list(islice(there, len(found.chunks)))):
            yield entry.name


def _object(repository: Repository, mac: bytes) -> Object | None:
    try:
        return Object.from_bytes(repository.get_blob(ResourceType.OBJECT, mac))
    except Damaged:
        return None
