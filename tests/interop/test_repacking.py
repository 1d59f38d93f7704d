"""plakar before, between and after a repacking, with a memory of what lay where before it: nothing is ever lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from caldav_backup.kloset import Configuration, Repository, open_storage
from caldav_backup.kloset.locks import exclusive_lock
from caldav_backup.kloset.maintenance.applying import apply_maintenance
from caldav_backup.kloset.maintenance.merging import apply_merging
from caldav_backup.kloset.maintenance.repacking import apply_repack, plan_repack
from caldav_backup.kloset.storage import Kind
from tests.events import event
from tests.interop.conftest import MakePlakar
from tests.interop.plakar import Plakar
from tests.interop.stores import back_up_directory, tree, write_events

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(shutil.which("plakar") is None, reason="no plakar on PATH: nothing to be compatible with here"),
]


def held() -> None:
    """Nobody else is at work."""


def reopen(repository: Repository) -> Repository:
    return Repository.open(repository.storage)


def nights(repository: Repository, calendars: Path, first: int, count: int) -> None:
    for number in range(first, first + count):
        (calendars / "work" / "event-001.ics").write_bytes(event(1000 + number).content)
        back_up_directory(repository, calendars)


def contents(repository: Repository) -> list[object]:
    """Everything that our snapshots hold, attributes too."""
    snapshots = [repository.snapshot(header.identifier) for header in repository.snapshots()]
    return [
        (
            {entry.path: snapshot.read(entry) for entry in snapshot.walk() if entry.is_file},
            snapshot.attributes_by_path(),
        )
        for snapshot in snapshots
    ]


def repack(repository: Repository) -> None:
    fresh = reopen(repository)
    plan = plan_repack(fresh)
    done = apply_repack(fresh, plan, confirm=held)
    assert len(done.coloured) == len(plan.packfiles) > 7
    apply_merging(fresh, confirm=held)


def assert_agree(repository: Repository, before: list[object], *plakars: Plakar) -> None:
    fresh = reopen(repository)
    assert contents(fresh) == before
    assert list(fresh.check(read_data=True)) == []
    for plakar in plakars:
        assert set(plakar.snapshots()) == {header.identifier.hex()[:8] for header in fresh.snapshots()}
        plakar.run("check")


@pytest.mark.parametrize("sweeper", ["plakar", "ours"])
def test_nothing_is_lost_to_a_plakar_that_remembers_the_old_places(
    tmp_path: Path, make_plakar: MakePlakar, sweeper: str
) -> None:
    store, calendars = tmp_path / "store", tmp_path / "calendars"
    repository = Repository.create(open_storage(str(store)), Configuration.new(encrypted=False))
    write_events(calendars, 6)
    nights(repository, calendars, 0, 8)
    warm, other = make_plakar(False), make_plakar(False)
    for plakar in (warm, other):
        plakar.maintain("168h")  # remembers which packfile each snapshot uses
    before = contents(reopen(repository))

    repack(repository)
    assert_agree(repository, before, warm)
    warm.maintain("168h")
    nights(reopen(repository), calendars, 8, 1)
    before = contents(reopen(repository))
    if sweeper == "ours":
        fresh = reopen(repository)
        with exclusive_lock(fresh) as lock:
            apply_maintenance(fresh, lock, grace_ns=0)
    for _ in range(2):
        warm.maintain("0s")
    assert len(list(repository.storage.ids(Kind.PACKFILE))) <= 4
    assert_agree(repository, before, warm, make_plakar(False))
    if sweeper == "ours":
        return

    # Once more, over what was repacked already.
    nights(reopen(repository), calendars, 9, 8)
    warm.maintain("168h")
    before = contents(reopen(repository))
    repack(repository)
    for _ in range(2):
        warm.maintain("0s")
    assert_agree(repository, before, warm, other)
    last = reopen(repository).snapshots()[-1].identifier.hex()
    warm.run("restore", "-to", tmp_path / "restored", last)
    assert tree(tmp_path / "restored") == tree(calendars)
