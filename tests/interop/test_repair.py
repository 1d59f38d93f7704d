"""plakar and stores that were damaged and repaired here: it lists, checks and reads them, and works on with them.

Each time by two plakars: one that has seen the store before it was damaged, and one that has not.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from caldav_backup.kloset import Configuration, Repository, open_storage
from caldav_backup.kloset.keys import Argon2id
from caldav_backup.kloset.locks import exclusive_lock
from caldav_backup.kloset.repairing.deed import apply_repair
from caldav_backup.kloset.repairing.plan import plan_repair
from caldav_backup.kloset.snapshot import Snapshot
from caldav_backup.kloset.storage import Kind
from tests.interop.conftest import PASSPHRASE, MakePlakar
from tests.interop.plakar import Plakar
from tests.kloset.builds import add_directory, assert_nothing_lost, some_files
from tests.kloset.stores import body, build

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(shutil.which("plakar") is None, reason="no plakar on PATH: nothing to be compatible with here"),
]

NOW_NS = 1_800_000_000_000_000_000


class World:
    """A store with two snapshots, and two plakars."""

    def __init__(self, place: Path, make_plakar: MakePlakar) -> None:
        self.place = place
        configuration = Configuration.new(encrypted=True, kdf=Argon2id(time=1, memory=16))
        self.repository = Repository.create(open_storage(str(place)), configuration, passphrase=PASSPHRASE.encode())
        self.first = build(self.repository, lambda builder: add_directory(builder, "/work", some_files(50)))
        self.second = build(self.repository, lambda builder: add_directory(builder, "/home", some_files(9, "home")))
        self.knowing, self.fresh = make_plakar(True), make_plakar(True)
        assert len(self.knowing.snapshots()) == 2

    def path(self, kind: Kind, identifier: bytes) -> Path:
        return self.place / kind.value / identifier.hex()[:2] / identifier.hex()

    def repair(self) -> Repository:
        repository = self.open()
        with exclusive_lock(repository) as lock:
            apply_repair(repository, plan_repair(repository), lock, NOW_NS)
        return self.open()

    def open(self) -> Repository:
        return Repository.open(open_storage(str(self.place)), passphrase=PASSPHRASE.encode())

    def packfile_of(self, snapshot: Snapshot) -> bytes:
        """The packfile that holds a snapshot's header."""
        place = self.repository.index.find_location(5, snapshot.header.identifier)  # type: ignore[arg-type]
        assert place is not None
        return place.packfile


@pytest.fixture
def world(tmp_path: Path, make_plakar: MakePlakar) -> World:
    return World(tmp_path / "store", make_plakar)


def assert_plakar_has(world: World, plakar: Plakar, *snapshots: Snapshot) -> None:
    assert sorted(plakar.snapshots()) == sorted(each.header.identifier.hex()[:8] for each in snapshots)
    plakar.run("check")
    if world.first in snapshots:
        assert plakar.cat(world.first.header.identifier.hex()[:8], "/work/event-0007.ics") == body(7)


Harm = Callable[[World], None]


def lose_state(world: World) -> None:
    world.path(Kind.STATE, world.first.header.identifier).unlink()


def damage_state(world: World) -> None:
    path = world.path(Kind.STATE, world.first.header.identifier)
    content = bytearray(path.read_bytes())
    content[70] ^= 1
    path.write_bytes(content)


def cut_state(world: World) -> None:
    path = world.path(Kind.STATE, world.second.header.identifier)
    path.write_bytes(path.read_bytes()[:40])


def damage_end_of_packfile(world: World) -> None:
    path = world.path(Kind.PACKFILE, world.packfile_of(world.first))
    content = bytearray(path.read_bytes())
    content[-60] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("harm", [lose_state, damage_state, cut_state, damage_end_of_packfile])
def test_plakar_has_everything_again(world: World, harm: Harm) -> None:
    harm(world)
    assert_nothing_lost(world.repair())
    for plakar in (world.knowing, world.fresh):
        assert_plakar_has(world, plakar, world.first, world.second)


@pytest.mark.parametrize("length", [None, 0, 5000])
def test_plakar_works_on_with_a_store_that_lost_a_packfile(world: World, length: int | None) -> None:
    path = world.path(Kind.PACKFILE, world.packfile_of(world.first))
    if length is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:length])
    # Even a snapshot of other events shares something: the trees that are empty in both.
    again = build(world.repair(), lambda builder: add_directory(builder, "/work", some_files(50)))
    assert_nothing_lost(world.open())
    for plakar in (world.knowing, world.fresh):
        assert_plakar_has(world, plakar, world.second, again)
        plakar.run("maintenance")
    source = world.place.parent / "source"
    source.mkdir()
    (source / "a.ics").write_bytes(body(1))
    world.knowing.run("backup", source)
    world.fresh.run("check")
    assert_nothing_lost(world.open())


def test_plakar_stops_at_a_damaged_state_unless_it_has_read_it_before(world: World) -> None:
    damage_state(world)
    assert len(world.knowing.snapshots()) == 2
    with pytest.raises(AssertionError):
        world.fresh.run("check", world.second.header.identifier.hex()[:8])


def test_plakar_sees_one_event_less_and_the_others_whole(world: World) -> None:
    chunk = world.repository.keyed.mac(body(7))
    place = world.repository.index.find_location(9, chunk)  # type: ignore[arg-type]
    assert place is not None
    path = world.path(Kind.PACKFILE, place.packfile)
    content = bytearray(path.read_bytes())
    content[16 + place.offset + 30] ^= 1
    path.write_bytes(content)
    world.repair()
    short = world.first.header.identifier.hex()[:8]
    for plakar in (world.knowing, world.fresh):
        assert plakar.cat(short, "/work/event-0008.ics") == body(8)
        with pytest.raises(AssertionError, match="Could not find packfile for blob"):
            plakar.run("maintenance")
    # What the server still has heals the older snapshot, too: the same content has the same name.
    build(world.open(), lambda builder: add_directory(builder, "/work", some_files(50)))
    for plakar in (world.knowing, world.fresh):
        plakar.run("check")
        plakar.run("maintenance")
        assert plakar.cat(short, "/work/event-0007.ics") == body(7)
