"""The locks that lie in a store: whose they are, and whether anybody still holds them.

Owns the rule for when a lock counts for nothing (`docs/design/format.md`, "Locks"). Removes none: see `held_lock`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from caldav_backup.kloset.errors import Damaged, StorageFileMissing, UnsupportedStore
from caldav_backup.kloset.lock import STALE_AFTER, Clock, Lock
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.storage import Kind

if TYPE_CHECKING:
    from caldav_backup.kloset.repository import Repository


class Moment(NamedTuple):
    """One moment by two clocks, each in nanoseconds since the Unix epoch.

    `storage_ns` is the time of a file that was written just then. `own_ns` is this machine's time, or the storage's
    where that is later: a clock that is behind would take every lock for a young one.
    """

    own_ns: int
    storage_ns: int

    @classmethod
    def of(cls, clock_ns: int, storage_ns: int) -> Moment:
        return cls(max(clock_ns, storage_ns), storage_ns)


@dataclass(frozen=True, slots=True)
class FoundLock:
    """One lock file. `lock` is None when it cannot be read; `problem` says why.

    `age_ns`: time since the last sign of life by the clock that saw it last, the holder's or the storage's. So clocks
    that are hours apart never make a lock look abandoned whose file is young. `ahead_ns`: by how much it is dated after
    now, so that it will count for that much longer.
    """

    identifier: bytes
    lock: Lock | None
    age_ns: int
    ahead_ns: int = 0
    problem: str = ""

    @property
    def is_stale(self) -> bool:
        """Nobody has refreshed it for ten minutes, neither by its own words nor by its file's time."""
        return self.age_ns >= STALE_AFTER

    @property
    def is_exclusive(self) -> bool:
        return self.lock is not None and self.lock.exclusive


def list_locks(repository: Repository, *, clock: Clock = time.time_ns) -> list[FoundLock]:
    """All locks of a store, the youngest first, without writing anything.

    With no file just written to compare with, this machine's clock stands for the storage's: who is to remove a lock
    looks again with `find_locks`.
    """
    now_ns = clock()
    return find_locks(repository, Moment(now_ns, now_ns))


def find_locks(repository: Repository, now: Moment, *, but: bytes = b"") -> list[FoundLock]:
    """All locks but one's own, the youngest first; one that is gone before it is read was released."""
    identifiers = [identifier for identifier in repository.storage.ids(Kind.LOCK) if identifier != but]
    found = [_find(repository, identifier, now) for identifier in identifiers]
    there = [lock for lock in found if lock is not None]
    return sorted(there, key=lambda lock: (lock.age_ns, lock.identifier))


def _find(repository: Repository, identifier: bytes, now: Moment) -> FoundLock | None:
    try:
        # Asked first: who refreshes the lock between the two is alive by what it says.
        by_file = max(0, now.storage_ns - repository.storage.modified_ns(Kind.LOCK, identifier))
        try:
            lock = read_lock(repository, identifier)
        except (Damaged, UnsupportedStore) as error:
            return FoundLock(identifier, None, by_file, problem=str(error))
    except StorageFileMissing:
        return None
    by_words = now.own_ns - lock.timestamp_ns
    return FoundLock(identifier, lock, min(by_file, max(0, by_words)), max(0, -by_words))


def read_lock(repository: Repository, identifier: bytes) -> Lock:
    """StorageFileMissing when it was released meanwhile; Damaged or UnsupportedStore when it cannot be read."""
    sealed = repository.storage.read(Kind.LOCK, identifier)
    _, encoded = repository.open_file(ResourceType.LOCK, sealed, f"the lock {identifier.hex()}")
    return Lock.from_bytes(encoded)
