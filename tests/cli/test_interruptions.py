"""Runs that are stopped in the middle: what was there before is there afterwards, and nobody is locked out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from caldav_backup.cli.source_lock import source_lock
from caldav_backup.kloset.locks import Lock
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import VERSION_1_0_0, ResourceType
from caldav_backup.kloset.storage import Kind, open_storage
from tests.cli.conftest import ROOT, Ended, Program
from tests.cli.test_backup import vdir
from tests.cli.test_signals import PROGRAM
from tests.events import events
from tests.servers.breaking import Asked, Break, breaking
from tests.servers.server import Server, members, seed

SIGNALS = pytest.mark.parametrize(
    ("number", "code", "word"),
    [
        pytest.param(signal.SIGINT, 130, "interrupted", marks=pytest.mark.full),
        (signal.SIGTERM, 143, "terminated"),
    ],
)


class Gate:
    """Holds up the requests of one method, and tells when the first of them has come."""

    def __init__(self, method: str, after: int = 0) -> None:
        self.come, self.open = threading.Event(), threading.Event()
        self._method, self._left = method, after

    def __call__(self, asked: Asked) -> Break | None:
        if asked.method != self._method:
            return None
        self._left -= 1
        if self._left < 0:
            self.come.set()
            assert self.open.wait(60)
        return None


@pytest.fixture
def store(cli: Program) -> Program:
    """A store with one snapshot of three events."""
    cli("init", "--plaintext")
    assert cli("backup", str(vdir(cli.home / "vdir", "home", 3))).code == 0
    return cli


def start(cli: Program, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words],
        env=cli.environ,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def stop(process: subprocess.Popen[str], number: int) -> Ended:
    """Send a signal, and how the process ended then, which it must do soon."""
    with process:
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    return Ended(process.returncode, out, err)


def at(cli: Program, server: Server, url: str, kind: str) -> None:
    """Names the account behind `url` `me`."""
    cli(kind, "add", "me", url, f"username={server.user}", f"password={server.password}")


def stored(cli: Program) -> dict[str, bytes]:
    store = cli.home / "store"
    return {str(path.relative_to(store)): path.read_bytes() for path in store.rglob("*") if path.is_file()}


def wait_for(happened: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < end
        threading.Event().wait(0.02)


@SIGNALS
def test_a_backup_that_is_stopped_while_it_fetches_leaves_the_store_as_it_was(
    store: Program, radicale: Server, number: int, code: int, word: str
) -> None:
    seed(radicale, "work", events(5, first=50))
    before = stored(store)
    gate = Gate("REPORT")
    with breaking(radicale, gate) as url:
        at(store, radicale, url, "source")
        process = start(store, "backup")
        assert gate.come.wait(30)
        assert len(list((store.home / "store" / "locks").iterdir())) == 1
        ended = stop(process, number)
        gate.open.set()
        assert ended == Ended(code, "", f"caldav-backup: {word}\n")
        assert stored(store) == before
        assert store("check", "--read-data", "-q") == Ended(0, "", "")
        assert store("backup").code == 0
    assert [each["files"] for each in store("ls", "--json").document["result"]["snapshots"]] == [3, 5]


@pytest.mark.full
@SIGNALS
def test_what_a_stopped_backup_has_read_is_kept_for_the_next(
    store: Program, radicale: Server, number: int, code: int, word: str
) -> None:
    seed(radicale, "work", events(600))
    gate = Gate("REPORT", after=5)  # the sixth batch is asked for when two of them are in the store
    with breaking(radicale, gate) as url:
        at(store, radicale, url, "source")
        process = start(store, "-v", "backup")
        assert gate.come.wait(30)
        ended = stop(process, number)
        gate.open.set()
        assert ended.code == code
        assert ended.err.endswith(f", where the next run goes on\ncaldav-backup: {word}\n")
        shown, every = (store("ls", *words, "--json").document["result"]["snapshots"] for words in ((), ("--all",)))
        assert [each["tags"] for each in every] == [[], ["incomplete"]]
        assert [each["id"] for each in shown] == [every[0]["id"]]
        kept = every[1]["files"]
        assert 200 <= kept < 600
        assert store("check", "--read-data", "-q") == Ended(0, "", "")
        (backup,) = store("backup", "--json").document["result"]["backups"]
    assert (backup["fetched"], backup["unchanged"]) == (600 - kept, kept)
    assert [each["tags"] for each in store("ls", "--all", "--json").document["result"]["snapshots"]] == [[], []]


@pytest.mark.full
def test_a_backup_that_is_killed_leaves_what_was_there_and_locks_nobody_out(store: Program, radicale: Server) -> None:
    seed(radicale, "work", events(5, first=50))
    before = stored(store)
    gate = Gate("REPORT")
    with breaking(radicale, gate) as url:
        at(store, radicale, url, "source")
        process = start(store, "backup")
        assert gate.come.wait(30)
        assert stop(process, signal.SIGKILL).code == -signal.SIGKILL
        gate.open.set()
        assert {name: content for name, content in stored(store).items() if name in before} == before
        assert store("check", "-q") == Ended(0, "", "")
        assert store("backup", "--lock-wait", "0").code == 0
    assert store("check", "--read-data", "-q") == Ended(0, "", "")


@pytest.mark.full
@pytest.mark.parametrize("words", [["backup", "vdir"], ["maintenance", "--apply"]])
@SIGNALS
def test_the_wait_for_a_store_in_maintenance_can_be_ended(
    store: Program, words: list[str], number: int, code: int, word: str
) -> None:
    words = [str(store.home / each) if each == "vdir" else each for each in words]
    repository = Repository.open(open_storage(store.environ["CALDAV_BACKUP_STORE"]))
    lock = Lock(time.time_ns(), "maintainer", exclusive=True).to_bytes()
    repository.storage.write(Kind.LOCK, os.urandom(32), repository.seal_file(ResourceType.LOCK, VERSION_1_0_0, lock))
    before = stored(store)
    locks = store.home / "store" / "locks"
    refused = store(*words, "--lock-wait", "0")
    assert (refused.code, "maintenance by maintainer" in refused.err, stored(store)) == (75, True, before)
    touched = locks.stat().st_mtime_ns
    process = start(store, *words, "--lock-wait", "1h")
    # Its own lock comes and goes before it waits.
    wait_for(lambda: locks.stat().st_mtime_ns != touched and stored(store) == before)
    ended = stop(process, number)
    waiting = "caldav-backup: waiting for maintenance by maintainer (last sign of life less than a minute ago)"
    assert ended == Ended(code, "", f"{waiting}\ncaldav-backup: {word}\n")
    assert stored(store) == before


@pytest.mark.full
def test_the_wait_for_another_run_of_the_source_can_be_ended(store: Program) -> None:
    root = str(store.home / "vdir")
    with source_lock(store.home / "state", store.environ["CALDAV_BACKUP_STORE"], root, 0):
        process = start(store, "backup", root, "--lock-wait", "1h")
        (lock,) = (store.home / "state" / "locks").iterdir()
        wait_for(lambda: str(lock) in opened_by(process.pid))
        ended = stop(process, signal.SIGTERM)
        waiting = f"caldav-backup: waiting for another backup of {root} on this machine"
        assert ended == Ended(143, "", f"{waiting}\ncaldav-backup: terminated\n")
    assert store("backup", root, "--lock-wait", "0").code == 0


def opened_by(process: int) -> set[str]:
    """Files that a process has open."""
    directory = Path(f"/proc/{process}/fd")
    if not directory.is_dir():
        pytest.skip("this system does not tell which files a process has open")
    return {os.readlink(path) for path in directory.iterdir() if path.is_symlink()}


@pytest.mark.full
@SIGNALS
def test_a_restore_that_is_stopped_is_finished_by_the_next(
    store: Program, radicale: Server, number: int, code: int, word: str
) -> None:
    gate = Gate("PUT", after=1)
    with breaking(radicale, gate) as url:
        at(store, radicale, url, "destination")
        process = start(store, "restore", "--to", "@me", "--yes")
        assert gate.come.wait(30)
        assert stop(process, number) == Ended(code, "", f"caldav-backup: {word}\n")
        gate.open.set()
        counts = store("restore", "--to", "@me", "--yes", "--json").document["result"]["counts"]
    assert counts["created"] + counts["identical"] == 3
    assert counts["identical"] >= 1
    (calendar,) = members(radicale)
    assert len(members(radicale, calendar)) == 3
