"""A clock that is behind the newest snapshot is told before a backup."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from caldav_backup.kloset import Configuration, Repository, open_storage
from tests.cli.conftest import Ended, Program
from tests.cli.test_backup import vdir
from tests.kloset.builds import add_directory, some_files
from tests.kloset.stores import build

HOUR = 3600 * 10**9


@pytest.fixture
def source(cli: Program) -> str:
    return str(vdir(cli.home / "vdir", "home", 2))


def store_of(place: Path, off_ns: int) -> str:
    """A store whose newest snapshot is dated that much after now; its short id."""
    repository = Repository.create(open_storage(str(place)), Configuration.new(encrypted=False))
    made = build(
        repository, lambda builder: add_directory(builder, "/work", some_files(2)), timestamp_ns=time.time_ns() + off_ns
    )
    return made.header.identifier.hex()[:8]


def test_a_clock_behind_the_newest_snapshot_is_told_in_one_line(cli: Program, source: str) -> None:
    name = store_of(cli.home / "store", 2 * HOUR)
    ended = cli("-q", "backup", source)
    (line,) = ended.err.splitlines()
    assert (ended.code, ended.out) == (0, "")
    assert line.startswith("caldav-backup: warning: it is ")
    assert f"but snapshot {name} is of " in line
    assert "set the clock if it is behind" in line


def test_clocks_of_machines_may_differ_a_little(cli: Program, source: str) -> None:
    store_of(cli.home / "store", HOUR // 2)
    assert cli("-q", "backup", source) == Ended(0, "", "")
