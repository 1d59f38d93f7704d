"""What is coloured, deleted, kept and refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from caldav_backup.kloset.errors import Damaged, UnsupportedStore
from caldav_backup.kloset.maintenance.grace import DAY, DEFAULT_GRACE
from caldav_backup.kloset.maintenance.plan import Why
from caldav_backup.kloset.maintenance.planning import plan_maintenance
from caldav_backup.kloset.repository import Repository, read_configuration
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.storage import Kind, MemoryStorage
from caldav_backup.kloset.unlocking import Unlocked
from tests.kloset.conftest import load_golden
from tests.kloset.maintenance.worlds import World, calendar
from tests.kloset.stores import body, damage, make_repository
from tests.kloset.test_golden import NAMES


def test_store_of_live_snapshots_is_left_alone() -> None:
    world = World(encrypted=True)
    world.backup(calendar("a"))
    world.backup(calendar("b"))
    plan = world.plan()
    assert plan.is_empty
    assert (plan.snapshots, plan.waiting, plan.held, plan.room.dead) == (2, (), (), 0)
    assert plan.room.live > 0


def test_empty_store_has_nothing_to_do() -> None:
    assert World().plan().is_empty


def test_what_only_removed_snapshots_need_is_coloured_with_its_size() -> None:
    world = World()
    world.backup(calendar("a"))
    kept = world.packfiles
    world.remove(world.backup(calendar("b")))
    plan = world.plan()
    assert {each.identifier for each in plan.colour} == world.packfiles - kept
    assert {each.why for each in plan.colour} == {Why.UNUSED}
    assert plan.coloured_bytes == sum(len(world.storage.files[Kind.PACKFILE, each.identifier]) for each in plan.colour)
    assert plan.freed_bytes == 0


def test_packfile_of_which_one_blob_is_live_is_kept_and_what_is_dead_in_it_counted() -> None:
    world = World()
    first = world.backup(calendar("a"))
    world.backup(lambda builder: builder.keep_directory("/work", parent=first))
    world.remove(first)
    plan = world.plan()
    assert plan.is_empty
    assert plan.room.dead > 0


def test_blobs_that_two_packfiles_hold_keep_both() -> None:
    world = World()
    world.backup(calendar("a"))
    chunk = b"BEGIN:VCALENDAR\r\nX-NUMBER:0a\r\nEND:VCALENDAR\r\n"
    copy = world.place([(ResourceType.CHUNK, chunk)])
    assert world.plan().is_empty
    assert copy in world.packfiles


def test_coloured_packfile_waits_for_its_time() -> None:
    world = World()
    dead = world.place([(ResourceType.CHUNK, b"dead")])
    world.colour(dead)
    plan = world.plan()
    assert plan.is_empty
    (waiting,) = plan.waiting
    assert waiting.identifier == dead
    assert waiting.size == plan.waiting_bytes > 4096
    assert plan.next_due_ns == waiting.due_ns
    assert abs(waiting.due_ns - world.clock() - 7 * DAY) < DAY
    world.day = 7
    assert [each.identifier for each in world.plan().sweep] == [dead]
    assert world.plan().freed_bytes == waiting.size


def test_grace_period_is_a_choice() -> None:
    world = World()
    dead = world.place([(ResourceType.CHUNK, b"dead")])
    world.colour(dead, day=-2)
    assert world.plan().sweep == ()
    assert [each.identifier for each in world.plan(grace_ns=DAY).sweep] == [dead]


def test_colour_from_the_future_waits_until_then() -> None:
    world = World()
    dead = world.place([(ResourceType.CHUNK, b"dead")])
    world.colour(dead, day=100)
    world.day = 106
    assert world.plan().sweep == ()
    world.day = 108
    assert [each.identifier for each in world.plan().sweep] == [dead]


@pytest.mark.parametrize("day", [0, 30])
def test_coloured_packfile_that_a_snapshot_needs_loses_its_colour_at_once(day: float) -> None:
    world = World()
    world.backup(calendar("a"))
    world.colour(*world.packfiles)
    world.day = day
    plan = world.plan()
    assert {each.identifier for each in plan.uncolour} == world.packfiles
    assert plan.sweep == ()


@pytest.mark.full
def test_coloured_packfile_goes_when_all_that_is_needed_lies_elsewhere_too() -> None:
    world = World()
    world.backup(calendar("a"))
    coloured = world.packfiles
    world.colour(*coloured)
    # Nothing in a coloured packfile counts as stored, so everything is stored again.
    again = world.backup(calendar("a"))
    world.day = 8
    plan = world.plan()
    assert {each.identifier for each in plan.uncolour} == coloured
    world.remove(
        *(
            each
            for each in map(world.repository.snapshot, world.repository.index.snapshot_ids())
            if each.header.identifier != again.header.identifier
        )
    )
    plan = world.plan()
    assert {each.identifier for each in plan.sweep} == coloured
    assert plan.uncolour == ()


@pytest.mark.parametrize("harm", ["none", "bytes", "file", "colour"])
def test_copy_counts_only_when_it_can_be_read(harm: str) -> None:
    world = World()
    before = world.packfiles
    snapshot = world.backup(calendar("a"))
    (first,) = world.packfiles - before
    copy = world.copy(first)
    world.colour(first, day=-30)
    place = next(
        each
        for each in world.repository.index.find_locations(ResourceType.SNAPSHOT, snapshot.header.identifier)
        if each.packfile == copy
    )
    if harm == "bytes":
        damage(world.storage, Kind.PACKFILE, copy, 16 + place.offset + place.length - 1)
    elif harm == "file":
        world.storage.delete(Kind.PACKFILE, copy)
    elif harm == "colour":
        world.colour(copy)
    plan = world.plan()
    assert [each.identifier for each in plan.sweep] == ([first] if harm == "none" else [])
    assert {each.identifier for each in plan.uncolour} == {"none": set(), "colour": {first, copy}}.get(harm, {first})


# Packfiles that no state names


def test_orphan_that_is_older_than_the_grace_period_is_coloured() -> None:
    world = World()
    old = world.pack([(ResourceType.CHUNK, b"old")], day=-8)
    young = world.pack([(ResourceType.CHUNK, b"young")], day=-6)
    plan = world.plan()
    assert [(each.identifier, each.why) for each in plan.colour] == [(old, Why.ORPHAN)]
    ((held, size, reason, _),) = plan.held
    assert (held, size) == (young, len(world.storage.files[Kind.PACKFILE, young]))
    assert "it is too new" in reason


def test_orphan_from_the_future_is_held() -> None:
    world = World()
    world.pack([(ResourceType.CHUNK, b"x")], day=50)
    world.day = 55
    assert (world.plan().colour, len(world.plan().held)) == ((), 1)


def test_orphan_whose_file_is_young_is_held_whatever_its_footer_says() -> None:
    world = World()
    packfile = world.pack([(ResourceType.CHUNK, b"x")], day=-400)
    world.storage.write(Kind.PACKFILE, packfile, world.storage.files[Kind.PACKFILE, packfile])
    assert (world.plan().colour, len(world.plan().held)) == ((), 1)


def test_orphan_that_cannot_be_read_is_judged_by_its_file_and_shown() -> None:
    world = World()
    world.storage_day = -6
    world.storage.write(Kind.PACKFILE, b"r" * 32, b"rubbish")
    assert [each.identifier for each in world.plan().held] == [b"r" * 32]
    world.day = 2
    assert [(each.identifier, each.why) for each in world.plan().colour] == [(b"r" * 32, Why.UNREADABLE)]


def test_orphan_that_was_coloured_by_another_program_is_deleted_in_time() -> None:
    world = World()
    packfile = world.pack([(ResourceType.CHUNK, b"x")], day=-20)
    world.colour(packfile, day=-8)
    assert [each.identifier for each in world.plan().sweep] == [packfile]


def test_snapshot_that_no_state_names_is_held_with_all_that_may_belong_to_it() -> None:
    """Its state was lost, or its run was killed before it wrote one: a repair brings it back."""
    world = World()
    snapshot = world.backup(calendar("a"))
    older = world.pack([(ResourceType.CHUNK, b"older")], day=-3)
    of_lost = world.packfiles
    for state in world.states:
        world.storage.delete(Kind.STATE, state)
    world.day = 30
    later = world.pack([(ResourceType.CHUNK, b"later")], day=10)
    plan = world.plan()
    assert [each.identifier for each in plan.colour] == [later]
    assert {each.identifier for each in plan.held} == of_lost
    assert {each.reason for each in plan.held} == {"it may belong to a snapshot that no state names; run `repair`"}
    (described,) = {text for each in plan.held for text in each.snapshots}
    assert described.startswith(f"{snapshot.header.identifier.hex()[:8]} (home, ")
    # plakar marks them all the same.
    world.repository = world.open()
    world.colour(*of_lost, day=5)
    plan = world.plan()
    assert {each.identifier for each in plan.uncolour} == of_lost
    assert older in of_lost


def test_orphans_are_held_while_a_state_is_missing_that_may_have_named_them() -> None:
    world = World()
    lost = world.backup(calendar("a"))
    of_lost = world.packfiles
    later = world.place([(ResourceType.CHUNK, b"later")])
    world.storage.delete(Kind.STATE, lost.header.identifier)
    world.day = 30
    late = world.pack([(ResourceType.CHUNK, b"x")], day=20)
    plan = world.plan()
    assert {each.identifier for each in plan.held} == of_lost
    assert {each.reason for each in plan.held} == {
        "a state is missing that may have named it; run `check`, then `repair`"
    }
    assert {each.identifier for each in plan.colour} == {later, late}
    # plakar does not look for lost states, and colours them.
    world.colour(*of_lost, day=15)
    assert {each.identifier for each in world.plan().uncolour} == of_lost


class ListsWhatIsNotThere(MemoryStorage):
    """As a directory with a packfile in a wrong bucket."""

    def ids(self, kind: Kind) -> Iterator[bytes]:
        yield from super().ids(kind)
        if kind is Kind.PACKFILE:
            yield b"m" * 32


def test_packfile_that_lies_in_a_wrong_place_is_held() -> None:
    _, repository = make_repository(storage=ListsWhatIsNotThere())
    ((held, size, reason, _),) = plan_maintenance(repository, grace_ns=0, now_ns=1 << 62).held
    assert (held, size) == (b"m" * 32, 0)
    assert "it does not lie where its name belongs" in reason


# Locations


def test_location_in_a_packfile_that_no_state_names_is_forgotten() -> None:
    world = World()
    packfile = world.place([(ResourceType.CHUNK, b"x")])
    rows = list(world.repository.index.locations_in(packfile))
    world.delete_packfile_entry(packfile)
    world.storage.delete(Kind.PACKFILE, packfile)
    assert world.plan().dangling == ()
    world.relocate(packfile, rows)
    assert {(each.resource_type, each.mac) for each in world.plan().dangling} == {(row[0], row[1:]) for row in rows}


# What is not known whole


def test_nothing_is_planned_while_a_snapshot_cannot_be_followed() -> None:
    world = World()
    snapshot = world.backup(calendar("a"))
    world.remove(world.backup(calendar("b")))
    root = world.repository.index.find_locations(ResourceType.VFS_BTREE, snapshot.header.root)[0]
    damage(world.storage, Kind.PACKFILE, root.packfile, 16 + root.offset)
    with pytest.raises(Damaged, match=snapshot.header.identifier.hex()):
        world.plan()


def test_nothing_is_planned_while_something_that_is_needed_is_gone() -> None:
    world = World()
    only = world.place([(ResourceType.CHUNK, body(0, "a"))])
    world.backup(calendar("a"))
    dead = world.place([(ResourceType.CHUNK, b"nobody's")])
    world.storage.delete(Kind.PACKFILE, dead)
    assert [(each.identifier, each.size) for each in world.plan().colour] == [(dead, 0)]
    copy = world.copy(only)
    world.storage.delete(Kind.PACKFILE, only)
    assert [each.identifier for each in world.plan().colour] == [dead]
    world.storage.delete(Kind.PACKFILE, copy)
    with pytest.raises(Damaged, match=r"is gone, and with it the chunk [0-9a-f]{64}, which a snapshot needs"):
        world.plan()


def test_store_with_a_state_that_cannot_be_read_is_refused() -> None:
    world = World()
    world.backup(calendar("a"))
    damage(world.storage, Kind.STATE, next(iter(world.states)), 40)
    with pytest.raises(Damaged, match="the state"):
        world.plan()


@pytest.mark.full
@pytest.mark.parametrize("name", NAMES)
def test_stores_of_plakar_are_planned(name: str) -> None:
    storage, facts = load_golden(name)
    key = bytes.fromhex(facts["key"]) if facts["key"] else None
    repository = Repository(storage, Unlocked(read_configuration(storage), key))
    now_ns = 1 << 62
    if name.endswith("ptar"):
        with pytest.raises(UnsupportedStore, match="an archive in one file"):
            plan_maintenance(repository, grace_ns=DEFAULT_GRACE, now_ns=now_ns)
        return
    plan = plan_maintenance(repository, grace_ns=DEFAULT_GRACE, now_ns=now_ns)
    assert (plan.uncolour, plan.dangling, plan.held) == ((), (), ())
    assert (bool(plan.colour), bool(plan.sweep)) == (False, False)
