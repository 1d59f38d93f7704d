"""plakar sees the same snapshots, by other ids, after they were issued again; its caches know the old ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from caldav_backup.kloset import Configuration, Repository, open_storage
from caldav_backup.kloset.reissue import Reissue, reissue
from tests.interop.conftest import PASSPHRASE, MakePlakar
from tests.interop.stores import back_up_directory, tree, write_events

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(shutil.which("plakar") is None, reason="no plakar on PATH: nothing to be compatible with here"),
]


@pytest.mark.parametrize("encrypted", [False])
def test_plakar_sees_the_same_snapshots(tmp_path: Path, make_plakar: MakePlakar, encrypted: bool) -> None:
    store, calendars = tmp_path / "store", tmp_path / "calendars"
    passphrase = PASSPHRASE.encode() if encrypted else None
    repository = Repository.create(
        open_storage(str(store)), Configuration.new(encrypted=encrypted), passphrase=passphrase
    )
    write_events(calendars, 20)
    ours = back_up_directory(repository, calendars)
    plakar = make_plakar(encrypted)
    plakar.run("backup", calendars)
    plakar.run("maintenance")  # remembers which packfiles the old ids use

    repository.refresh()
    before = repository.snapshots()
    found = reissue(repository, [Reissue(header, [*header.tags, "pinned"]) for header in before])

    names = {identifier.hex()[:8] for identifier in found.values()}
    assert set(plakar.snapshots()) == names
    assert set(plakar.run("ls", "-tag", "pinned").split()) >= names
    plakar.run("check")
    again = found[bytes.fromhex(ours)].hex()
    assert plakar.cat(again, "/work/event-003.ics") == (calendars / "work" / "event-003.ics").read_bytes()
    plakar.run("restore", "-to", tmp_path / "restored", again)
    assert tree(tmp_path / "restored") == tree(calendars)
    plakar.run("maintenance")
    plakar.run("backup", calendars)
    plakar.run("check")
    assert list(Repository.open(open_storage(str(store)), passphrase=passphrase).check(read_data=True)) == []
