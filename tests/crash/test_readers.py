"""Readers take no lock: what they read may be maintained under their hands, at any moment.

What lives is read to its end all the same, from states and packfiles that go away; what was just removed is read whole
or not at all. The full tier lets it happen at moments that chance chooses, the soak tier at every one.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from caldav_backup.kloset.check import Severity, check
from caldav_backup.kloset.errors import Damaged, StorageFileMissing
from caldav_backup.kloset.storage import MemoryStorage
from tests.crash.deed import Deed
from tests.crash.deeds import DEEDS
from tests.crash.dying import DyingStorage
from tests.crash.fate import Happening
from tests.crash.upkeep import maintain
from tests.crash.worlds import World, contents

SAMPLED = 8  # moments for each deed in the full tier
NAMES = (
    "rm",
    "pin",
    "maintenance that colours",
    "maintenance that sweeps",
    "merging of states",
    "maintenance --repack",
    "next backup",
)


@pytest.fixture(params=NAMES)
def deed(request: pytest.FixtureRequest) -> Deed:
    return DEEDS[request.param]


def read_all(reader: DyingStorage, world: World, deed: Deed) -> None:
    """Everything that lives, as `ls` and `restore` do it."""
    repository = world.open(reader)
    gone = deed.removes(world)
    for header in repository.snapshots():
        try:
            files = contents(repository, header)
        except (Damaged, StorageFileMissing):
            assert header.timestamp_ns in gone
        else:
            assert files == world.held.get(header.timestamp_ns, files)
    assert {header.timestamp_ns for header in repository.snapshots()} >= world.held.keys() - set(gone)


def check_all(reader: DyingStorage, world: World, deed: Deed) -> None:
    """A check in the middle of it finds nothing wrong with what lives."""
    findings = [each for each in check(world.open(reader), read_data=True) if each.severity is Severity.DAMAGE]
    assert findings == [] or deed.removes(world)


def moments(world: World, deed: Deed, reading: Callable[[DyingStorage, World, Deed], None]) -> int:
    happening = Happening(0, lambda: None)
    reading(DyingStorage(world.storage, happening), world, deed)
    return happening.calls


def meet(world: World, deed: Deed, reading: Callable[[DyingStorage, World, Deed], None], at: int) -> None:
    """The deed is done as a whole when the reader has come to its call number `at`."""
    copied = world.copy()
    happening = Happening(at, lambda: deed.do(copied, copied.storage))
    reading(DyingStorage(copied.storage, happening), copied, deed)


READINGS = pytest.mark.parametrize("reading", [read_all, check_all])


@pytest.mark.full
@READINGS
def test_readers_bear_it_that_a_store_changes(
    world: World, deed: Deed, chance: random.Random, reading: Callable[[DyingStorage, World, Deed], None]
) -> None:
    every = range(1, moments(world, deed, reading) + 1)
    for at in chance.sample(every, min(SAMPLED, len(every))):
        meet(world, deed, reading, at)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@READINGS
def test_readers_bear_it_that_a_store_changes_at_any_moment(
    world: World, deed: Deed, reading: Callable[[DyingStorage, World, Deed], None]
) -> None:
    for at in range(1, moments(world, deed, reading) + 1):
        meet(world, deed, reading, at)


@pytest.mark.full
def test_a_snapshot_that_is_removed_and_swept_while_it_is_read_is_told_to_be_damaged(tmp_path: Path) -> None:
    """Its grace period is over while somebody still reads it: an error, and never other bytes."""
    world = World(tmp_path / "vdir", MemoryStorage())
    world.create(world.storage)
    for note in ("old", "new"):
        world.put("work", *range(40), note=note)
        world.back_up()
    reader = world.open()
    oldest, newest = reader.snapshots()
    assert contents(reader, newest)
    world.open().remove_snapshot(oldest.identifier)
    for _ in range(2):
        maintain(world, world.storage)
    with pytest.raises(Damaged, match="missing"):
        contents(reader, oldest)
    assert contents(reader, newest) == contents(world.open(), newest)
    assert world.open().snapshots() == [newest]
