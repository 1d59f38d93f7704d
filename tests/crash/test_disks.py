"""Real disks that take nothing more, or not enough, under every command that writes into a store."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.storage import FilesystemStorage
from tests.cli.conftest import ROOT, Ended, Program, cli
from tests.cli.test_backup import vdir
from tests.cli.test_unwritable import Disk, disk, files_of, only_line
from tests.crash.worlds import Contents, assert_nothing_lost, contents
from tests.events import event

__all__ = ["cli", "disk"]

COMMANDS = {
    "backup": ["backup", "{vdir}"],
    "prune": ["prune", "--keep-last", "1", "--apply"],
    "rm": ["rm", "latest~1", "--apply"],
    "pin": ["pin", "latest~1", "--apply"],
    "maintenance": ["maintenance", "--grace", "0s", "--apply"],
    "maintenance --repack": ["maintenance", "--repack", "--grace", "0s", "--apply"],
    "sync": ["sync", "from", "{other}"],
}


@pytest.fixture
def store(disk: Disk) -> Disk:
    """A disk with a store of a few snapshots, of which one was removed; and another store beside it."""
    at_home = {"CALDAV_BACKUP_STORE": str(disk.before / "store")}
    for number in (3, 4):
        change(disk, number)
        assert disk.cli("backup", str(disk.cli.home / "vdir"), **at_home).code == 0
    removed = disk.cli("ls", "--json", **at_home).document["result"]["snapshots"][0]["id"]
    assert disk.cli("rm", removed, "--apply", **at_home).code == 0
    other = {"CALDAV_BACKUP_STORE": str(disk.cli.home / "other")}
    assert disk.cli("init", "--plaintext", **other).code == 0
    assert disk.cli("backup", str(disk.cli.home / "vdir"), **other).code == 0
    change(disk, 5)
    return disk


def change(disk: Disk, number: int) -> None:
    (disk.cli.home / "vdir" / "home" / event(number).name).write_bytes(event(number, summary=f"{number} new").content)


def words_of(name: str, disk: Disk) -> list[str]:
    places = {"{vdir}": str(disk.cli.home / "vdir"), "{other}": str(disk.cli.home / "other")}
    return [places.get(word, word) for word in COMMANDS[name]]


@pytest.mark.full
@pytest.mark.parametrize(
    ("what", "name"),
    [*(("full", name) for name in COMMANDS), *(("read-only", name) for name in ("prune", "maintenance --repack"))],
)
def test_whatever_cannot_be_written_is_told_and_works_once_there_is_room(store: Disk, name: str, what: str) -> None:
    held = snapshots_in(store.before / "store")
    line = only_line(store.run(what, *words_of(name, store)), 73)
    assert f"{store.path}/store/" in line
    assert ("the disk is full; free some space" if what == "full" else "read-only; mount it writable") in line
    if what == "full":
        assert files_of(store.after) == files_of(store.before)
    assert_works(store, name, held)


@pytest.mark.full
@pytest.mark.parametrize("name", ["backup", "maintenance --repack", "sync"])
def test_a_disk_that_fills_up_on_the_way_keeps_everything(store: Disk, name: str, chance: random.Random) -> None:
    held = snapshots_in(store.before / "store")
    room = 4096 * chance.randrange(3, 8)
    ended = store.run(f"full-but-{room}", *words_of(name, store))
    assert ended.code in {0, 73}, ended
    assert_nothing_lost(open_store(store.after / "store"), held)
    left = [path for path in files_of(store.after) if "tmp." in path or "/locks/" in path]
    assert left == []
    shutil.rmtree(store.before)
    store.after.rename(store.before)
    assert_works(store, name, held)


def assert_works(disk: Disk, name: str, held: dict[int, Contents]) -> None:
    ended = disk.run("small", *words_of(name, disk))
    assert ended.code == 0, ended
    found = snapshots_in(disk.after / "store")
    assert name in {"prune", "rm"} or held.items() <= found.items()


def snapshots_in(directory: Path) -> dict[int, Contents]:
    repository = open_store(directory)
    return {header.timestamp_ns: contents(repository, header) for header in repository.snapshots()}


def open_store(directory: Path) -> Repository:
    return Repository.open(FilesystemStorage(directory))


# What needs no disk of its own


@pytest.fixture
def home(cli: Program) -> Program:
    cli("init", "--plaintext")
    assert cli("backup", str(vdir(cli.home / "vdir", "home", 3))).code == 0
    return cli


def run(cli: Program, *command: str) -> Ended:
    done = subprocess.run(
        command,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"} | cli.environ,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.mark.full
def test_a_limit_on_the_size_of_files_is_told(home: Program, chance: random.Random) -> None:
    large = vdir(home.home / "large", "home", 0)
    noise = chance.randbytes(150_000).hex().encode()
    (large / "home" / "1.ics").write_bytes(b"BEGIN:VCALENDAR\r\nX-NOISE:" + noise + b"\r\nEND:VCALENDAR\r\n")
    before = files_of(home.home / "store")
    program = f"ulimit -f 100; exec {sys.executable} -m caldav_backup backup {large}"
    line = only_line(run(home, "/bin/bash", "-c", program), 73)
    assert "takes no file of this size" in line and "/store/packfiles/" in line
    assert files_of(home.home / "store") == before
    assert home("backup", str(large)).code == 0


#: Even the superuser asks for permission then.
HUMBLE = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()


@pytest.mark.full
@pytest.mark.parametrize("directory", [".", "locks", "packfiles", "states"])
def test_a_directory_without_permission_is_told(home: Program, directory: str) -> None:
    if HUMBLE and shutil.which(HUMBLE[0]) is None:
        pytest.skip("the superuser may write everywhere, and setpriv (util-linux) is not here to take that away")
    store = home.home / "store"
    before = files_of(store)
    closed = [store / directory, *(path for path in (store / directory).glob("??") if directory != ".")]
    for path in closed:
        path.chmod(0o500)
    program = (*HUMBLE, sys.executable, "-m", "caldav_backup")
    line = only_line(run(home, *program, "backup", str(home.home / "vdir")), 73)
    assert "permission denied; let this user write there" in line and str(store) in line
    # What had been stored when it came to the states is left over, and said to be.
    assert run(home, *program, "check", "--read-data", "-q").code == 0
    for path in closed:
        path.chmod(0o700)
    orphans = {name for name in files_of(store) if name not in before}
    assert all(name.startswith("packfiles/") and "tmp." not in name for name in orphans)
    assert home("backup", str(home.home / "vdir")).code == 0


@pytest.mark.full
@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="no file is known here that always fails to be read")
def test_a_disk_that_cannot_be_read_is_told(home: Program) -> None:
    (home.home / "store" / "CONFIG").unlink()
    (home.home / "store" / "CONFIG").symlink_to("/proc/self/mem")
    assert "store/CONFIG: Input/output error" in only_line(home.process("ls"), 69)
