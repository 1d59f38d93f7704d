"""Blobs on their way into new packfiles, each stored once.

Owns the question whether a blob has to be stored: not when the store has it, nor when this writer stored it before.
What blobs mean is told elsewhere, and how they lie in packfiles in `packer`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from caldav_backup.kloset.resources import ResourceType

if TYPE_CHECKING:
    from caldav_backup.kloset.hashing import Hash, Keyed
    from caldav_backup.kloset.index import Index
    from caldav_backup.kloset.packer import Packer


class BlobWriter:
    """Stores blobs of one snapshot. Keeps the MACs of what it stored, but for what cannot come twice."""

    def __init__(self, keyed: Keyed, index: Index, packer: Packer) -> None:
        self.mac: Callable[[bytes], bytes] = keyed.mac
        self.start_mac: Callable[[], Hash] = keyed.start
        self._index = index
        self._packer = packer
        self._stored: defaultdict[ResourceType, set[bytes]] = defaultdict(set)

    def put(self, resource_type: ResourceType, record: bytes) -> bytes:
        """Store a record under its MAC, which is returned, unless it is there already."""
        mac = self.mac(record)
        self.put_named(resource_type, mac, record)
        return mac

    def put_named(self, resource_type: ResourceType, mac: bytes, record: bytes) -> None:
        """The same for a record whose MAC is known."""
        if not self.has(resource_type, mac):
            self._add_once(resource_type, mac, record)

    def put_beside(self, resource_type: ResourceType, mac: bytes, record: bytes, packfiles: AbstractSet[bytes]) -> None:
        """Store a record unless one of these older packfiles has it, no matter what the others have."""
        if not packfiles or packfiles.isdisjoint(self.packfiles_of(resource_type, mac)):
            self._add_once(resource_type, mac, record)

    def together(self) -> AbstractContextManager[None]:
        """What is stored within lies in one packfile."""
        return self._packer.together()

    def packfiles_of(self, resource_type: ResourceType, mac: bytes) -> set[bytes]:
        """The older packfiles that have a blob and are neither gone nor about to be deleted."""
        return self._usable_packfiles(resource_type, [mac])[0]

    def put_kept(self, resource_type: ResourceType, records: Sequence[tuple[bytes, bytes]]) -> set[bytes]:
        """Records of an earlier snapshot, pairs of MAC and bytes: the packfiles that hold them, where only one does.

        A faulty program may have left some out; these are stored.
        """
        found = set()
        places = self._usable_packfiles(resource_type, [mac for mac, _ in records])
        for (mac, record), packfiles in zip(records, places, strict=True):
            if not packfiles:
                self._add_once(resource_type, mac, record)
            elif len(packfiles) == 1:
                found |= packfiles
        return found

    def _usable_packfiles(self, resource_type: ResourceType, macs: Sequence[bytes]) -> list[set[bytes]]:
        """For each blob the packfiles that have it and are neither gone nor about to be deleted."""
        is_usable = self._index.is_usable
        return [
            {place.packfile for place in places if is_usable(place.packfile)}
            for places in self._index.find_locations_of(resource_type, macs)
        ]

    def _add_once(self, resource_type: ResourceType, mac: bytes, record: bytes) -> None:
        stored = self._stored[resource_type]
        if mac not in stored:
            stored.add(mac)
            self._packer.add(resource_type, mac, record)

    def put_all(self, resource_type: ResourceType, records: Sequence[tuple[bytes, bytes]]) -> None:
        """Store many records, pairs of MAC and bytes."""
        add, stored = self._packer.add, self._stored[resource_type]
        for (mac, record), known in zip(records, self._has_many(resource_type, records), strict=True):
            if not known and mac not in stored:
                stored.add(mac)
                add(resource_type, mac, record)

    def put_unique(self, resource_type: ResourceType, records: Sequence[tuple[bytes, bytes]]) -> None:
        """Records that no snapshot holds twice, pairs of MAC and bytes: nothing is remembered of them."""
        for (mac, record), known in zip(records, self._has_many(resource_type, records), strict=True):
            if not known:
                self._packer.add(resource_type, mac, record)

    def forget(self) -> None:
        """Nothing more is stored: free the memory of what was."""
        self._stored.clear()

    def has(self, resource_type: ResourceType, mac: bytes) -> bool:
        """Whether the store had the blob before this writer."""
        return self._index.contains(resource_type, mac)

    @property
    def misses_packfiles(self) -> bool:
        """Whether trees that look complete may have lost nodes."""
        return self._index.has_lost_packfiles

    def _has_many(self, resource_type: ResourceType, blobs: Sequence[tuple[bytes, bytes]]) -> list[bool]:
        if not self._index.packfiles:
            return [False] * len(blobs)
        return self._index.contains_many(resource_type, [mac for mac, _ in blobs])
