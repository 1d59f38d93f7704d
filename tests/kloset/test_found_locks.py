"""Whose locks lie in a store, and which of them count for nothing."""

from __future__ import annotations

import pytest

from caldav_backup.kloset.errors import Damaged, Locked
from caldav_backup.kloset.found_locks import Moment, find_locks, list_locks, read_lock
from caldav_backup.kloset.lock import STALE_AFTER, Lock
from caldav_backup.kloset.locks import take_exclusive_lock, take_shared_lock
from caldav_backup.kloset.storage import Kind, MemoryStorage
from tests.kloset.lock_stories import HOUR, MINUTE, NOW, OTHER, OWN, Clock, locks, old_lock, put_lock, timed_repository


def test_locks_are_listed_with_age_and_owner_the_youngest_first() -> None:
    clock = Clock()
    repository = timed_repository(clock)
    old_lock(repository, clock, 11 * MINUTE, name=b"c" * 32)
    old_lock(repository, clock, 2 * MINUTE, exclusive=False, name=b"a" * 32)
    repository.storage.write(Kind.LOCK, b"b" * 32, b"garbage")
    young, *others = [
        (each.identifier[:1], each.lock and each.lock.hostname, each.age_ns, each.is_exclusive, each.is_stale)
        for each in list_locks(repository, clock=clock)
    ]
    assert young == (b"b", None, 0, False, False)
    assert others == [(b"a", "nas", 2 * MINUTE, False, False), (b"c", "nas", 11 * MINUTE, True, True)]
    assert (b"b" * 32).hex() in list_locks(repository, clock=clock)[0].problem


@pytest.mark.parametrize("behind", [-24 * HOUR, -HOUR, -11 * MINUTE, 11 * MINUTE, HOUR, 24 * HOUR])
def test_live_lock_of_a_machine_whose_clock_is_off_is_never_broken(behind: int) -> None:
    clock = Clock()
    repository = timed_repository(clock)
    put_lock(repository, Lock(NOW - behind, "nas", exclusive=True))
    with pytest.raises(Locked):
        take_shared_lock(repository, OWN, clock=clock)
    with pytest.raises(Locked):
        take_exclusive_lock(repository, clock=clock)
    assert locks(repository) == {OTHER}


@pytest.mark.parametrize("off", [-24 * HOUR, -HOUR, HOUR, 24 * HOUR])
def test_live_lock_is_not_broken_by_a_machine_whose_own_clock_is_off(off: int) -> None:
    clock = Clock()
    repository = timed_repository(clock)
    put_lock(repository, Lock(NOW - MINUTE, "nas", exclusive=True))
    with pytest.raises(Locked):
        take_shared_lock(repository, OWN, clock=Clock(NOW + off))
    assert locks(repository) == {OTHER}


@pytest.mark.parametrize("off", [-24 * HOUR, 0, 24 * HOUR])
def test_dead_lock_is_broken_also_where_the_own_clock_is_off_from_that_of_the_storage(off: int) -> None:
    clock = Clock()
    repository = timed_repository(clock)
    old_lock(repository, clock, STALE_AFTER)
    take_shared_lock(repository, OWN, clock=Clock(NOW + off)).release()
    assert locks(repository) == set()


def test_live_lock_on_a_storage_that_dates_files_wrongly_is_not_broken() -> None:
    clock = Clock()
    repository = timed_repository(clock)
    clock.now_ns = 0
    put_lock(repository, Lock(NOW, "nas", exclusive=True))
    clock.now_ns = NOW
    assert [each.is_stale for each in find_locks(repository, Moment.of(NOW, NOW))] == [False]


def test_lock_that_is_gone_before_it_is_read_is_no_obstacle() -> None:
    class Racing(MemoryStorage):
        def read(self, kind: Kind, identifier: bytes) -> bytes:
            self.delete(kind, identifier)
            return super().read(kind, identifier)

    repository = timed_repository(Clock(), Racing())
    put_lock(repository, Lock(NOW, "nas", exclusive=True))
    assert list_locks(repository) == []


def test_lock_that_is_damaged_is_named() -> None:
    repository = timed_repository(Clock())
    repository.storage.write(Kind.LOCK, OTHER, b"garbage" * 20)
    with pytest.raises(Damaged, match=OTHER.hex()):
        read_lock(repository, OTHER)
