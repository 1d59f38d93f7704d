"""What a source has at this moment, told as snapshots would name it: what vanished is the difference.

Owns the listing of every calendar, and the look for UIDs in what is newer than the last backup: an event that moved to
another place has not vanished. Asks, and changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from caldav_backup import ics
from caldav_backup.connectors import naming
from caldav_backup.connectors.base import Collection, CollectionUnreadable, Resource, Source, Version
from caldav_backup.connectors.caldav import CalDavSource
from caldav_backup.kloset.paths import to_key

T = TypeVar("T")
R = TypeVar("R")

#: Records of one request, and requests at once.
BATCH = 100
AT_ONCE = 3


@dataclass(frozen=True, slots=True)
class Present:
    """Names of records by the key of their calendar.

    `is_complete`: a calendar that is not mentioned here is gone. `unread` maps keys of calendars that cannot be listed
    to the reasons, `left_out` are keys of what no backup reads: of these, and of all if nothing is complete, the newest
    snapshot is the measure. `is_of_one`: only what is in the calendars mentioned is asked about.
    """

    names: Mapping[str, frozenset[bytes]] = field(default_factory=dict)
    is_complete: bool = False
    unread: Mapping[str, str] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()
    is_of_one: bool = False

    def concerns(self, key: str) -> bool:
        """False for a calendar that is not asked about."""
        return not self.is_of_one or key in self.names or key in self.unread

    def names_of(self, key: str) -> frozenset[bytes] | None:
        """The calendar's names, none of one that is gone; None when that is not known."""
        found = self.names.get(key)
        if found is None and self.is_complete and key not in self.unread and key not in self.left_out:
            return frozenset()
        return found


#: Nothing is known but what the newest snapshot says.
AS_OF_THE_LAST_BACKUP = Present()


class Look:
    """One look at `source`."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._listed: list[tuple[Collection, Sequence[Version]]] = []

    async def present(self) -> Present:
        """One listing for each calendar. Raises what the source raises when it cannot be asked at all."""
        catalogue = await self._source.catalogue()
        listings = await _some_at_once(self._list, catalogue.collections)
        unread: dict[str, str] = {}
        for collection, listing in zip(catalogue.collections, listings, strict=True):
            if isinstance(listing, CollectionUnreadable):
                unread[collection.key] = str(listing)
            else:
                self._listed.append((collection, listing))
        names = {
            collection.key: frozenset(name for version in versions for name in names_of(version))
            for collection, versions in self._listed
        }
        left_out = frozenset(each.key for each in catalogue.left_out)
        # The address of a single calendar says nothing of the others that the account may have.
        is_of_one = isinstance(self._source, CalDavSource) and not self._source.homes
        return Present(names, not catalogue.unreadable and not is_of_one, unread, left_out, is_of_one)

    async def uids_of_new(self, stored: Mapping[str, frozenset[bytes]]) -> frozenset[str]:
        """The UIDs of the records that are not among those that are stored, whose names are given by calendar."""
        batches: list[tuple[Collection, Sequence[Version]]] = []
        for collection, versions in self._listed:
            known = stored.get(collection.key, frozenset())
            new = [version for version in versions if known.isdisjoint(names_of(version))]
            batches += [(collection, new[start : start + BATCH]) for start in range(0, len(new), BATCH)]
        found = await _some_at_once(self._uids, batches)
        return frozenset(uid for uids in found for uid in uids)

    async def _list(self, collection: Collection) -> Sequence[Version] | CollectionUnreadable:
        try:
            return (await self._source.list_versions(collection)).versions
        except CollectionUnreadable as error:
            return error

    async def _uids(self, batch: tuple[Collection, Sequence[Version]]) -> set[str]:
        records = await self._source.fetch(*batch)
        return {uid for each in records if isinstance(each, Resource) for uid in ics.uids(each.content)}


async def _some_at_once(ask: Callable[[T], Coroutine[Any, Any, R]], things: Sequence[T]) -> list[R]:
    """What is answered to each, in order."""
    answers: list[R] = []
    for start in range(0, len(things), AT_ONCE):
        answers += await asyncio.gather(*map(ask, things[start : start + AT_ONCE]))
    return answers


def names_of(version: Version) -> tuple[bytes, ...]:
    """What a snapshot calls the record, as long as no other record has that name."""
    name = naming.record_name(version.leaf)
    return (to_key(name),) if name == version.leaf else (to_key(version.leaf), to_key(name))
