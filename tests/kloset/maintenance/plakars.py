"""plakar's maintenance by its rules, for tests that run without it and with any clock.

From plakar 1.1.4, `subcommands/maintenance/maintenance.go` and kloset 90a8f211, `snapshot/snapshot.go: ListPackfiles`:
it remembers for each snapshot's id in which packfiles it found what that needs, one of several copies of a blob, and
does not look at the values of attributes.
"""

from __future__ import annotations

import secrets

from caldav_backup.kloset.liveness import find_live_blobs
from caldav_backup.kloset.objects import Object
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import MAC_SIZE, ResourceType
from caldav_backup.kloset.state import ColouredEntry, DeleteEntry, EntryType, make_run
from caldav_backup.kloset.storage import Kind
from caldav_backup.kloset.xattrs import ExtendedAttribute


class Plakar:
    """One machine's plakar, and what it remembers."""

    def __init__(self) -> None:
        self._memory: dict[bytes, set[bytes]] = {}

    def maintain(self, repository: Repository, now_ns: int, grace_ns: int) -> bool:
        """Colour and sweep. False when it stopped, since it could not find what a snapshot needs."""
        live = set(repository.index.snapshot_ids())
        for identifier in live - self._memory.keys():
            found = packfiles_of(repository, identifier)
            if found is None:
                return False
            self._memory[identifier] = found
        for identifier in self._memory.keys() - live:
            del self._memory[identifier]
        used = set().union(*self._memory.values())
        cutoff_ns = now_ns - grace_ns
        self._colour(repository, used, now_ns)
        self._sweep(repository, used, cutoff_ns)
        return True

    def _colour(self, repository: Repository, used: set[bytes], now_ns: int) -> None:
        unused = [
            packfile
            for packfile in sorted(repository.index.packfiles.keys() - used)
            if not repository.index.is_coloured(ResourceType.PACKFILE, packfile)
        ]
        if unused:
            marks = [ColouredEntry(ResourceType.PACKFILE, packfile, now_ns) for packfile in unused]
            repository.put_state(secrets.token_bytes(MAC_SIZE), [make_run(marks)], timestamp_ns=now_ns)

    def _sweep(self, repository: Repository, used: set[bytes], cutoff_ns: int) -> None:
        deletions: list[DeleteEntry] = []
        gone: list[bytes] = []
        for entry in list(repository.index.colours):
            if entry.resource_type == ResourceType.PACKFILE and entry.timestamp_ns <= cutoff_ns:
                if entry.identifier not in used:
                    gone.append(entry.identifier)
                    deletions.append(DeleteEntry(EntryType.PACKFILE, packfile=entry.identifier))
                deletions.append(DeleteEntry(EntryType.COLOURED, ResourceType.PACKFILE, entry.identifier))
        if gone:
            repository.put_state(secrets.token_bytes(MAC_SIZE), [make_run(deletions)], timestamp_ns=cutoff_ns)
            for packfile in gone:
                repository.storage.delete(Kind.PACKFILE, packfile)


def packfiles_of(repository: Repository, identifier: bytes) -> set[bytes] | None:
    """Where plakar finds what a snapshot needs; None when it does not find everything."""
    needed = set(find_live_blobs(repository, [repository.header(identifier)]))
    for mac in [mac for kind, mac in needed if kind == ResourceType.XATTR_ENTRY]:
        value = ExtendedAttribute.from_bytes(repository.get_blob(ResourceType.XATTR_ENTRY, mac)).object
        found = Object.from_bytes(repository.get_blob(ResourceType.OBJECT, value))
        needed -= {(ResourceType.OBJECT, value), *((ResourceType.CHUNK, chunk.mac) for chunk in found.chunks)}
    packfiles = set()
    for kind, mac in needed:
        places = repository.index.find_locations(ResourceType(kind), mac)
        usable = [place.packfile for place in places if repository.index.is_usable(place.packfile)]
        if not usable:
            return None
        packfiles.add(usable[0])
    return packfiles
