"""`unlock`: whose locks are there, and which of them go."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from caldav_backup.kloset import Repository, open_storage
from caldav_backup.kloset.lock import SECOND, Lock
from caldav_backup.kloset.resources import VERSION_1_0_0, ResourceType
from caldav_backup.kloset.storage import Kind
from tests.cli.conftest import Ended, Program

MINUTE = 60 * SECOND


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for all tests: a directory has 512 more in it."""
    return tmp_path_factory.mktemp("unlock") / "store"


@pytest.fixture
def store(cli: Program, made: Path) -> Repository:
    cli.environ["CALDAV_BACKUP_STORE"] = str(made)
    if not made.exists():
        assert cli("init", "--plaintext").code == 0
    repository = Repository.open(open_storage(str(made)))
    for identifier in list(repository.storage.ids(Kind.LOCK)):
        repository.storage.delete(Kind.LOCK, identifier)
    return repository


def put(store: Repository, name: int, age_ns: int, *, exclusive: bool = False, host: str = "nas") -> Path:
    """A lock of that age, by its own words and by its file's time; a negative one is dated ahead."""
    lock = Lock(time.time_ns() - age_ns, host, exclusive).to_bytes()
    store.storage.write(Kind.LOCK, bytes([name]) * 32, store.seal_file(ResourceType.LOCK, VERSION_1_0_0, lock))
    return aged(store, name, max(0, age_ns))


def aged(store: Repository, name: int, age_ns: int) -> Path:
    path = Path(store.storage.location) / "locks" / (f"{name:02x}" * 32)
    when = time.time_ns() - age_ns
    os.utime(path, ns=(when, when))
    return path


def left(store: Repository) -> list[int]:
    return sorted(identifier[0] for identifier in store.storage.ids(Kind.LOCK))


def test_a_store_that_nobody_works_on_has_no_locks(cli: Program, store: Repository) -> None:
    assert cli("unlock") == Ended(0, "no program has locked the store\n", "")
    assert cli("unlock", "--apply").out == "nothing to remove\n"


def test_locks_are_listed_and_nothing_is_removed_before_somebody_says_so(cli: Program, store: Repository) -> None:
    put(store, 1, 11 * MINUTE, exclusive=True)
    put(store, 2, 3 * MINUTE)
    ended = cli("unlock")
    assert ended.code == 0
    assert ended.err == ""
    assert [line.split() for line in ended.out.splitlines()[1:3]] == [
        ["keep", "02020202", "shared", "nas", "3", "min", "ago", "alive"],
        ["remove", "01010101", "exclusive", "nas", "11", "min", "ago", "stale"],
    ]
    assert ended.out.splitlines()[3].startswith("1 lock is alive and stays: wait for")
    assert ended.out.splitlines()[-1] == "nothing was removed yet; --apply removes 1 lock"
    assert left(store) == [1, 2]


def test_stale_locks_go_and_living_ones_stay(cli: Program, store: Repository) -> None:
    put(store, 1, 11 * MINUTE, exclusive=True)
    put(store, 2, 3 * MINUTE)
    put(store, 3, 3 * MINUTE)
    ended = cli("unlock", "--apply")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("1 lock removed\n2 locks are alive and stay: ")
    assert left(store) == [2, 3]


def test_living_locks_go_only_when_all_are_to_go_and_with_a_warning(cli: Program, store: Repository) -> None:
    put(store, 2, 3 * MINUTE)
    planned = cli("unlock", "--all")
    assert planned.out.endswith("nothing was removed yet; --apply removes 1 lock\n")
    assert "make sure that nothing works on the store" in planned.err
    done = cli("unlock", "--all", "--apply")
    assert (done.code, done.out) == (0, "1 lock removed\n")
    assert "warning: lock 02020202 was alive" in done.err
    assert left(store) == []
    put(store, 1, 11 * MINUTE)
    assert cli("unlock", "--all", "--apply") == Ended(0, "1 lock removed\n", "")


def test_lock_that_cannot_be_read_goes_when_it_is_old(cli: Program, store: Repository) -> None:
    store.storage.write(Kind.LOCK, b"\x04" * 32, b"no lock at all")
    assert cli("unlock", "--apply").out.startswith("nothing to remove\n1 lock is alive and stays")
    assert [line.split()[:3] for line in cli("unlock").out.splitlines()[1:2]] == [["keep", "04040404", "unreadable"]]
    aged(store, 4, 11 * MINUTE)
    assert cli("unlock", "--apply").out == "1 lock removed\n"
    assert left(store) == []


def test_lock_of_a_clock_that_is_ahead_says_so(cli: Program, store: Repository) -> None:
    put(store, 5, -26 * 60 * MINUTE)
    put(store, 6, 3 * 24 * 60 * MINUTE)
    put(store, 7, 5 * SECOND)
    out = cli("unlock").out
    assert "dated 1 day ahead" in out
    assert "3 days ago" in out
    assert " s ago" in out


def test_programs_are_told_of_each_lock(cli: Program, store: Repository) -> None:
    put(store, 1, 11 * MINUTE, exclusive=True)
    put(store, 2, 3 * MINUTE, host="laptop")
    store.storage.write(Kind.LOCK, b"\x04" * 32, b"no lock at all")
    planned = cli("unlock", "--json").document["result"]
    assert planned["dry_run"]
    unreadable, living, stale = planned["locks"]
    assert (unreadable["hostname"], unreadable["exclusive"], unreadable["time"]) == (None, None, None)
    assert "04" * 32 in unreadable["problem"]
    assert (living["hostname"], living["exclusive"], living["stale"], living["removed"]) == (
        "laptop",
        False,
        False,
        False,
    )
    assert (stale["exclusive"], stale["stale"], stale["removed"], stale["problem"]) == (True, True, True, "")
    assert 660 <= stale["age"] < 720
    done = cli("unlock", "--apply", "--json").document["result"]
    assert (done["dry_run"], [lock["removed"] for lock in done["locks"]]) == (False, [False, False, True])


def test_a_store_that_is_not_there_has_no_locks_either(cli: Program) -> None:
    assert cli("unlock").code == 66
