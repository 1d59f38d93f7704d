"""Removes locks that programs left behind: a plan, then its deed.

Owns which locks may go. Everybody who takes a lock removes abandoned ones as well; this is for whoever does not want to
wait for that, and for locks of which a person knows better than their files tell.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from caldav_backup.kloset.found_locks import FoundLock, find_locks, list_locks
from caldav_backup.kloset.held_lock import HeldLock
from caldav_backup.kloset.lock import Clock
from caldav_backup.kloset.resources import random_identifier
from caldav_backup.kloset.storage import Kind

if TYPE_CHECKING:
    from caldav_backup.kloset.repository import Repository


@dataclass(frozen=True, slots=True)
class UnlockPlan:
    """The locks of a store, the youngest first. With `living_too` those go as well that somebody seems to hold."""

    repository: Repository
    locks: tuple[FoundLock, ...]
    living_too: bool
    clock: Clock

    def removes(self, lock: FoundLock) -> bool:
        """Whether this lock is to go."""
        return lock.is_stale or self.living_too

    def apply(self) -> UnlockPlan:
        """Look again, now by the storage's own clock, and remove what is to go; what was found. StorageError.

        The clock is asked by a shared lock that is written for the moment. A lock that proves to be alive stays.
        """
        if not self.locks:
            return self
        probe = HeldLock(self.repository, random_identifier(), exclusive=False, clock=self.clock)
        try:
            found = tuple(find_locks(self.repository, probe.refresh(), but=probe.identifier))
            for lock in filter(self.removes, found):
                self.repository.storage.delete(Kind.LOCK, lock.identifier)
        finally:
            probe.release()
        return UnlockPlan(self.repository, found, self.living_too, self.clock)


def plan_unlock(repository: Repository, *, living_too: bool = False, clock: Clock = time.time_ns) -> UnlockPlan:
    """What is there and what would go; writes nothing."""
    return UnlockPlan(repository, tuple(list_locks(repository, clock=clock)), living_too, clock)
