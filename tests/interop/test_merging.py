"""plakar goes on with a store whose states were merged, with a cache from before and with none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from caldav_backup.kloset import Configuration, Repository, open_storage
from caldav_backup.kloset.maintenance.merging import apply_merging
from caldav_backup.kloset.storage import Kind
from tests.interop.conftest import MakePlakar
from tests.interop.plakar import Plakar
from tests.interop.stores import back_up_directory, tree, write_events

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(shutil.which("plakar") is None, reason="no plakar on PATH: nothing to be compatible with here"),
]


def held() -> None:
    """Nobody else is at work."""


def names(repository: Repository) -> set[str]:
    repository.refresh()
    return {header.identifier.hex()[:8] for header in repository.snapshots()}


def states(repository: Repository) -> int:
    return len(list(repository.storage.ids(Kind.STATE)))


def assert_agree(repository: Repository, *plakars: Plakar) -> None:
    for plakar in plakars:
        assert set(plakar.snapshots()) == names(repository)
        plakar.run("check")
    assert list(Repository.open(repository.storage).check(read_data=True)) == []


def test_plakar_goes_on_after_states_were_merged(tmp_path: Path, make_plakar: MakePlakar) -> None:
    store, calendars = tmp_path / "store", tmp_path / "calendars"
    repository = Repository.create(open_storage(str(store)), Configuration.new(encrypted=False))
    write_events(calendars, 5)
    first = back_up_directory(repository, calendars)
    warm, behind = make_plakar(False), make_plakar(False)
    warm.run("backup", calendars)
    assert_agree(repository, warm, behind)  # `behind` learns nothing more before the merging
    write_events(calendars, 3, first=5)
    back_up_directory(repository, calendars)
    warm.run("rm", "-apply", first)
    for _ in range(2):
        warm.run("maintenance")  # colours, and after no grace period removes
    apply_merging(repository, confirm=held)
    assert states(repository) == 1
    cold = make_plakar(False)
    assert_agree(repository, warm, behind, cold)

    # Interleaved: they write again, states are merged again.
    for plakar in (behind, cold):
        plakar.run("backup", calendars)
        plakar.run("maintenance")
    write_events(calendars, 1, first=9)
    last = back_up_directory(repository, calendars)
    apply_merging(repository, confirm=held)
    assert_agree(repository, warm, behind, cold)
    cold.run("restore", "-to", tmp_path / "restored", last)
    assert tree(tmp_path / "restored") == tree(calendars)

    # A cache from before takes the merged states for missing, and writes them again: that says nothing new.
    known = Repository.open(repository.storage).index
    warm.run("repair", "-apply")
    again = Repository.open(repository.storage).index
    assert again.snapshot_ids() == known.snapshot_ids()
    assert again.location_totals() == known.location_totals()
    assert set(again.colours) == set(known.colours)
    assert_agree(repository, warm, make_plakar(False))
