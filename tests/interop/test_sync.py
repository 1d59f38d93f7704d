"""Copies beside plakar: it reads ours, we read its, and both hold what the original holds."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from caldav_backup.kloset import Configuration, Repository, open_storage
from caldav_backup.kloset.configuration import DEFAULT_CHUNKING, ChunkSizes
from caldav_backup.kloset.keys import Argon2id
from tests.interop.conftest import PASSPHRASE, MakePlakar
from tests.interop.plakar import Plakar, find_plakar
from tests.interop.test_plakar import assert_sound, backup, calendars, create, reopen, tree
from tests.kloset.copies import copy_all, facts

__all__ = ["calendars"]

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(shutil.which("plakar") is None, reason="no plakar on PATH: nothing to be compatible with here"),
]

SMALL = ChunkSizes(64, 128, 512)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Plakar]:
    """plakar for the encrypted store at `tmp_path / "other"`."""
    plakar = find_plakar(tmp_path / "other", PASSPHRASE)
    assert plakar is not None
    yield plakar
    shutil.rmtree(plakar.home, ignore_errors=True)


def back_up_thrice(source: Repository, calendars: Path) -> list[str]:
    first = backup(source, calendars).snapshot
    (calendars / "work" / "event-007.ics").unlink()
    (calendars / "täglich" / "displayname").write_text("Another name")
    second, third = backup(source, calendars).snapshot, backup(source, calendars).snapshot
    assert first is not None and second is not None and third is not None
    return [first, second, third]


@pytest.mark.parametrize("chunking", [DEFAULT_CHUNKING, SMALL])
def test_plakar_checks_restores_and_maintains_what_we_copied(
    tmp_path: Path, calendars: Path, other: Plakar, chunking: ChunkSizes
) -> None:
    source = create(tmp_path / "store", False, "LZ4", "BLAKE3")
    ids = back_up_thrice(source, calendars)
    configuration = Configuration.new(
        encrypted=True, compression="GZIP", hashing="SHA256", chunking=chunking, kdf=Argon2id(time=1, memory=1 << 10)
    )
    destination = Repository.create(open_storage(str(other.store)), configuration, passphrase=PASSPHRASE.encode())
    assert all(each.is_whole for each in copy_all(source, destination))
    assert_sound(destination)

    assert set(other.snapshots()) == {each[:8] for each in ids}
    other.run("check")
    other.run("restore", "-to", tmp_path / "restored", ids[-1])
    assert tree(tmp_path / "restored") == tree(calendars)
    other.run("maintenance")
    other.run("check")


def test_what_plakar_copies_of_ours_and_what_we_copy_of_its_is_the_same_file_by_file(
    tmp_path: Path, calendars: Path, make_plakar: MakePlakar, other: Plakar
) -> None:
    ours = create(tmp_path / "store", True, "LZ4", "BLAKE3")
    back_up_thrice(ours, calendars)
    plakar = make_plakar(True)
    create(other.store, True, "GZIP", "BLAKE3")
    # Its sync has no option for the other store's passphrase but the settings of that store.
    plakar.run("store", "add", "other", str(other.store), f"passphrase={PASSPHRASE}")
    plakar.run("sync", "to", "@other")
    theirs = reopen(other.store, True)
    back = create(tmp_path / "back", False, None, "SHA256")
    assert all(each.is_whole for each in copy_all(theirs, back))
    assert_sound(back)
    for header in ours.snapshots():
        original = facts(ours.snapshot(header.identifier))
        for copy in (theirs, back):
            copied = facts(copy.snapshot(header.identifier))
            for what in ("contents", "attributes", "errors"):
                assert copied[what] == original[what]
        assert facts(back.snapshot(header.identifier)) == facts(theirs.snapshot(header.identifier))
    # What is there already under the same id is copied by neither.
    assert copy_all(ours, back) == []
    before = set(reopen(other.store, True).index.snapshot_ids())
    plakar.run("sync", "to", "@other")
    assert set(reopen(other.store, True).index.snapshot_ids()) == before


def test_snapshots_that_plakar_made_of_files_are_copied_whole_and_plakar_restores_them(
    tmp_path: Path, calendars: Path, make_plakar: MakePlakar, other: Plakar
) -> None:
    source = create(tmp_path / "store", False, "LZ4", "BLAKE3")
    (calendars / "link").symlink_to("work")
    (calendars / "large.bin").write_bytes(bytes(range(256)) * 20_000)
    plakar = make_plakar(False)
    plakar.run("backup", calendars)
    plakar.run("backup", calendars)
    source = reopen(tmp_path / "store", False)
    destination = create(other.store, True, "GZIP", "BLAKE3")
    assert all(each.is_whole for each in copy_all(source, destination))
    for header in source.snapshots():
        assert facts(destination.snapshot(header.identifier)) == facts(source.snapshot(header.identifier))
    assert_sound(destination)
    other.run("check")
    newest = source.snapshots()[-1].identifier.hex()
    other.run("restore", "-to", tmp_path / "restored", newest)
    restored = next(path for path in (tmp_path / "restored").rglob("large.bin"))
    assert restored.read_bytes() == (calendars / "large.bin").read_bytes()
    assert tree(restored.parent) == tree(calendars)
    assert (restored.parent / "link").is_symlink()
