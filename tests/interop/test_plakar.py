"""Both ways with the real plakar, on every kind of store that both know."""

from __future__ import annotations

import asyncio
import shutil
import time
from pathlib import Path

import pytest

from caldav_backup.archiver import BackupOptions, Outcome, back_up
from caldav_backup.connectors.directory import DirectorySource
from caldav_backup.kloset import Configuration, Repository, open_storage
from caldav_backup.kloset.keys import Argon2id
from tests.events import event
from tests.interop.conftest import PASSPHRASE, MakePlakar
from tests.interop.plakar import Plakar

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(shutil.which("plakar") is None, reason="no plakar on PATH: nothing to be compatible with here"),
]

KINDS = [
    pytest.param(encrypted, compression, hashing, id=f"{'encrypted' if encrypted else 'plain'}-{compression}-{hashing}")
    for encrypted in (False, True)
    for compression in ("LZ4", "GZIP", None)
    for hashing in ("BLAKE3", "SHA256")
]


@pytest.fixture
def calendars(tmp_path: Path) -> Path:
    """Two calendars and an empty one; names that need care; one event with LF line ends."""
    root = tmp_path / "calendars"
    for name, count in (("work", 120), ("täglich", 30), ("empty", 0)):
        (root / name).mkdir(parents=True)
        (root / name / "displayname").write_text(f"The {name} one", "utf-8")
        for number in range(count):
            (root / name / f"event-{number:03}.ics").write_bytes(event(number).content)
    (root / "work" / "späť 日本.ics").write_bytes(event(500).content.replace(b"\r\n", b"\n"))
    return root


def passphrase(encrypted: bool) -> bytes | None:
    return PASSPHRASE.encode() if encrypted else None


def create(store: Path, encrypted: bool, compression: str | None, hashing: str) -> Repository:
    # Cheap but for what `init` makes, since plakar derives the key anew in each command.
    kdf = Argon2id() if (compression, hashing) == ("LZ4", "BLAKE3") else Argon2id(time=1, memory=1 << 10)
    configuration = Configuration.new(encrypted=encrypted, compression=compression, hashing=hashing, kdf=kdf)
    return Repository.create(open_storage(str(store)), configuration, passphrase=passphrase(encrypted))


def reopen(store: Path, encrypted: bool) -> Repository:
    return Repository.open(open_storage(str(store)), passphrase=passphrase(encrypted))


def backup(repository: Repository, calendars: Path) -> Outcome:
    # A minute later: the version of a file that was written just now proves nothing.
    source = DirectorySource(calendars, clock=lambda: time.time_ns() + 60_000_000_000)
    return asyncio.run(back_up(source, repository, BackupOptions(job="home")))


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*.ics"))}


def assert_sound(repository: Repository) -> None:
    assert list(repository.check(read_data=True)) == []


@pytest.mark.parametrize(("encrypted", "compression", "hashing"), KINDS)
def test_plakar_opens_lists_checks_cats_and_restores_what_we_write(
    tmp_path: Path, calendars: Path, make_plakar: MakePlakar, encrypted: bool, compression: str | None, hashing: str
) -> None:
    store = tmp_path / "store"
    repository = create(store, encrypted, compression, hashing)
    first = backup(repository, calendars)
    (calendars / "work" / "event-007.ics").write_bytes(event(900).content)
    (calendars / "work" / "event-008.ics").unlink()
    (calendars / "work" / "event-999.ics").write_bytes(event(999).content)
    second = backup(reopen(store, encrypted), calendars)
    assert first.snapshot is not None and second.snapshot is not None
    assert second.fetched == 2 and second.deleted == 1

    plakar = make_plakar(encrypted)
    assert set(plakar.snapshots()) == {first.snapshot[:8], second.snapshot[:8]}
    for directory in ("/", "/work", "/täglich", "/empty"):
        plakar.run("ls", f"{second.snapshot}:{directory}")
    plakar.run("check")
    for path, content in tree(calendars).items():
        if path.endswith(("007.ics", "日本.ics", "999.ics")):  # each cat derives the key anew
            assert plakar.cat(second.snapshot, f"/{path}") == content
    plakar.run("restore", "-to", tmp_path / "restored", second.snapshot)
    assert tree(tmp_path / "restored") == tree(calendars)
    plakar.run("maintenance")
    plakar.run("check")


@pytest.mark.parametrize(("encrypted", "compression", "hashing"), KINDS)
def test_plakar_backs_up_into_our_store_and_we_go_on(
    tmp_path: Path, calendars: Path, make_plakar: MakePlakar, encrypted: bool, compression: str | None, hashing: str
) -> None:
    store = tmp_path / "store"
    ours = backup(create(store, encrypted, compression, hashing), calendars)
    plakar = make_plakar(encrypted)
    plakar.run("backup", calendars)
    plakar.run("backup", calendars)
    assert len(plakar.snapshots()) == 3

    repository = reopen(store, encrypted)
    theirs = [header for header in repository.snapshots() if header.importer.type != "caldav-backup"]
    assert len(theirs) == 2
    read = {
        entry.path.removeprefix(f"{calendars}/"): repository.snapshot(theirs[-1].identifier).read(entry)
        for entry in repository.snapshot(theirs[-1].identifier).walk()
        if entry.is_file and entry.path.endswith(".ics")
    }
    assert read == tree(calendars)
    assert_sound(repository)

    again = backup(repository, calendars)
    assert again.fetched == 0 and again.snapshot != ours.snapshot
    assert len(plakar.snapshots()) == 4
    plakar.run("check")
    assert_sound(reopen(store, encrypted))


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "encrypted"])
def test_a_store_that_plakar_made_is_continued_here(
    tmp_path: Path, calendars: Path, make_plakar: MakePlakar, encrypted: bool
) -> None:
    plakar = make_plakar(encrypted)
    plakar.run("create", *(() if encrypted else ("-plaintext",)))
    plakar.run("backup", calendars)

    outcome = backup(reopen(tmp_path / "store", encrypted), calendars)
    assert outcome.snapshot is not None
    (calendars / "work" / "event-001.ics").unlink()
    later = backup(reopen(tmp_path / "store", encrypted), calendars)
    assert later.deleted == 1 and later.fetched == 0

    assert len(plakar.snapshots()) == 3
    plakar.run("check")
    plakar.run("restore", "-to", tmp_path / "restored", outcome.snapshot)
    assert len(tree(tmp_path / "restored")) == 151
    assert_sound(reopen(tmp_path / "store", encrypted))


def test_plakar_syncs_our_snapshots_with_their_attributes(
    tmp_path: Path, calendars: Path, make_plakar: MakePlakar
) -> None:
    outcome = backup(create(tmp_path / "store", True, "LZ4", "BLAKE3"), calendars)
    plakar = make_plakar(True)
    other = tmp_path / "other"
    Plakar(plakar.program, plakar.home, other, None).run("create", "-plaintext")
    plakar.run("sync", "to", other)

    repository = reopen(other, False)
    (header,) = repository.snapshots()
    snapshot = repository.snapshot(header.identifier)
    assert header.identifier.hex() == outcome.snapshot or header.importer.type == "caldav-backup"
    assert snapshot.extended_attribute("/work", "user.caldav.displayname") == b"The work one"
    assert {e.path[1:]: snapshot.read(e) for e in snapshot.walk() if e.is_file} == tree(calendars)
