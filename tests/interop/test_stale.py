"""plakar and snapshots in which an error and an entry are at one path, as where an older copy is kept.

plakar itself never writes such a snapshot, so nothing but a trial tells what it makes of one.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from caldav_backup.kloset import Configuration, Repository, SnapshotBuilder, open_storage
from caldav_backup.kloset.keys import Argon2id
from caldav_backup.kloset.snapshot import Snapshot
from tests.interop.conftest import PASSPHRASE, MakePlakar
from tests.interop.plakar import Plakar
from tests.kloset.builds import MTIME_NS, assert_sound, some_files, two_calendars
from tests.kloset.stores import body, build

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(shutil.which("plakar") is None, reason="no plakar on PATH: nothing to be compatible with here"),
]

STALE = "/work/event-0007.ics"
FAILED = {
    "/gone": "HTTP 403",
    "/home": "HTTP 503; the copy in snapshot 1a2b3c4d is kept",
    STALE: "HTTP 500; the copy in snapshot 1a2b3c4d is kept",
    "/work/lost.ics": "HTTP 500",
}
NAMES = [file.name for file in some_files(300)]


def make_store(place: Path, encrypted: bool) -> tuple[Repository, Snapshot, Snapshot]:
    """A good snapshot, and one of the night after in which much failed: events, calendars, with and without a copy."""
    configuration = Configuration.new(encrypted=encrypted, kdf=Argon2id(time=1, memory=1 << 10))
    passphrase = PASSPHRASE.encode() if encrypted else None
    repository = Repository.create(open_storage(str(place)), configuration, passphrase=passphrase)
    good = build(repository, two_calendars)

    def fill(builder: SnapshotBuilder) -> None:
        directory = builder.open_directory("/work", parents=[good])
        directory.keep(NAMES)
        directory.close({"user.caldav.displayname": b"Work"}, mtime_ns=MTIME_NS)
        builder.keep_directory("/home", parent=good)
        for path, message in FAILED.items():
            builder.fail(path, message)

    return repository, good, build(repository, fill)


def assert_is_all_there(repository: Repository, identifier: bytes) -> None:
    snapshot = repository.snapshot(identifier)
    assert dict(snapshot.errors()) == FAILED
    assert [snapshot.summary(path).below.errors for path in ("/", "/work", "/home")] == [4, 2, 0]
    assert list(snapshot.list_names("/work")) == NAMES
    assert snapshot.summary("/work").directory.files == 300
    assert snapshot.read(STALE) == body(7)
    assert snapshot.extended_attributes("/work") == {"user.caldav.displayname": b"Work"}
    assert_sound(repository)


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "encrypted"])
def test_plakar_shows_and_restores_an_older_copy_and_tells_the_error(
    tmp_path: Path, make_plakar: MakePlakar, encrypted: bool
) -> None:
    repository, _, stale = make_store(tmp_path / "store", encrypted)
    identifier = stale.header.identifier.hex()
    plakar = make_plakar(encrypted)
    assert len(plakar.snapshots()) == 2
    assert STALE.rpartition("/")[2] in plakar.run("ls", f"{identifier}:/work")
    plakar.run("check")
    assert plakar.cat(identifier, STALE) == body(7)
    assert plakar.errors(identifier) == FAILED
    plakar.run("restore", "-to", tmp_path / "out", identifier)
    restored = sorted((tmp_path / "out" / "work").iterdir())
    assert [path.name for path in restored] == NAMES
    assert restored[7].read_bytes() == body(7)
    plakar.run("maintenance")
    plakar.run("check")
    assert_is_all_there(repository, stale.header.identifier)


def test_plakar_syncs_entry_error_and_attributes_to_another_store(tmp_path: Path, make_plakar: MakePlakar) -> None:
    _, _, stale = make_store(tmp_path / "store", True)
    plakar = make_plakar(True)
    other = Plakar(plakar.program, plakar.home, tmp_path / "other", None)
    other.run("create", "-plaintext")
    plakar.run("sync", stale.header.identifier.hex(), "to", other.store)
    (header,) = Repository.open(open_storage(str(other.store))).snapshots()
    assert other.errors(header.identifier.hex()) == FAILED
    other.run("check")
    assert_is_all_there(Repository.open(open_storage(str(other.store))), header.identifier)


def test_plakar_sees_all_of_several_removed_snapshots_gone(tmp_path: Path, make_plakar: MakePlakar) -> None:
    repository, good, stale = make_store(tmp_path / "store", False)
    last = build(repository, lambda builder: builder.keep_directory("/work", parent=stale))
    plakar = make_plakar(False)
    assert len(plakar.snapshots()) == 3
    repository.remove_snapshots([good.header.identifier, stale.header.identifier])
    assert plakar.snapshots() == [last.header.identifier.hex()[:8]]
    plakar.run("maintenance")
    plakar.run("check")
    assert plakar.cat(last.header.identifier.hex(), STALE) == body(7)
    assert_sound(Repository.open(open_storage(str(tmp_path / "store"))))
