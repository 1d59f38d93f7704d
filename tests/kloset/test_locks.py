"""Locks between programs."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.kloset.errors import Damaged, Locked, StorageUnavailable
from caldav_backup.kloset.locks import (
    SECOND,
    STALE_AFTER,
    Lock,
    find_obstacle,
    read_lock,
    shared_lock,
    take_shared_lock,
)
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import VERSION_1_0_0, BytesLike, ResourceType
from caldav_backup.kloset.storage import Kind, MemoryStorage
from tests.kloset.stores import make_repository
from tests.kloset.test_objects import names

NOW = 1_700_000_000 * SECOND
OWN, OTHER = b"o" * 32, b"x" * 32
VECTOR = bytes.fromhex(
    "84a776657273696f6ece00010000a974696d657374616d70d6ff6553f100a8686f73746e616d65a2766da96578636c7573697665c2"
)


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


def put_lock(repository: Repository, lock: Lock, identifier: bytes = OTHER) -> None:
    sealed = repository.seal_file(ResourceType.LOCK, VERSION_1_0_0, lock.to_bytes())
    repository.storage.write(Kind.LOCK, identifier, sealed)


def locks(repository: Repository) -> set[bytes]:
    return set(repository.storage.ids(Kind.LOCK))


def test_lock_of_the_format_vector_is_encoded_to_the_byte() -> None:
    lock = Lock(NOW, "vm", exclusive=False)
    assert lock.to_bytes() == VECTOR
    assert Lock.from_bytes(VECTOR) == lock


@given(st.builds(Lock, st.integers(-(2**60), 2**60), names, st.booleans(), st.integers(0, 2**32 - 1)))
def test_lock_survives_the_round_trip(lock: Lock) -> None:
    assert Lock.from_bytes(lock.to_bytes()) == lock


@pytest.mark.parametrize("encrypted", [False, True])
def test_shared_lock_is_there_while_it_is_held(encrypted: bool) -> None:
    _, repository = make_repository(encrypted=encrypted)
    with shared_lock(repository, OWN, clock=Clock()):
        lock = read_lock(repository, OWN)
        assert (lock.timestamp_ns, lock.exclusive) == (NOW, False)
    assert locks(repository) == set()


def test_lock_is_given_up_after_an_error() -> None:
    _, repository = make_repository()

    def fail() -> None:
        with shared_lock(repository, OWN):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert locks(repository) == set()


def test_shared_locks_do_not_exclude_each_other() -> None:
    _, repository = make_repository()
    with shared_lock(repository, OWN), shared_lock(repository, OTHER):
        assert locks(repository) == {OWN, OTHER}


def test_exclusive_lock_stops_at_once_and_says_who_and_since_when() -> None:
    _, repository = make_repository()
    put_lock(repository, Lock(NOW - 3 * 60 * SECOND, "nas", exclusive=True))
    clock = Clock()
    with pytest.raises(Locked, match=r"nas .*3 min ago.*try again"):
        take_shared_lock(repository, OWN, clock=clock, sleep=clock.sleep)
    assert clock.naps == []
    assert locks(repository) == {OTHER}


def test_waiting_ends_when_the_lock_goes_away() -> None:
    _, repository = make_repository()
    put_lock(repository, Lock(NOW, "nas", exclusive=True))
    clock = Clock()
    seen: list[set[bytes]] = []

    def after_five() -> None:
        seen.append(locks(repository))
        if len(clock.naps) == 5:
            repository.storage.delete(Kind.LOCK, OTHER)

    clock.on_sleep = after_five
    lock = take_shared_lock(repository, OWN, wait=60, clock=clock, sleep=clock.sleep)
    assert locks(repository) == {OWN}
    # Nothing of this program stands in the way of the other while it waits.
    assert seen == [{OTHER}] * 5
    lock.release()
    lock.release()
    assert locks(repository) == set()


def test_waiting_ends_when_the_time_is_over() -> None:
    _, repository = make_repository()
    clock = Clock()
    put_lock(repository, Lock(NOW, "", exclusive=True))
    with pytest.raises(Locked, match="unnamed host"):
        take_shared_lock(repository, OWN, wait=7, clock=clock, sleep=clock.sleep)
    assert sum(clock.naps) == 7
    assert locks(repository) == {OTHER}


def test_lock_that_nobody_refreshed_for_ten_minutes_is_removed() -> None:
    _, repository = make_repository()
    put_lock(repository, Lock(NOW - STALE_AFTER, "nas", exclusive=True))
    with shared_lock(repository, OWN, clock=Clock()):
        assert locks(repository) == {OWN}
    put_lock(repository, Lock(NOW - STALE_AFTER + 1, "nas", exclusive=True))
    with pytest.raises(Locked):
        take_shared_lock(repository, OWN, clock=Clock())


def test_lock_from_a_clock_that_is_ahead_is_respected() -> None:
    _, repository = make_repository()
    put_lock(repository, Lock(NOW + 3600 * SECOND, "nas", exclusive=True))
    with pytest.raises(Locked, match="less than a minute"):
        take_shared_lock(repository, OWN, clock=Clock())


@pytest.mark.parametrize("content", [b"", b"garbage" * 20])
def test_lock_that_cannot_be_read_is_left_alone_and_told(content: bytes) -> None:
    _, repository = make_repository()
    repository.storage.write(Kind.LOCK, OTHER, content)
    with shared_lock(repository, OWN) as lock:
        assert lock.undecodable == (OTHER,)
    assert locks(repository) == {OTHER}


def test_lock_of_a_newer_program_is_left_alone_and_told() -> None:
    _, repository = make_repository()
    repository.storage.write(Kind.LOCK, OTHER, repository.seal_file(ResourceType.LOCK, 0x00020000, b""))
    with shared_lock(repository, OWN) as lock:
        assert lock.undecodable == (OTHER,)


def test_lock_that_is_gone_before_it_is_read_is_no_obstacle() -> None:
    class Racing(MemoryStorage):
        def read(self, kind: Kind, identifier: bytes) -> bytes:
            self.delete(kind, identifier)
            return super().read(kind, identifier)

    _, repository = make_repository(storage=Racing())
    put_lock(repository, Lock(NOW, "nas", exclusive=True))
    assert find_obstacle(repository, OWN, NOW) == (None, ())


def test_trouble_with_the_locks_leaves_none_behind() -> None:
    class Failing(MemoryStorage):
        def read(self, kind: Kind, identifier: bytes) -> bytes:
            raise StorageUnavailable(f"no reading {kind.noun} {identifier.hex()} now")

    _, repository = make_repository(storage=Failing())
    put_lock(repository, Lock(NOW, "nas", exclusive=True))
    with pytest.raises(StorageUnavailable):
        take_shared_lock(repository, OWN)
    assert locks(repository) == {OTHER}


def test_held_lock_is_refreshed_by_itself() -> None:
    refreshed = threading.Event()

    class Noting(MemoryStorage):
        writes = 0

        def write(self, kind: Kind, identifier: bytes, data: BytesLike) -> None:
            super().write(kind, identifier, data)
            self.writes += 1
            if self.writes == 3:
                refreshed.set()

    clock = Clock()
    _, repository = make_repository(storage=Noting())
    lock = take_shared_lock(repository, OWN, clock=clock, refresh_every=0.001)
    clock.now_ns += 5 * SECOND
    assert refreshed.wait(10)
    lock.release()
    assert locks(repository) == set()
    assert lock.refresh_error is None


def test_refreshment_that_fails_is_told_and_tried_again() -> None:
    failed = threading.Event()

    class Failing(MemoryStorage):
        writes = 0

        def write(self, kind: Kind, identifier: bytes, data: BytesLike) -> None:
            self.writes += 1
            if self.writes == 3:
                failed.set()
            if self.writes > 1:
                raise StorageUnavailable("no writing now")
            super().write(kind, identifier, data)

    _, repository = make_repository(storage=Failing())
    lock = take_shared_lock(repository, OWN, refresh_every=0.001)
    assert failed.wait(10)
    lock.release()
    assert isinstance(lock.refresh_error, StorageUnavailable)


def test_lock_that_is_damaged_is_named() -> None:
    _, repository = make_repository()
    repository.storage.write(Kind.LOCK, OTHER, b"garbage" * 20)
    with pytest.raises(Damaged, match=OTHER.hex()):
        read_lock(repository, OTHER)
