"""Disks that take nothing more: full ones and read-only ones, small file systems mounted for the test."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, Ended, Program
from tests.cli.test_backup import vdir
from tests.events import event

SIZE = 1 << 20  # bytes of the small disk
UNSHARE = ["unshare", "--mount", *(["--map-root-user"] if os.geteuid() else [])]

# In a mount namespace of its own, so that nothing is left mounted however the test ends.
SCRIPT = """
set -e
disk="$1" what="$2"; shift 2
mount -t tmpfs -o size={size} tmpfs "$disk"
if [ -d "$disk.before" ]; then cp -a "$disk.before/." "$disk/"; fi
case $what in
  read-only) mount -o remount,ro "$disk";;
  full*) head -c {size} /dev/zero >"$disk/filling" 2>/dev/null || true
    if [ "$what" != full ]; then truncate -s "-${what#full-but-}" "$disk/filling"; fi;;
esac
set +e
"$@"
code=$?
if [ "$what" != read-only ]; then rm -rf "$disk/filling" "$disk.after"; cp -a "$disk/." "$disk.after"; fi
exit $code
"""


class Disk:
    """A small file system that exists while a command runs; before and after, its files are in directories."""

    def __init__(self, cli: Program) -> None:
        self.cli = cli
        self.path = cli.home / "disk"
        self.path.mkdir()
        self.before, self.after = cli.home / "disk.before", cli.home / "disk.after"
        cli.environ["CALDAV_BACKUP_STORE"] = str(self.path / "store")

    def run(self, what: str, *words: str, **environ: str) -> Ended:
        """`words` on a disk that is `what`: `small`, `full`, `full-but-20000` (bytes) or `read-only`."""
        program = [sys.executable, "-m", "caldav_backup", *words]
        return self.command(what, program, environ)

    def command(self, what: str, command: list[str], environ: dict[str, str]) -> Ended:
        script = SCRIPT.replace("{size}", str(SIZE))
        done = subprocess.run(
            [*UNSHARE, "/bin/bash", "-c", script, "-", str(self.path), what, *command],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"} | self.cli.environ | environ,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def fill(self) -> None:
        """Puts a store with one snapshot on it."""
        root = vdir(self.cli.home / "vdir", "home", 3)
        at_home = {"CALDAV_BACKUP_STORE": str(self.before / "store")}
        assert self.cli("init", "--plaintext", **at_home).code == 0
        assert self.cli("backup", str(root), **at_home).code == 0


@pytest.fixture
def disk(cli: Program) -> Disk:
    if shutil.which("unshare") is None:
        pytest.skip("a file system cannot be mounted here: unshare (util-linux) is not installed")
    disk = Disk(cli)
    tried = disk.command("small", ["/bin/true"], {})
    if tried.code:
        pytest.skip(f"a file system cannot be mounted here: {tried.err.strip()}")
    disk.fill()
    return disk


def only_line(ended: Ended, code: int) -> str:
    assert (ended.code, ended.out) == (code, ""), ended
    (line,) = ended.err.splitlines()
    return line


def files_of(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_a_read_only_store_is_read_and_takes_nothing(disk: Disk) -> None:
    root = str(disk.cli.home / "vdir")
    line = only_line(disk.run("read-only", "backup", root), 73)
    assert str(disk.path / "store") in line and "read-only; mount it writable" in line
    (backup,) = json.loads(disk.run("read-only", "backup", root, "--json").out)["result"]["backups"]
    assert (backup["exit"], backup["error"]["kind"]) == (73, "storage-not-writable")
    assert disk.run("read-only", "check", "--read-data", "-q") == Ended(0, "", "")
    assert "BEGIN:VCALENDAR" in disk.run("read-only", "cat", f"latest:/home/{event(1).name}").out


@pytest.mark.full
@pytest.mark.parametrize("what", ["full", "read-only"])
@pytest.mark.parametrize(
    ("words", "place"),
    [
        (["init", "--plaintext", "-s", "{disk}/other"], "/other"),
        (["source", "add", "me", "/tmp", "--config-dir", "{disk}/settings"], "/settings"),
        (["restore", "--to", "{disk}/all.ics"], "{disk}"),
        (["restore", "--to", "{disk}/vdir"], "/vdir"),
    ],
    ids=["a new store", "settings", "one file", "a directory"],
)
def test_whatever_is_to_be_written_says_where_it_could_not(disk: Disk, what: str, words: list[str], place: str) -> None:
    ended = disk.run(what, *[word.replace("{disk}", str(disk.path)) for word in words])
    assert ended.code == 73, ended
    first, *rest = ended.err.splitlines()
    assert place.replace("{disk}", str(disk.path)) in first
    assert rest in ([], ["caldav-backup: 3 events not reached; once that is mended, the same command does the rest"])
    if what == "full":
        assert [name for name in files_of(disk.after) if "tmp" in name or name.startswith("other/CONFIG")] == []


@pytest.mark.full
def test_a_disk_without_room_for_a_lock_names_the_lock(disk: Disk) -> None:
    line = only_line(disk.run("full", "backup", str(disk.cli.home / "vdir")), 73)
    assert f"{disk.path}/store/locks/" in line and "the disk is full; free some space" in line


@pytest.mark.full
def test_a_state_directory_that_cannot_be_written_is_named(disk: Disk) -> None:
    place = {"CALDAV_BACKUP_STATE_DIR": str(disk.path / "state"), "CALDAV_BACKUP_STORE": str(disk.before / "store")}
    ended = disk.run("read-only", "backup", str(disk.cli.home / "vdir"), **place)
    warning, line = ended.err.splitlines()
    assert ended.code == 73
    assert "Errno" not in warning
    assert str(disk.path / "state") in line and "CALDAV_BACKUP_STATE_DIR" in line


def test_a_disk_that_fills_up_in_mid_backup_loses_nothing(disk: Disk, chance: random.Random) -> None:
    large = vdir(disk.cli.home / "large", "home", 0)
    for number in range(80):
        content = b"BEGIN:VCALENDAR\r\nX-FILLING:" + chance.randbytes(15_000).hex().encode() + b"\r\nEND:VCALENDAR\r\n"
        (large / "home" / f"{number}.ics").write_bytes(content)
    line = only_line(disk.run("small", "backup", str(large)), 73)
    assert f"{disk.path}/store/" in line and "the disk is full" in line
    assert files_of(disk.after) == files_of(disk.before)
    at_home = {"CALDAV_BACKUP_STORE": str(disk.after / "store")}
    assert len(disk.cli("ls", "--json", **at_home).document["result"]["snapshots"]) == 1
    assert disk.cli("check", "--read-data", "-q", **at_home) == Ended(0, "", "")


@pytest.mark.full
def test_nothing_is_replaced_when_what_is_there_cannot_be_backed_up_first(disk: Disk) -> None:
    target = disk.cli.home / "target"
    to_it = ["restore", "--to", str(target), "--on-conflict", "replace"]
    assert disk.run("read-only", *to_it).code == 0
    one = target / "home" / event(1).name
    one.write_bytes(event(1, summary="edited").content)
    line = only_line(disk.run("read-only", *to_it), 73)
    assert "--no-safety-snapshot" in line and one.read_bytes() == event(1, summary="edited").content
    assert disk.run("read-only", *to_it, "--no-safety-snapshot").code == 0
    assert one.read_bytes() == event(1).content
