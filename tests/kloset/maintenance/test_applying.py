"""Maintenance is carried out in an order that no interruption can make harmful."""

from __future__ import annotations

import pytest

from caldav_backup.kloset.errors import Locked, LockLost, StorageNotWritable
from caldav_backup.kloset.locks import exclusive_lock, take_shared_lock
from caldav_backup.kloset.maintenance.applying import apply_maintenance
from caldav_backup.kloset.maintenance.grace import DAY, DEFAULT_GRACE
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.storage import Kind, MemoryStorage
from tests.kloset.maintenance.worlds import World, calendar, contents
from tests.kloset.stores import body


def removed_backup() -> tuple[World, set[bytes]]:
    """A store with a live and a removed snapshot, and the packfiles of the latter."""
    world = World()
    world.backup(calendar("a"))
    kept = world.packfiles
    world.remove(world.backup(calendar("b")))
    return world, world.packfiles - kept


def test_what_is_removed_goes_after_two_maintenances_and_a_week() -> None:
    world, dead = removed_backup()
    (kept,) = map(world.repository.snapshot, world.repository.index.snapshot_ids())
    before = list(contents(kept))
    assert {each.identifier for each in world.maintain().plan.colour} == dead
    assert dead <= world.packfiles
    assert all(map(world.is_coloured, dead))
    world.day = 6.9
    assert world.maintain().plan.is_empty
    world.day = 7.1
    done = world.maintain()
    assert {each.identifier for each in done.plan.sweep} == dead
    assert done.freed_bytes > 0
    assert not dead & world.packfiles
    assert not any(map(world.is_coloured, dead))
    assert not dead & set(world.open().index.packfiles)
    assert list(contents(world.open().snapshot(kept.header.identifier))) == before
    assert list(world.open().check(read_data=True)) == []


def test_nothing_to_do_writes_nothing() -> None:
    world = World()
    world.backup(calendar("a"))
    before = dict(world.storage.files)
    assert world.maintain().plan.is_empty
    assert world.storage.files == before


def test_colour_is_taken_back_where_a_snapshot_needs_the_packfile() -> None:
    world = World()
    snapshot = world.backup(calendar("a"))
    world.colour(*world.packfiles, day=-30)
    world.maintain()
    assert not any(map(world.is_coloured, world.packfiles))
    assert list(contents(world.open().snapshot(snapshot.header.identifier)))


@pytest.mark.full
def test_what_was_taken_back_can_be_coloured_again_with_a_new_time() -> None:
    world = World()
    snapshot = world.backup(calendar("a"))
    world.colour(*world.packfiles, day=-30)
    world.maintain()
    world.remove(snapshot)
    world.maintain()
    assert world.maintain().plan.sweep == ()
    world.day = 8
    assert len(world.maintain().plan.sweep) == 1
    assert world.packfiles == set()


def test_dead_copy_goes_and_the_other_one_stays() -> None:
    world = World()
    only = world.place([(ResourceType.CHUNK, body(0, "a"))])
    snapshot = world.backup(calendar("a"))
    copy = world.copy(only)
    world.colour(only, day=-10)
    world.maintain()
    assert only not in world.packfiles
    assert copy in world.packfiles
    assert list(contents(world.open().snapshot(snapshot.header.identifier)))


def test_locations_of_no_packfile_are_forgotten() -> None:
    world = World()
    packfile = world.place([(ResourceType.CHUNK, b"x")])
    names = list(world.repository.index.locations_in(packfile))
    world.delete_packfile_entry(packfile)
    world.storage.delete(Kind.PACKFILE, packfile)
    world.relocate(packfile, names)
    world.maintain()
    assert world.open().index.locations_in(packfile) == {}
    assert world.maintain().plan.is_empty


@pytest.mark.full
def test_backup_that_runs_keeps_maintenance_out() -> None:
    world, dead = removed_backup()
    world.colour(*dead, day=-30)
    lock = take_shared_lock(world.repository, b"b" * 32, clock=world.clock)
    with pytest.raises(Locked):
        world.maintain()
    lock.release()
    assert dead <= world.packfiles
    world.maintain()
    assert not dead & world.packfiles


def test_lock_that_was_lost_stops_before_anything_is_written() -> None:
    world, dead = removed_backup()
    world.colour(*dead, day=-30)
    states = world.states
    with exclusive_lock(world.repository, clock=world.clock) as lock:
        world.storage.delete(Kind.LOCK, lock.identifier)
        with pytest.raises(LockLost):
            apply_maintenance(world.repository, lock, grace_ns=DEFAULT_GRACE, clock=world.clock)
    assert (world.states, dead <= world.packfiles) == (states, True)


class Guarded(MemoryStorage):
    """Removes the lock before the first packfile goes, or refuses to delete one of them."""

    refused: bytes = b""
    loses_lock = False

    def delete(self, kind: Kind, identifier: bytes) -> None:
        if kind is Kind.PACKFILE and identifier == self.refused:
            raise StorageNotWritable("permission denied")
        super().delete(kind, identifier)

    def write(self, kind: Kind, identifier: bytes, data: bytes) -> None:  # type: ignore[override]
        super().write(kind, identifier, data)
        if kind is Kind.STATE and self.loses_lock:
            for lock in list(self.ids(Kind.LOCK)):
                super().delete(Kind.LOCK, lock)


@pytest.mark.full
def test_lock_that_is_lost_behind_the_commit_stops_before_files_go() -> None:
    world, dead = removed_backup()
    world.colour(*dead, day=-30)
    guarded = world.guard(Guarded())
    guarded.loses_lock = True
    with pytest.raises(LockLost):
        world.maintain()
    guarded.loses_lock = False
    assert dead <= world.packfiles
    # They are packfiles that no state names now, and go as such.
    world.day = 8
    assert {each.identifier for each in world.maintain().plan.colour} == dead
    world.day = 16
    world.maintain()
    assert not dead & world.packfiles


def test_file_that_cannot_be_deleted_keeps_no_other_back() -> None:
    world, dead = removed_backup()
    more = world.place([(ResourceType.CHUNK, b"more")])
    world.colour(more, *dead, day=-30)
    guarded = world.guard(Guarded())
    guarded.refused = min({more, *dead})
    done = world.maintain()
    assert [(each.packfile.identifier, each.reason) for each in done.undeleted] == [
        (guarded.refused, "permission denied")
    ]
    assert {more, *dead} & world.packfiles == {guarded.refused}
    assert done.freed_bytes == done.plan.freed_bytes - done.undeleted[0].packfile.size


# Clocks


@pytest.mark.full
def test_clock_that_is_ahead_of_the_storage_deletes_nothing_early() -> None:
    world, dead = removed_backup()
    world.colour(*dead)
    world.day, world.storage_day = 400, 2
    assert world.maintain().plan.is_empty
    world.storage_day = 8
    world.maintain()
    assert not dead & world.packfiles


@pytest.mark.full
def test_colour_of_a_clock_that_is_behind_is_dated_by_what_was_written_before() -> None:
    world, dead = removed_backup()
    world.day = -5000
    world.maintain()
    world.day = 6
    assert world.maintain().plan.is_empty
    world.day = 8
    world.maintain()
    assert not dead & world.packfiles


@pytest.mark.full
def test_grace_period_of_nothing_takes_a_second_maintenance() -> None:
    world, dead = removed_backup()
    assert {each.identifier for each in world.maintain(grace_ns=0).plan.colour} == dead
    world.day = 60 / DAY
    world.maintain(grace_ns=0)
    assert not dead & world.packfiles
