"""A lock that is held: kept fresh, dated, found missing, confirmed."""

from __future__ import annotations

import threading

import pytest

from caldav_backup.kloset.errors import LockLost, StorageUnavailable
from caldav_backup.kloset.held_lock import BEHIND, CONFIRMED_FOR, LOOKS
from caldav_backup.kloset.lock import Lock
from caldav_backup.kloset.locks import read_lock, take_shared_lock
from caldav_backup.kloset.resources import BytesLike
from caldav_backup.kloset.storage import Kind, MemoryStorage
from tests.kloset.lock_stories import (
    HOUR,
    MINUTE,
    NOW,
    OTHER,
    OWN,
    Clock,
    hold,
    locks,
    old_lock,
    put_lock,
    timed_repository,
)


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
    repository = timed_repository(clock, Noting())
    lock = take_shared_lock(repository, OWN, clock=clock, refresh_every=0.001)
    clock.now_ns += 5 * MINUTE
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

    clock = Clock()
    repository = timed_repository(clock, Failing())
    lock = take_shared_lock(repository, OWN, clock=clock, refresh_every=0.001)
    assert failed.wait(10)
    lock.release()
    assert isinstance(lock.refresh_error, StorageUnavailable)


def test_lock_that_cannot_be_removed_tells_why() -> None:
    class Sticky(MemoryStorage):
        def delete(self, kind: Kind, identifier: bytes) -> None:
            raise StorageUnavailable(f"no deleting {kind.noun} {identifier.hex()} now")

    clock = Clock()
    held = hold(timed_repository(clock, Sticky()), clock)
    held.release()
    assert isinstance(held.release_error, StorageUnavailable)


@pytest.mark.parametrize("behind", [BEHIND + 1, 11 * MINUTE, 24 * HOUR])
def test_lock_of_a_clock_that_is_behind_is_dated_by_the_storage(behind: int) -> None:
    clock, own = Clock(), Clock(NOW - behind)
    repository = timed_repository(clock)
    held = hold(repository, own)
    assert read_lock(repository, OWN).timestamp_ns == NOW
    own.now_ns += MINUTE
    clock.now_ns += MINUTE
    held.refresh()
    assert read_lock(repository, OWN).timestamp_ns == NOW + MINUTE


@pytest.mark.parametrize("behind", [BEHIND, 0, -HOUR])
def test_lock_of_a_clock_that_is_right_or_ahead_is_dated_by_it(behind: int) -> None:
    repository = timed_repository(Clock())
    hold(repository, Clock(NOW - behind))
    assert read_lock(repository, OWN).timestamp_ns == NOW - behind


@pytest.mark.parametrize("exclusive", [False, True])
def test_lock_that_was_confirmed_just_now_is_not_written_again(exclusive: bool) -> None:
    clock = Clock()
    repository = timed_repository(clock)
    held = hold(repository, clock, exclusive=exclusive)
    clock.now_ns += CONFIRMED_FOR
    held.confirm()
    assert read_lock(repository, OWN).timestamp_ns == NOW
    clock.now_ns += 1
    held.confirm()
    assert read_lock(repository, OWN).timestamp_ns == clock.now_ns
    assert not held.was_lost


def test_lock_is_looked_at_anew_after_the_clock_was_put_back() -> None:
    clock = Clock()
    repository = timed_repository(clock)
    held = hold(repository, clock, exclusive=True)
    clock.now_ns -= HOUR
    held.confirm()
    assert read_lock(repository, OWN).timestamp_ns == clock.now_ns


def test_shared_lock_whose_file_is_gone_is_written_again_and_tells() -> None:
    clock = Clock()
    repository = timed_repository(clock)
    held = hold(repository, clock)
    repository.storage.delete(Kind.LOCK, OWN)
    held.confirm()
    assert locks(repository) == {OWN}
    assert held.was_lost


@pytest.mark.parametrize("noticed_by", ["confirm", "refresh"])
def test_exclusive_lock_whose_file_is_gone_is_lost_for_good(noticed_by: str) -> None:
    clock = Clock()
    repository = timed_repository(clock)
    held = hold(repository, clock, exclusive=True)
    repository.storage.delete(Kind.LOCK, OWN)
    for _ in range(2):
        with pytest.raises(LockLost, match=r"was lost.*Try again"):
            getattr(held, noticed_by)()
    assert locks(repository) == set()


def test_lock_of_somebody_who_gives_way_is_no_loss() -> None:
    clock = Clock()
    repository = timed_repository(clock)
    held = hold(repository, clock)
    clock.now_ns += MINUTE
    put_lock(repository, Lock(clock.now_ns, "nas", exclusive=True))
    clock.on_sleep = lambda: repository.storage.delete(Kind.LOCK, OTHER)
    held.confirm()
    assert len(clock.naps) == 1
    assert not held.was_lost


@pytest.mark.parametrize("exclusive", [False, True])
def test_lock_beside_which_somebody_else_goes_on_working_is_lost(exclusive: bool) -> None:
    clock = Clock()
    repository = timed_repository(clock)
    held = hold(repository, clock, exclusive=exclusive)
    clock.now_ns += MINUTE
    put_lock(repository, Lock(clock.now_ns, "", exclusive=True))
    with pytest.raises(LockLost, match="an unnamed host"):
        held.confirm()
    assert len(clock.naps) == LOOKS


def test_lock_that_somebody_removes_as_soon_as_it_is_written_is_found_to_be_lost() -> None:
    class Hostile(MemoryStorage):
        def write(self, kind: Kind, identifier: bytes, data: BytesLike) -> None:
            super().write(kind, identifier, data)
            self.delete(kind, identifier)

    clock = Clock()
    repository = timed_repository(clock, Hostile())
    held = hold(repository, clock, exclusive=True)
    with pytest.raises(LockLost):
        held.confirm()


def test_refreshed_lock_outlives_the_look_of_somebody_else() -> None:
    clock = Clock()
    repository = timed_repository(clock)
    held = hold(repository, clock)
    clock.now_ns += 9 * MINUTE
    held.refresh()
    clock.now_ns += 9 * MINUTE
    old_lock(repository, clock, 11 * MINUTE)
    hold(repository, clock, b"s" * 32)
    assert locks(repository) == {OWN, b"s" * 32}


def test_a_lock_that_was_well_all_the_time_is_no_trouble() -> None:
    clock = Clock()
    held = hold(timed_repository(clock), clock)
    held.release()
    assert held.troubles == []


def test_what_a_person_should_know_of_the_locks_is_told() -> None:
    class Sticky(MemoryStorage):
        def delete(self, kind: Kind, identifier: bytes) -> None:
            raise StorageUnavailable(f"no deleting {kind.noun} {identifier.hex()} now")

    clock = Clock()
    storage = Sticky()
    repository = timed_repository(clock, storage)
    storage.write(Kind.LOCK, OTHER, b"garbage")
    held = hold(repository, clock)
    assert "has a lock that cannot be read" in held.troubles[0]
    storage.write(Kind.LOCK, b"y" * 32, b"garbage")
    storage.files.pop((Kind.LOCK, OWN))
    held.confirm()
    held.release()
    unreadable, lost, stays = held.troubles
    assert "has 2 locks that cannot be read" in unreadable
    assert "removed the lock" in lost
    assert "stays behind" in stays
