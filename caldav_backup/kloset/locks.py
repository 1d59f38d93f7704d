"""Locks between programs that work on one store at the same time: taking one, and waiting for others.

Owns the two kinds and the wait (`docs/design/format.md`, "Locks"). A snapshot being made holds a shared lock, which
conflicts with exclusive ones only; whoever deletes files holds an exclusive one, which conflicts with any other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from caldav_backup.kloset.errors import Locked
from caldav_backup.kloset.found_locks import FoundLock, list_locks, read_lock
from caldav_backup.kloset.held_lock import REFRESH_EVERY, HeldLock, Sleep
from caldav_backup.kloset.lock import SECOND, STALE_AFTER, Clock, Lock
from caldav_backup.kloset.resources import MAC_SIZE, random_identifier

if TYPE_CHECKING:
    from caldav_backup.kloset.repository import Repository

__all__ = [
    "POLL_EVERY",
    "SECOND",
    "STALE_AFTER",
    "FoundLock",
    "HeldLock",
    "Lock",
    "Tell",
    "describe",
    "exclusive_lock",
    "explain",
    "list_locks",
    "read_lock",
    "shared_lock",
    "silent",
    "take_exclusive_lock",
    "take_shared_lock",
]

POLL_EVERY = 2.0
"""Seconds between two looks at a lock that is in the way, on average."""

Tell = Callable[[str], None]
"""Is told once, before the wait, what is waited for."""


def silent(_what: str) -> None:
    """A `Tell` for nobody."""


def take_shared_lock(
    repository: Repository,
    identifier: bytes,
    *,
    wait: float = 0.0,
    clock: Clock = time.time_ns,
    sleep: Sleep = time.sleep,
    refresh_every: float = REFRESH_EVERY,
    tell: Tell = silent,
) -> HeldLock:
    """Take the lock named `identifier`; wait up to `wait` seconds for an exclusive one to go away, then Locked."""
    held = HeldLock(repository, identifier, exclusive=False, clock=clock, sleep=sleep, refresh_every=refresh_every)
    return _take(repository, held, wait, sleep, tell)


def take_exclusive_lock(
    repository: Repository,
    *,
    wait: float = 0.0,
    clock: Clock = time.time_ns,
    sleep: Sleep = time.sleep,
    refresh_every: float = REFRESH_EVERY,
    tell: Tell = silent,
) -> HeldLock:
    """Take a lock of a random name that excludes all others; wait up to `wait` seconds for those, then Locked.

    What was read of the store before may have changed: refresh its index. Ask the lock, by `confirm`, before each step
    that destroys something.
    """
    identifier = random_identifier()
    held = HeldLock(repository, identifier, exclusive=True, clock=clock, sleep=sleep, refresh_every=refresh_every)
    return _take(repository, held, wait, sleep, tell)


@contextmanager
def shared_lock(
    repository: Repository,
    identifier: bytes,
    *,
    wait: float = 0.0,
    clock: Clock = time.time_ns,
    sleep: Sleep = time.sleep,
    tell: Tell = silent,
) -> Iterator[HeldLock]:
    """The same for a `with` statement."""
    with _released(take_shared_lock(repository, identifier, wait=wait, clock=clock, sleep=sleep, tell=tell)) as lock:
        yield lock


@contextmanager
def exclusive_lock(
    repository: Repository,
    *,
    wait: float = 0.0,
    clock: Clock = time.time_ns,
    sleep: Sleep = time.sleep,
    tell: Tell = silent,
) -> Iterator[HeldLock]:
    """The same for a `with` statement."""
    with _released(take_exclusive_lock(repository, wait=wait, clock=clock, sleep=sleep, tell=tell)) as lock:
        yield lock


@contextmanager
def _released(lock: HeldLock) -> Iterator[HeldLock]:
    try:
        yield lock
    finally:
        lock.release()


def _take(repository: Repository, held: HeldLock, wait: float, sleep: Sleep, tell: Tell) -> HeldLock:
    try:
        _wait(repository, held, wait, sleep, tell)
        held.keep_fresh()
    except BaseException:
        held.release()
        raise
    return held


def _wait(repository: Repository, held: HeldLock, wait: float, sleep: Sleep, tell: Tell) -> None:
    left = wait
    turn = 0
    obstacle = held.attempt()
    while obstacle is not None:
        if left <= 0:
            raise Locked(explain(repository.storage.location, obstacle), describe(obstacle))
        if turn == 0:
            tell(describe(obstacle))
        # A name is random, so two who wait do not always meet.
        nap = min(POLL_EVERY * (0.5 + held.identifier[turn % MAC_SIZE] / 256), left)
        sleep(nap)
        left -= nap
        turn += 1
        # Not written again before the way seems free: a lock that comes and goes makes others give up.
        obstacle = held.look() or held.attempt()


def describe(found: FoundLock) -> str:
    """Whose lock it is, for what, and since when nothing was heard of it."""
    minutes = found.age_ns // (60 * SECOND)
    since = f"last sign of life {f'{minutes} min' if minutes else 'less than a minute'} ago"
    if found.lock is None:
        return f"a program whose lock cannot be read ({since})"
    work = "maintenance" if found.lock.exclusive else "a backup or sync"
    return f"{work} by {found.lock.hostname or 'an unnamed host'} ({since})"


def explain(location: str, found: FoundLock) -> str:
    """The same as a sentence that says what can be done."""
    kind = "shared" if found.lock is not None and not found.lock.exclusive else "exclusive"
    return (
        f"the store at {location} is locked ({kind}) for {describe(found)}; wait for it to end and try again, "
        "or remove its lock with 'caldav-backup unlock' if nothing runs there any more"
    )
