"""What a source has at this moment, told as snapshots would name it: what vanished is the difference.

Owns the listing of every calendar, and the look for UIDs in what is newer than the last backup: an event that moved to
another place has not vanished. Asks, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from caldav_backup import ics
from caldav_backup.connectors import naming
from caldav_backup.connectors.base import Collection, CollectionUnreadable, Resource, Source, Version
from caldav_backup.kloset.paths import to_key

#: Records of one request.
BATCH = 100


@dataclass(frozen=True, slots=True)
class Present:
    """Names of records by the key of their calendar.

    `is_complete`: a calendar that is not mentioned here is gone. `unread` maps keys of calendars that cannot be listed
    to the reasons, `left_out` are keys of what no backup reads: of these, and of all if nothing is complete, the newest
    snapshot is the measure.
    """

    names: Mapping[str, frozenset[bytes]] = field(default_factory=dict)
    is_complete: bool = False
    unread: Mapping[str, str] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()

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
        names: dict[str, frozenset[bytes]] = {}
        unread: dict[str, str] = {}
        for collection in catalogue.collections:
            try:
                versions = (await self._source.list_versions(collection)).versions
            except CollectionUnreadable as error:
                unread[collection.key] = str(error)
                continue
            self._listed.append((collection, versions))
            names[collection.key] = frozenset(name for version in versions for name in names_of(version))
        left_out = frozenset(each.key for each in catalogue.left_out)
        return Present(names, not catalogue.unreadable, unread, left_out)

    async def uids_of_new(self, stored: Mapping[str, frozenset[bytes]]) -> frozenset[str]:
        """The UIDs of the records that are not among those that are stored, whose names are given by calendar."""
        found: set[str] = set()
        for collection, versions in self._listed:
            known = stored.get(collection.key, frozenset())
            new = [version for version in versions if known.isdisjoint(names_of(version))]
            for start in range(0, len(new), BATCH):
                records = await self._source.fetch(collection, new[start : start + BATCH])
                found.update(uid for each in records if isinstance(each, Resource) for uid in ics.uids(each.content))
        return frozenset(found)


def names_of(version: Version) -> tuple[bytes, ...]:
    """What a snapshot calls the record, as long as no other record has that name."""
    name = naming.record_name(version.leaf)
    return (to_key(name),) if name == version.leaf else (to_key(version.leaf), to_key(name))
