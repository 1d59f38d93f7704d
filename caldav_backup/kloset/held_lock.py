"""A lock that this program holds, or is about to.

Owns the lock's file: that it is written before others are looked for, kept fresh, found missing, and removed at the
end. Waiting for others is told in `locks`; whether somebody else's lock counts in `found_locks`.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from caldav_backup.kloset.errors import KlosetError, LockLost, StorageError, StorageFileMissing
from caldav_backup.kloset.found_locks import FoundLock, Moment, find_locks
from caldav_backup.kloset.lock import SECOND, Clock, Lock
from caldav_backup.kloset.resources import VERSION_1_0_0, ResourceType
from caldav_backup.kloset.storage import Kind

if TYPE_CHECKING:
    from caldav_backup.kloset.repository import Repository

Sleep = Callable[[float], None]

REFRESH_EVERY = 60.0
"""Seconds between two refreshments. plakar takes every five minutes, and removes a lock that looks ten minutes old to
its own clock: with this, clocks may be nine minutes apart."""
CONFIRMED_FOR = 5 * SECOND
"""Nanoseconds for which a lock that was confirmed needs no more than its file to be there."""
BEHIND = 60 * SECOND
"""Nanoseconds by which a clock may be behind the storage's before locks are dated by that one."""
LOCK_THREAD = "kloset-lock"
"""Name of the threads that keep locks fresh."""
LOOKS = 30
"""How often one looks, every two seconds, whether somebody who has come later gives way."""
LOOK_EVERY = 2.0


class HeldLock:
    """A lock that is held. A thread keeps it fresh; only `release` ends it."""

    def __init__(
        self,
        repository: Repository,
        identifier: bytes,
        *,
        exclusive: bool,
        clock: Clock = time.time_ns,
        sleep: Sleep = time.sleep,
        refresh_every: float = REFRESH_EVERY,
    ) -> None:
        """Touches nothing yet: `attempt` takes it. `refresh_every` in seconds."""
        self.identifier = identifier
        self.exclusive = exclusive
        self._repository = repository
        self._clock = clock
        self._sleep = sleep
        self._refresh_every = refresh_every
        self._ahead_ns = 0
        self._storage_ahead_ns = 0
        self._confirmed_ns = 0
        self._released = threading.Event()
        self._thread = threading.Thread(target=self._keep_fresh, name=LOCK_THREAD, daemon=True)
        self._is_suspect = False
        self.was_lost = False
        """Whether its file was gone at some time: others may have worked as if nobody held it."""
        self.undecodable: tuple[bytes, ...] = ()
        """Ids of locks that could not be read at the last look: damaged ones, or of newer programs."""
        self.refresh_error: KlosetError | None = None
        """Why the last refreshment failed, if it did; the lock holds for ten minutes from the last good one."""
        self.release_error: StorageError | None = None
        """Why the lock stayed behind, if it did; it counts for nothing after ten minutes."""

    # Taking it

    def attempt(self) -> FoundLock | None:
        """Write the lock, then look for others; what is in the way, for which this one has been withdrawn again.

        Others do the same, so that of two who come at once at least one sees the other. Removes stale locks.
        """
        try:
            obstacle = self._find_obstacle(self._write(), tidy=True)
            if obstacle is None:
                self._confirmed_ns = self._clock()
                return None
        except BaseException:
            self.release()
            raise
        # Out of the way while waiting: whoever has one that excludes it, or wants it, would give up at the sight.
        self._repository.storage.delete(Kind.LOCK, self.identifier)
        return obstacle

    def look(self) -> FoundLock | None:
        """What is in the way, without writing anything: a lock that comes and goes makes others give up."""
        now_ns = self._clock()
        return self._find_obstacle(Moment.of(now_ns, now_ns + self._storage_ahead_ns))

    def keep_fresh(self) -> None:
        """Begin to refresh the lock by itself."""
        self._thread.start()

    # Holding it

    def confirm(self) -> None:
        """Make sure that the lock is held now: to be asked before every commit, and before everything is deleted.

        Cheap when it was confirmed seconds ago. LockLost when others may have worked, or may be working, as if nobody
        held it. A shared lock whose file was gone is written again, and is lost only if something was taken away
        meanwhile that counted before; the index is refreshed then, so ask where that may be.
        """
        if self._is_there() and abs(self._clock() - self._confirmed_ns) <= CONFIRMED_FOR:
            return
        obstacle = self._find_obstacle(self.refresh())
        looks = 0
        while obstacle is not None and looks < LOOKS:
            # Whoever came later sees this lock and withdraws; whoever does not took it for nobody's.
            self._sleep(LOOK_EVERY)
            obstacle = self._find_obstacle(self.refresh())
            looks += 1
        if obstacle is not None:
            raise LockLost(f"{self._lost()}; {_name(obstacle)} works there now. Try again when that is done")
        if self._is_suspect:
            self._require_untouched()
            self._is_suspect = False
        self._confirmed_ns = self._clock()

    def _require_untouched(self) -> None:
        """LockLost when a packfile on which this work may rely counts no more."""
        index = self._repository.index
        relied_on = [packfile for packfile in index.packfiles if index.is_usable(packfile)]
        self._repository.refresh()
        self._repository.look_for_lost_packfiles()
        if not all(map(index.is_usable, relied_on)):
            raise LockLost(f"{self._lost()}, and the store was maintained meanwhile. Nothing was committed; try again")

    def refresh(self) -> Moment:
        """Tell everybody that the work still goes on; the moment by both clocks. LockLost for an exclusive lock."""
        self._is_there()
        if self.exclusive and self.was_lost:
            raise LockLost(f"{self._lost()}, so others may have changed the store meanwhile. Try again")
        return self._write()

    def _lost(self) -> str:
        return f"the lock on the store at {self._repository.storage.location} was lost while it was held"

    def _is_there(self) -> bool:
        try:
            self._repository.storage.modified_ns(Kind.LOCK, self.identifier)
        except StorageFileMissing:
            self.was_lost = self._is_suspect = True
        return not self._is_suspect

    def _keep_fresh(self) -> None:
        while not self._released.wait(self._refresh_every):
            try:
                self.refresh()
                self.refresh_error = None
            except KlosetError as exc:
                self.refresh_error = exc

    @property
    def troubles(self) -> list[str]:
        """What a person should know of it, a sentence each: of this lock, and of others that were found beside it."""
        where = f"the store at {self._repository.storage.location}"
        found = []
        if self.undecodable:
            some = "a lock" if len(self.undecodable) == 1 else f"{len(self.undecodable)} locks"
            found.append(
                f"{where} has {some} that cannot be read, so plakar cannot back up; 'caldav-backup unlock' helps"
            )
        if self.was_lost:
            found.append(
                f"somebody removed the lock on {where} while it was held, which did no harm; "
                "if nobody has unlocked it, the clocks of the machines that use it are too far apart for plakar"
            )
        if self.release_error is not None:
            found.append(f"the lock on {where} stays behind and counts for 10 minutes more: {self.release_error}")
        return found

    # Giving it up

    def release(self) -> None:
        """Give the lock up. Does nothing the second time, and never fails: what it guarded is over."""
        self._released.set()
        if self._thread.is_alive():
            self._thread.join()
        try:
            self._repository.storage.delete(Kind.LOCK, self.identifier)
        except StorageError as exc:
            self.release_error = exc

    # Its file, and those of others

    def _write(self) -> Moment:
        """Where this clock is behind the storage's the lock is dated by that one, or it would look old to others."""
        now = self._put(self._clock() + self._ahead_ns)
        behind_ns = self._storage_ahead_ns - self._ahead_ns
        if behind_ns > BEHIND:
            self._ahead_ns = self._storage_ahead_ns
            now = self._put(self._clock() + self._ahead_ns)
        return now

    def _put(self, timestamp_ns: int) -> Moment:
        lock = Lock(timestamp_ns, socket.gethostname(), self.exclusive)
        sealed = self._repository.seal_file(ResourceType.LOCK, VERSION_1_0_0, lock.to_bytes())
        storage = self._repository.storage
        storage.write(Kind.LOCK, self.identifier, sealed)
        now_ns = self._clock()
        try:
            storage_ns = storage.modified_ns(Kind.LOCK, self.identifier)
        except StorageFileMissing:
            # Somebody was as quick to remove it; the next look at it tells.
            storage_ns = now_ns
        self._storage_ahead_ns = storage_ns - now_ns
        return Moment.of(now_ns, storage_ns)

    def _find_obstacle(self, now: Moment, *, tidy: bool = False) -> FoundLock | None:
        found = find_locks(self._repository, now, but=self.identifier)
        self.undecodable = tuple(each.identifier for each in found if each.lock is None)
        for each in found:
            if tidy and each.is_stale and each.lock is not None:
                self._repository.storage.delete(Kind.LOCK, each.identifier)
        return next((each for each in found if self._is_excluded_by(each)), None)

    def _is_excluded_by(self, other: FoundLock) -> bool:
        """One that cannot be read may be a newer program's: maintenance keeps away, a backup hurts nobody."""
        return not other.is_stale and (self.exclusive or other.is_exclusive)


def _name(found: FoundLock) -> str:
    return (found.lock.hostname if found.lock else "") or "an unnamed host"
