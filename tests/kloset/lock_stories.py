"""Time for the tests of locks: a clock that only sleeping moves, and stores whose files are dated by it."""

from __future__ import annotations

from collections.abc import Callable

from caldav_backup.kloset.held_lock import HeldLock
from caldav_backup.kloset.lock import SECOND, Lock
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import VERSION_1_0_0, ResourceType
from caldav_backup.kloset.storage import Kind, MemoryStorage
from tests.kloset.stores import make_repository

NOW = 1_700_000_000 * SECOND
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
OWN, OTHER = b"o" * 32, b"x" * 32


class Clock:
    """Time that passes only while somebody sleeps; `on_sleep` happens meanwhile."""

    def __init__(self, now_ns: int = NOW) -> None:
        self.now_ns = now_ns
        self.naps: list[float] = []
        self.on_sleep: Callable[[], None] = list[None]().clear

    def __call__(self) -> int:
        return self.now_ns

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now_ns += int(seconds * SECOND)
        self.on_sleep()


def timed_repository(clock: Clock, storage: MemoryStorage | None = None, *, encrypted: bool = False) -> Repository:
    """A store whose files are dated by `clock`."""
    storage = MemoryStorage() if storage is None else storage
    storage.clock = clock
    return make_repository(storage=storage, encrypted=encrypted)[1]


def hold(repository: Repository, clock: Clock, identifier: bytes = OWN, *, exclusive: bool = False) -> HeldLock:
    """A lock that is held and that nobody refreshes."""
    held = HeldLock(repository, identifier, exclusive=exclusive, clock=clock, sleep=clock.sleep)
    assert held.attempt() is None
    return held


def put_lock(repository: Repository, lock: Lock, identifier: bytes = OTHER) -> None:
    sealed = repository.seal_file(ResourceType.LOCK, VERSION_1_0_0, lock.to_bytes())
    repository.storage.write(Kind.LOCK, identifier, sealed)


def old_lock(repository: Repository, clock: Clock, age_ns: int, *, exclusive: bool = True, name: bytes = OTHER) -> None:
    """A lock that was refreshed last `age_ns` ago, by its own words and by its file's time."""
    clock.now_ns -= age_ns
    put_lock(repository, Lock(clock.now_ns, "nas", exclusive), name)
    clock.now_ns += age_ns


def locks(repository: Repository) -> set[bytes]:
    return set(repository.storage.ids(Kind.LOCK))
