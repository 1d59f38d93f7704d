"""Packfiles that no state names: what they say of themselves, and which snapshots they hold.

Owns the difference between what an interrupted run left behind and what a lost state leaves: the header of a snapshot,
which is stored last. Changes nothing; how a snapshot comes back is told in `repairing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from caldav_backup.kloset import envelope, packfile
from caldav_backup.kloset.errors import Damaged, UnsupportedStore
from caldav_backup.kloset.header import Header, read_header
from caldav_backup.kloset.packfile import Contents
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.storage import Kind


class Orphan(NamedTuple):
    """One packfile that no state names; `contents` is None, and `error` says why, when its index cannot be read."""

    identifier: bytes
    contents: Contents | None
    headers: tuple[Header, ...] = ()
    error: str = ""


def read_packfile_contents(repository: Repository, identifier: bytes) -> Contents:
    """Footer and index of a packfile. Damaged, UnsupportedStore, StorageFileMissing."""
    storage = repository.storage
    read_range = partial(storage.read_range, Kind.PACKFILE, identifier)
    name = f"the packfile {identifier.hex()}"
    envelope.read_header(ResourceType.PACKFILE, read_range(0, envelope.HEADER_SIZE), name)
    size = storage.size(Kind.PACKFILE, identifier)
    return packfile.read_contents(size, read_range, repository.codec, repository.keyed, name)


def read_orphan(repository: Repository, identifier: bytes) -> Orphan:
    """What a packfile says of itself. StorageFileMissing when it is gone meanwhile."""
    try:
        contents = read_packfile_contents(repository, identifier)
    except (Damaged, UnsupportedStore) as exc:
        return Orphan(identifier, None, error=str(exc))
    return Orphan(identifier, contents, tuple(_headers(repository, identifier, contents)))


def _headers(repository: Repository, identifier: bytes, contents: Contents) -> Iterator[Header]:
    """Headers of the snapshots in a packfile, as far as they can be read and were not removed."""
    for record in contents.records:
        if record.resource_type != ResourceType.SNAPSHOT or repository.index.is_coloured(
            ResourceType.SNAPSHOT, record.mac
        ):
            continue
        try:
            start = envelope.HEADER_SIZE + record.offset
            encoded = repository.storage.read_range(Kind.PACKFILE, identifier, start, record.length)
            yield read_header(repository.blobs.open(ResourceType.SNAPSHOT, record.mac, encoded), record.mac)
        except Damaged:
            # What cannot be read is no snapshot that could come back.
            continue


def lost_snapshots(repository: Repository, headers: Iterable[Header]) -> list[Header]:
    """Those that the store does not list, nor under another id: a re-issue that was interrupted leaves a twin."""
    found = {header.identifier: header for header in headers}
    if not found:
        return []
    known = repository.index.snapshot_ids()
    there: set[object] = set()
    for identifier in known:
        try:
            there.add(_content(repository.header(identifier)))
        except Damaged:
            # It is told where the snapshots are checked.
            continue
    listed = set(known)
    return [each for each in found.values() if each.identifier not in listed and _content(each) not in there]


def _content(header: Header) -> tuple[object, ...]:
    """What is the same in a snapshot that was issued again under another id."""
    return (header.timestamp_ns, header.root, header.xattrs, header.errors, header.indexes)


def describe(header: Header) -> str:
    """`1a2b3c4d (home, 2026-05-01 12:00 UTC)`, for messages."""
    try:
        time = f"{datetime.fromtimestamp(header.timestamp_ns // 1_000_000_000, UTC):%Y-%m-%d %H:%M} UTC"
    except (ValueError, OverflowError, OSError):
        time = "of an impossible time"
    return f"{header.identifier.hex()[:8]} ({header.job or header.importer.origin}, {time})"
