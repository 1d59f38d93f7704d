"""Locks between programs that work on one store at the same time.

Owns the lock record and the protocol of `docs/design/format.md`, "Locks": a snapshot being made holds a shared lock,
which conflicts with exclusive ones (plakar's maintenance) only. Exclusive locks are never taken here.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from caldav_backup.kloset import records
from caldav_backup.kloset.errors import (
    Damaged,
    KlosetError,
    Locked,
    StorageError,
    StorageFileMissing,
    UnsupportedStore,
)
from caldav_backup.kloset.fields import read_fields
from caldav_backup.kloset.resources import VERSION_1_0_0, ResourceType
from caldav_backup.kloset.storage import Kind

if TYPE_CHECKING:
    from caldav_backup.kloset.repository import Repository

SECOND = 1_000_000_000
STALE_AFTER = 600 * SECOND
"""Nanoseconds after which a lock that nobody refreshed counts for nothing."""
REFRESH_EVERY = 300.0
"""Seconds between two refreshments of a lock that is held."""
POLL_EVERY = 2.0
"""Seconds between two looks at a lock that is in the way."""

Clock = Callable[[], int]
"""Nanoseconds since the Unix epoch."""
Sleep = Callable[[float], None]


class Lock(NamedTuple):
    """What one lock file says. `timestamp_ns` since the Unix epoch, of the last refreshment."""

    timestamp_ns: int
    hostname: str
    exclusive: bool
    version: int = VERSION_1_0_0

    def to_bytes(self) -> bytes:
        return b"".join(
            (
                records.map_header(4),
                records.string("version"),
                records.uint32(self.version),
                records.string("timestamp"),
                records.timestamp(self.timestamp_ns),
                records.string("hostname"),
                records.string(self.hostname),
                records.string("exclusive"),
                records.boolean(self.exclusive),
            )
        )

    @classmethod
    def from_bytes(cls, encoded: bytes) -> Lock:
        fields = read_fields(encoded, "a lock")
        return cls(
            fields.time("timestamp"), fields.text("hostname"), fields.flag("exclusive"), fields.unsigned("version")
        )

    def is_stale(self, now_ns: int) -> bool:
        return now_ns - self.timestamp_ns >= STALE_AFTER


class SharedLock:
    """A shared lock that is held. A thread keeps it fresh; only `release` ends it."""

    def __init__(self, repository: Repository, identifier: bytes, clock: Clock, refresh_every: float) -> None:
        self._repository = repository
        self._identifier = identifier
        self._clock = clock
        self._refresh_every = refresh_every
        self._released = threading.Event()
        self._thread = threading.Thread(target=self._keep_fresh, name="kloset-lock", daemon=True)
        self.undecodable: tuple[bytes, ...] = ()
        """Ids of locks that could not be read when this one was taken: damaged ones, or of newer programs."""
        self.refresh_error: KlosetError | None = None
        """Why the last refreshment failed, if it did; the lock holds for ten minutes from the last good one."""
        self.release_error: StorageError | None = None
        """Why the lock stayed behind, if it did; it counts for nothing after ten minutes."""

    def refresh(self) -> None:
        """Tell everybody that the work still goes on."""
        lock = Lock(self._clock(), socket.gethostname(), exclusive=False)
        sealed = self._repository.seal_file(ResourceType.LOCK, VERSION_1_0_0, lock.to_bytes())
        self._repository.storage.write(Kind.LOCK, self._identifier, sealed)

    def release(self) -> None:
        """Give the lock up. Does nothing the second time, and never fails: what it guarded is over."""
        self._released.set()
        if self._thread.is_alive():
            self._thread.join()
        try:
            self._repository.storage.delete(Kind.LOCK, self._identifier)
        except StorageError as exc:
            self.release_error = exc

    def keep_fresh(self) -> None:
        """Begin to refresh the lock by itself."""
        self._thread.start()

    def _keep_fresh(self) -> None:
        while not self._released.wait(self._refresh_every):
            try:
                self.refresh()
                self.refresh_error = None
            except KlosetError as exc:
                self.refresh_error = exc


def take_shared_lock(
    repository: Repository,
    identifier: bytes,
    *,
    wait: float = 0.0,
    clock: Clock = time.time_ns,
    sleep: Sleep = time.sleep,
    refresh_every: float = REFRESH_EVERY,
) -> SharedLock:
    """Take the lock named `identifier`; wait up to `wait` seconds for an exclusive one to go away, then Locked."""
    lock = SharedLock(repository, identifier, clock, refresh_every)
    deadline = clock() + int(wait * SECOND)
    while True:
        lock.refresh()
        try:
            obstacle, lock.undecodable = find_obstacle(repository, identifier, clock())
            if obstacle is None:
                lock.keep_fresh()
                return lock
        except BaseException:
            lock.release()
            raise
        # Out of the way while waiting: whoever holds the exclusive lock, or wants it, would give up at the sight.
        repository.storage.delete(Kind.LOCK, identifier)
        left = (deadline - clock()) / SECOND
        if left <= 0:
            raise Locked(_explain(repository, obstacle, clock()))
        sleep(min(POLL_EVERY, left))


@contextmanager
def shared_lock(
    repository: Repository,
    identifier: bytes,
    *,
    wait: float = 0.0,
    clock: Clock = time.time_ns,
    sleep: Sleep = time.sleep,
) -> Iterator[SharedLock]:
    """The same for a `with` statement."""
    lock = take_shared_lock(repository, identifier, wait=wait, clock=clock, sleep=sleep)
    try:
        yield lock
    finally:
        lock.release()


def find_obstacle(repository: Repository, own: bytes, now_ns: int) -> tuple[Lock | None, tuple[bytes, ...]]:
    """An exclusive lock of somebody else, if there is one, and the locks that cannot be read. Removes stale ones."""
    obstacle: Lock | None = None
    undecodable: list[bytes] = []
    for identifier in list(repository.storage.ids(Kind.LOCK)):
        if identifier == own:
            continue
        try:
            lock = read_lock(repository, identifier)
        except StorageFileMissing:
            continue
        except (Damaged, UnsupportedStore):
            undecodable.append(identifier)
            continue
        if lock.is_stale(now_ns):
            repository.storage.delete(Kind.LOCK, identifier)
        elif lock.exclusive:
            obstacle = lock
    return obstacle, tuple(undecodable)


def read_lock(repository: Repository, identifier: bytes) -> Lock:
    """StorageFileMissing when it was released meanwhile; Damaged or UnsupportedStore when it cannot be read."""
    sealed = repository.storage.read(Kind.LOCK, identifier)
    _, encoded = repository.open_file(ResourceType.LOCK, sealed, f"the lock {identifier.hex()}")
    return Lock.from_bytes(encoded)


def _explain(repository: Repository, lock: Lock, now_ns: int) -> str:
    minutes = max(0, now_ns - lock.timestamp_ns) // (60 * SECOND)
    since = "less than a minute ago" if not minutes else f"{minutes} min ago"
    return (
        f"the store at {repository.storage.location} is locked for maintenance by {lock.hostname or 'an unnamed host'} "
        f"(last sign of life {since}); wait for it to end, or 10 minutes if it was killed, and try again"
    )
