"""The same on a real directory, down to the single system call: half written files stay, and are in nobody's way."""

from __future__ import annotations

import random
import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from caldav_backup.kloset.storage import FilesystemStorage
from tests.crash.aftermath import assert_survived
from tests.crash.deed import Deed
from tests.crash.deeds import DEEDS
from tests.crash.dying import DyingDisk
from tests.crash.fate import Death, Fate
from tests.crash.worlds import World

SAMPLED = 2  # deaths of each deed in the full tier


@pytest.fixture(params=["init", "next backup", "pin", "maintenance --repack"])
def deed(request: pytest.FixtureRequest) -> Deed:
    return DEEDS[request.param]


@pytest.fixture
def world(deed: Deed, tmp_path: Path) -> World:
    made = World(tmp_path / "vdir", FilesystemStorage(tmp_path / "store"))
    deed.prepare(made)
    return made


def calls(world: World, deed: Deed) -> int:
    fate = Fate()
    left, disk = copied(world), DyingDisk(fate)
    deed.do(left, FilesystemStorage(left.storage.location, disk))
    shutil.rmtree(left.storage.location)
    return fate.deeds


def assert_death_survived(world: World, deed: Deed, at: int, *, after: bool) -> None:
    fate = Fate(at, after=after)
    left, disk = copied(world), DyingDisk(fate)
    with suppress(Death):
        deed.do(left, FilesystemStorage(left.storage.location, disk))
        # A backup makes fewer calls once its files are older than two seconds, and may end before its time has come.
        assert not fate.is_dead, "the deed came to its end although its disk was dead"
    disk.bury()
    assert_survived(left, deed)
    shutil.rmtree(left.storage.location)


def copied(world: World) -> World:
    copy = f"{world.storage.location}-copy"
    if Path(world.storage.location).exists():
        shutil.copytree(world.storage.location, copy)
    return replace(world, storage=FilesystemStorage(copy))


@pytest.mark.full
def test_nothing_is_lost_wherever_a_program_dies(world: World, deed: Deed, chance: random.Random) -> None:
    deaths = [(at, after) for at in range(1, calls(world, deed) + 1) for after in (False, True)]
    for at, after in chance.sample(deaths, SAMPLED):
        assert_death_survived(world, deed, at, after=after)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_nothing_is_lost_at_any_system_call_where_a_program_dies(world: World, deed: Deed) -> None:
    for at in range(1, calls(world, deed) + 1):
        for after in (False, True):
            assert_death_survived(world, deed, at, after=after)
