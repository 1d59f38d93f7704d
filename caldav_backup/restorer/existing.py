"""What a calendar of the destination holds already, by UID, small enough to keep for 100,000 records.

Owns the one listing and the fetching in batches that tell it; decides nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from caldav_backup import ics
from caldav_backup.connectors import naming
from caldav_backup.connectors.base import Collection, Record, Resource, Version
from caldav_backup.connectors.destination import Destination

#: Records of one request, and requests under way at once; the destination's own limit may be lower.
BATCH = 100
AT_ONCE = 3
#: Bytes of one request, as far as they are known beforehand.
BATCH_BYTES = 16 * 1024 * 1024


class There(NamedTuple):
    """One record: its meaning, and its version; None for a record that this restore is going to write."""

    meaning: ics.Meaning
    version: Version | None


class Existing:
    """The records of one calendar by UID (by name where they have none), and all names that are taken."""

    def __init__(self) -> None:
        self._by_uid: dict[str, tuple[There, ...]] = {}
        self._taken: set[str] = set()

    def add(self, uid: str | None, leaf: str, there: There | None) -> None:
        """One more record; None for `there` takes the name only (its content could not be read)."""
        self._taken.add(naming.fold(leaf))
        if there is not None:
            key = _key(uid, leaf)
            self._by_uid[key] = (*self._by_uid.get(key, ()), there)

    def find(self, uid: str | None, leaf: str) -> Sequence[There]:
        """The records of that UID; of that name for a record without one."""
        return self._by_uid.get(_key(uid, leaf), ())

    def is_taken(self, leaf: str) -> bool:
        """True when a record of that name is there, letter case apart."""
        return naming.fold(leaf) in self._taken


async def read_existing(destination: Destination, collection: Collection) -> Existing:
    """Everything that `collection` holds; raises `CollectionUnreadable` when it cannot be listed."""
    existing = Existing()
    versions = await destination.list_versions(collection)
    async for record in fetch_all(destination, collection, versions):
        if isinstance(record, Resource):
            there = There(ics.meaning_of(record.content), record.version)
            existing.add(ics.uid(record.content), record.version.leaf, there)
        else:
            existing.add(None, record.version.leaf, None)
    return existing


async def fetch_all(
    destination: Destination, collection: Collection, versions: Sequence[Version]
) -> AsyncIterator[Record]:
    """The records of all `versions`, in order, some batches at once and never more in memory."""
    batches = _batches(versions)
    while window := list(islice(batches, AT_ONCE)):
        for records in await asyncio.gather(*(destination.fetch(collection, batch) for batch in window)):
            for record in records:
                yield record


def _batches(versions: Sequence[Version]) -> Iterator[Sequence[Version]]:
    """Versions of one request each: at most `BATCH`, and `BATCH_BYTES` unless one alone is larger."""
    start = size = 0
    for position, version in enumerate(versions):
        length = max(0, version.length)
        if position - start == BATCH or (position > start and size + length > BATCH_BYTES):
            yield versions[start:position]
            start, size = position, 0
        size += length
    if start < len(versions):
        yield versions[start:]


def _key(uid: str | None, leaf: str) -> str:
    return uid or f"\0{leaf}"
