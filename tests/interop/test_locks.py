"""plakar and this program at work on one store at the same time, with the locks of both."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from caldav_backup.kloset import Configuration, Repository, open_storage
from caldav_backup.kloset.errors import LockLost
from caldav_backup.kloset.held_lock import HeldLock
from caldav_backup.kloset.lock import Lock
from caldav_backup.kloset.locks import exclusive_lock, list_locks, shared_lock
from caldav_backup.kloset.storage import Kind
from caldav_backup.kloset.unlock import plan_unlock
from tests.interop.conftest import MakePlakar
from tests.interop.plakar import Plakar
from tests.interop.stores import back_up_directory, write_events
from tests.kloset.lock_stories import put_lock

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(shutil.which("plakar") is None, reason="no plakar on PATH: nothing to be compatible with here"),
]

ROOT = Path(__file__).parents[2]
MINUTE = 60 * 10**9
OWN = b"\x0f" * 32


class Both:
    """A store, a directory of events, and both programs, each of which takes locks."""

    def __init__(self, home: Path, plakar: Plakar) -> None:
        self.home = home
        self.plakar = plakar
        self.calendars = home / "calendars"
        self.repository = Repository.create(open_storage(str(home / "store")), Configuration.new(encrypted=False))
        write_events(self.calendars, 5)

    def start_plakar(self, *words: str) -> subprocess.Popen[bytes]:
        environ = {"HOME": str(self.plakar.home), "PATH": os.environ["PATH"]}
        return _start([self.plakar.program, "at", str(self.home / "store"), *words], environ)

    def start_own(self, machine: str, *words: str) -> subprocess.Popen[bytes]:
        kinds = ("config", "state", "cache")
        environ = {f"CALDAV_BACKUP_{kind.upper()}_DIR": str(self.home / machine / kind) for kind in kinds}
        store = str(self.home / "store")
        return _start([sys.executable, "-m", "caldav_backup", "-q", "-s", store, *words], environ)

    def told(self, *words: str) -> str:
        """What plakar says at its end."""
        return _end(self.start_plakar(*words))[1]

    def unlock(self) -> None:
        """Nothing runs any more, so what is left was left behind."""
        plan_unlock(self.repository, living_too=True).apply()

    def assert_agree(self) -> set[str]:
        """Ids of the snapshots that both see, and find to be sound."""
        opened = Repository.open(self.repository.storage)
        names = {header.identifier.hex()[:8] for header in opened.snapshots()}
        assert set(self.plakar.snapshots()) == names
        self.plakar.run("check")
        assert [each for each in opened.check(read_data=True) if each.severity.value == "damage"] == []
        return names


def _start(command: list[str], environ: dict[str, str]) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environ, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe)


def _end(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    out, err = process.communicate(timeout=110)
    return process.returncode, (out + err).decode()


@pytest.fixture
def both(tmp_path: Path, make_plakar: MakePlakar) -> Iterator[Both]:
    made = Both(tmp_path, make_plakar(False))
    yield made
    made.unlock()


def test_plakar_heeds_our_locks(both: Both) -> None:
    back_up_directory(both.repository, both.calendars)
    with shared_lock(both.repository, OWN):
        assert "already locked" in both.told("maintenance")
        assert "completed without errors" in both.told("backup", str(both.calendars))
    both.unlock()
    with exclusive_lock(both.repository) as held:
        assert "lock" in both.told("backup", str(both.calendars))
        held.confirm()
        assert not held.was_lost
    both.unlock()
    assert "completed without errors" in both.told("backup", str(both.calendars))
    assert len(both.assert_agree()) == 3


@pytest.mark.parametrize("behind", [0, 11 * MINUTE, 24 * 60 * MINUTE])
def test_plakar_does_not_take_the_lock_of_a_machine_whose_clock_is_behind_for_a_stale_one(
    both: Both, behind: int
) -> None:
    held = HeldLock(both.repository, OWN, exclusive=True, clock=lambda: time.time_ns() - behind)
    assert held.attempt() is None
    assert "lock" in both.told("backup", str(both.calendars))
    assert OWN in both.repository.storage.ids(Kind.LOCK)
    held.release()


def test_who_lost_its_lock_to_plakar_notices(both: Both) -> None:
    held = HeldLock(both.repository, OWN, exclusive=True)
    assert held.attempt() is None
    # As from a machine whose clock is behind, on a storage whose clock is behind as well.
    put_lock(both.repository, Lock(time.time_ns() - 11 * MINUTE, "nas", exclusive=True), OWN)
    assert "completed without errors" in both.told("backup", str(both.calendars))
    with pytest.raises(LockLost):
        held.confirm()


def test_locks_of_plakar_are_read_and_those_left_behind_can_be_removed(both: Both) -> None:
    seen = []
    for _ in range(3):
        process = both.start_plakar("backup", str(both.calendars))
        while process.poll() is None:
            seen += list_locks(both.repository)
        assert _end(process)[0] == 0
    assert {(each.is_exclusive, each.problem) for each in seen} == {(False, "")}
    assert {each.lock.hostname for each in seen if each.lock} == {os.uname().nodename}
    both.unlock()
    assert list_locks(both.repository) == []


def test_backups_of_both_side_by_side_are_all_there(both: Both) -> None:
    for turn in range(2):
        write_events(both.calendars, 3, first=5 + 3 * turn)
        running = [both.start_own(machine, "backup", str(both.calendars)) for machine in ("one", "two")]
        running += [both.start_plakar("backup", str(both.calendars)) for _ in range(2)]
        assert [code for code, _ in map(_end, running)] == [0] * 4
    assert len(both.assert_agree()) == 8


def test_backups_beside_maintenance_of_plakar_wait_for_it_or_keep_it_waiting(both: Both) -> None:
    removed = back_up_directory(both.repository, both.calendars)
    made = 0
    for turn in range(4):
        write_events(both.calendars, 2, first=5 + 2 * turn)
        both.repository.refresh()
        if turn == 1:
            both.repository.remove_snapshot(bytes.fromhex(removed))
        maintaining = both.start_plakar("maintenance")
        running = both.start_own("one", "backup", str(both.calendars), "--lock-wait", "3")
        code, said = _end(running)
        assert (code == 0) or (code == 75 and "caldav-backup unlock" in said), said
        _end(maintaining)
        # plakar leaves its lock behind every third time; then one would have to wait for ten minutes.
        both.unlock()
        if code:
            assert _end(both.start_own("one", "backup", str(both.calendars), "--lock-wait", "3")) == (0, "")
        made += 1
    assert len(both.assert_agree()) == made
