"""Locks between programs: taking them, waiting for those of others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.kloset.errors import Locked, StorageUnavailable
from caldav_backup.kloset.locks import (
    POLL_EVERY,
    STALE_AFTER,
    Lock,
    exclusive_lock,
    read_lock,
    shared_lock,
    take_exclusive_lock,
    take_shared_lock,
)
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.storage import Kind, MemoryStorage
from tests.kloset.lock_stories import MINUTE, NOW, OTHER, OWN, Clock, hold, locks, old_lock, put_lock, timed_repository
from tests.kloset.test_objects import names

VECTOR = bytes.fromhex(
    "84a776657273696f6ece00010000a974696d657374616d70d6ff6553f100a8686f73746e616d65a2766da96578636c7573697665c2"
)


def test_lock_of_the_format_vector_is_encoded_to_the_byte() -> None:
    lock = Lock(NOW, "vm", exclusive=False)
    assert lock.to_bytes() == VECTOR
    assert Lock.from_bytes(VECTOR) == lock


@given(st.builds(Lock, st.integers(-(2**60), 2**60), names, st.booleans(), st.integers(0, 2**32 - 1)))
def test_lock_survives_the_round_trip(lock: Lock) -> None:
    assert Lock.from_bytes(lock.to_bytes()) == lock


@pytest.mark.parametrize("encrypted", [False, True])
def test_shared_lock_is_there_while_it_is_held(encrypted: bool) -> None:
    clock = Clock()
    repository = timed_repository(clock, encrypted=encrypted)
    with shared_lock(repository, OWN, clock=clock):
        lock = read_lock(repository, OWN)
        assert (lock.timestamp_ns, lock.exclusive) == (NOW, False)
    assert locks(repository) == set()


def test_exclusive_lock_is_there_while_it_is_held() -> None:
    clock = Clock()
    repository = timed_repository(clock)
    with exclusive_lock(repository, clock=clock) as held:
        assert locks(repository) == {held.identifier}
        assert read_lock(repository, held.identifier).exclusive
    assert locks(repository) == set()


def test_lock_is_given_up_after_an_error() -> None:
    repository = timed_repository(Clock())

    def fail() -> None:
        with shared_lock(repository, OWN):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert locks(repository) == set()


def test_shared_locks_do_not_exclude_each_other() -> None:
    repository = timed_repository(Clock())
    with shared_lock(repository, OWN), shared_lock(repository, OTHER):
        assert locks(repository) == {OWN, OTHER}


@pytest.mark.parametrize("exclusive", [False, True])
def test_exclusive_lock_is_excluded_by_any_other(exclusive: bool) -> None:
    clock = Clock()
    repository = timed_repository(clock)
    old_lock(repository, clock, MINUTE, exclusive=exclusive)
    with pytest.raises(Locked, match="maintenance by nas" if exclusive else "a backup or sync by nas"):
        take_exclusive_lock(repository, clock=clock)
    assert locks(repository) == {OTHER}


def test_exclusive_lock_stops_at_once_and_says_who_and_since_when() -> None:
    clock = Clock()
    repository = timed_repository(clock)
    old_lock(repository, clock, 3 * MINUTE)
    with pytest.raises(Locked, match=r"\(exclusive\) for .* nas .*3 min ago.*try again.*caldav-backup unlock"):
        take_shared_lock(repository, OWN, clock=clock, sleep=clock.sleep)
    assert clock.naps == []
    assert locks(repository) == {OTHER}


def test_waiting_ends_when_the_lock_goes_away() -> None:
    clock = Clock()
    repository = timed_repository(clock)
    put_lock(repository, Lock(NOW, "nas", exclusive=True))
    seen: list[set[bytes]] = []
    told: list[str] = []

    def after_five() -> None:
        seen.append(locks(repository))
        if len(clock.naps) == 5:
            repository.storage.delete(Kind.LOCK, OTHER)

    clock.on_sleep = after_five
    lock = take_shared_lock(repository, OWN, wait=60, clock=clock, sleep=clock.sleep, tell=told.append)
    assert locks(repository) == {OWN}
    # Nothing of this program stands in the way of the other while it waits.
    assert seen == [{OTHER}] * 5
    assert told == ["maintenance by nas (last sign of life less than a minute ago)"]
    lock.release()
    lock.release()
    assert locks(repository) == set()


def test_waiting_ends_when_the_time_is_over() -> None:
    clock = Clock()
    repository = timed_repository(clock)
    put_lock(repository, Lock(NOW, "", exclusive=True))
    with pytest.raises(Locked, match="unnamed host"):
        take_shared_lock(repository, OWN, wait=7, clock=clock, sleep=clock.sleep)
    assert sum(clock.naps) == 7
    assert locks(repository) == {OTHER}


def test_who_waits_writes_no_lock_that_others_would_stumble_over() -> None:
    class Counting(MemoryStorage):
        written = 0

        def write(self, kind: Kind, identifier: bytes, data: object) -> None:
            super().write(kind, identifier, data)  # type: ignore[arg-type]
            self.written += 1

    clock, storage = Clock(), Counting()
    repository = timed_repository(clock, storage)
    put_lock(repository, Lock(NOW, "nas", exclusive=False))
    before = storage.written
    with pytest.raises(Locked):
        take_exclusive_lock(repository, wait=60, clock=clock, sleep=clock.sleep)
    assert len(clock.naps) >= 60 / POLL_EVERY / 2
    assert storage.written == before + 1


def test_a_wait_that_is_interrupted_leaves_no_lock() -> None:
    clock = Clock()
    repository = timed_repository(clock)
    put_lock(repository, Lock(NOW, "nas", exclusive=True))

    def interrupt() -> None:
        raise KeyboardInterrupt

    clock.on_sleep = interrupt
    with pytest.raises(KeyboardInterrupt):
        take_exclusive_lock(repository, wait=60, clock=clock, sleep=clock.sleep)
    assert locks(repository) == {OTHER}


def test_two_who_want_the_store_alone_get_it_one_after_the_other() -> None:
    clock = Clock()
    repository = timed_repository(clock)
    first = hold(repository, clock, OTHER, exclusive=True)
    # While the first one works the second waits; when it is done the second gets it.
    clock.on_sleep = lambda: first.release() if len(clock.naps) == 3 else None
    with exclusive_lock(repository, wait=60, clock=clock, sleep=clock.sleep) as second:
        assert locks(repository) == {second.identifier}
        with pytest.raises(Locked):
            take_exclusive_lock(repository, clock=clock)


def test_two_who_come_at_once_both_withdraw_and_do_not_meet_again() -> None:
    class Meeting(MemoryStorage):
        """Between the lock that is written first and the look for others, somebody else's is written, too."""

        meets = True

        def write(self, kind: Kind, identifier: bytes, data: object) -> None:
            super().write(kind, identifier, data)  # type: ignore[arg-type]
            if self.meets:
                self.meets = False
                put_lock(repository, Lock(NOW, "nas", exclusive=True))

    clock = Clock()
    repository = timed_repository(clock, Meeting())
    clock.on_sleep = lambda: repository.storage.delete(Kind.LOCK, OTHER)
    with exclusive_lock(repository, wait=60, clock=clock, sleep=clock.sleep):
        assert len(clock.naps) == 1


def test_lock_that_nobody_refreshed_for_ten_minutes_is_removed() -> None:
    clock = Clock()
    repository = timed_repository(clock)
    old_lock(repository, clock, STALE_AFTER)
    with shared_lock(repository, OWN, clock=clock):
        assert locks(repository) == {OWN}
    old_lock(repository, clock, STALE_AFTER - 1)
    with pytest.raises(Locked):
        take_shared_lock(repository, OWN, clock=clock)


def test_lock_that_plakar_left_behind_is_waited_for_and_then_removed() -> None:
    clock = Clock()
    repository = timed_repository(clock)
    old_lock(repository, clock, MINUTE, exclusive=False)
    with exclusive_lock(repository, wait=15 * 60, clock=clock, sleep=clock.sleep) as lock:
        assert locks(repository) == {lock.identifier}
    assert 9 * 60 <= sum(clock.naps) < 9 * 60 + 2 * POLL_EVERY


@pytest.mark.parametrize("content", [b"", b"garbage" * 20])
def test_lock_that_cannot_be_read_is_left_alone_and_told(content: bytes) -> None:
    repository = timed_repository(Clock())
    repository.storage.write(Kind.LOCK, OTHER, content)
    with shared_lock(repository, OWN) as lock:
        assert lock.undecodable == (OTHER,)
    assert locks(repository) == {OTHER}


def test_lock_of_a_newer_program_keeps_maintenance_away_as_long_as_it_is_refreshed() -> None:
    clock = Clock()
    repository = timed_repository(clock)
    repository.storage.write(Kind.LOCK, OTHER, repository.seal_file(ResourceType.LOCK, 0x00020000, b""))
    with pytest.raises(Locked, match="cannot be read"):
        take_exclusive_lock(repository, clock=clock)
    with shared_lock(repository, OWN, clock=clock) as lock:
        assert lock.undecodable == (OTHER,)
    clock.now_ns += STALE_AFTER
    with exclusive_lock(repository, clock=clock) as lock:
        assert locks(repository) == {OTHER, lock.identifier}


def test_trouble_with_the_locks_leaves_none_behind() -> None:
    class Failing(MemoryStorage):
        def read(self, kind: Kind, identifier: bytes) -> bytes:
            raise StorageUnavailable(f"no reading {kind.noun} {identifier.hex()} now")

    repository = timed_repository(Clock(), Failing())
    put_lock(repository, Lock(NOW, "nas", exclusive=True))
    with pytest.raises(StorageUnavailable):
        take_shared_lock(repository, OWN)
    assert locks(repository) == {OTHER}
