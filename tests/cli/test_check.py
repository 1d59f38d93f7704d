"""What `check` shows while it looks, and of what it finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from caldav_backup.cli.terminal import Terminal
from caldav_backup.kloset import Configuration, Repository, open_storage
from tests.cli.conftest import Program
from tests.cli.nights import add
from tests.kloset.builds import add_directory, some_files
from tests.kloset.stores import build

LEFT_OVER = 25


class Screen(Terminal):
    """Standard error that can move its cursor."""

    @property
    def shows_progress(self) -> bool:
        return True


@pytest.fixture
def store(tmp_path: Path) -> Path:
    place = tmp_path / "store"
    repository = Repository.create(open_storage(str(place)), Configuration.new(encrypted=False))
    build(repository, lambda builder: add_directory(builder, "/work", some_files(2)))
    return place


def leave_over(store: Path) -> None:
    """Packfiles that no state names."""
    for number in range(LEFT_OVER):
        name = f"{number:064x}"
        (store / "packfiles" / name[:2] / name).write_bytes(b"left over")


def test_many_findings_are_counted_and_programs_get_all(cli: Program, store: Path) -> None:
    leave_over(store)
    ended = cli("check")
    *lines, last = ended.err.splitlines()
    assert (ended.code, ended.out, len(lines)) == (0, "the store: no damage found\n", 20)
    assert all("warning: packfile " in line for line in lines)
    assert last == "caldav-backup: 5 more findings; --json lists all"
    assert len(cli("check", "--json").document["result"]["findings"]) == LEFT_OVER


def test_damage_is_told_before_what_is_only_left_over(cli: Program, store: Path) -> None:
    (packfile,) = (path for path in (store / "packfiles").rglob("*") if path.is_file())
    leave_over(store)
    packfile.unlink()
    ended = cli("check")
    lines = ended.err.splitlines()
    assert ended.code == 65
    assert f"damage: packfile {packfile.name}: the packfile is missing" in lines[0]
    assert len(lines) == 21
    assert sum("warning: " in line for line in lines) < 20


def test_a_check_tells_how_much_there_is_to_look_at(cli: Program, store: Path) -> None:
    told = cli("check", "-v").err.splitlines()
    assert told == ["caldav-backup: packfiles: 1 to look at", "caldav-backup: snapshots: 1 to look at"]


def test_a_check_at_a_terminal_shows_a_bar_that_goes_away(cli: Program, store: Path) -> None:
    at_screen = cli.at(Screen())("check")
    assert (at_screen.code, at_screen.out) == (0, "the store: no damage found\n")
    assert cli.at(Screen())("check", "-q").err == ""
    assert cli("check").err == ""


def test_a_source_without_a_snapshot_means_all_snapshots_of_that_source_and_nobody_else(cli: Program) -> None:
    nights = [*add(cli, [3, 2], job="work"), *add(cli, [1], job="home")]
    ended = cli("check", "--source", "@work")
    assert (ended.code, ended.out) == (0, "2 snapshots: no damage found\n")
    assert cli("check", "--source", "@home", "--json").document["result"]["snapshots"] == nights[2:]
    for unknown in ("@nobody", ""):
        ended = cli("check", "--source", unknown)
        assert (ended.code, ended.out) == (66, "")
        assert "it has: @work, @home" in ended.err


def test_all_and_a_part_of_the_contents_are_not_asked_for_at_once(cli: Program) -> None:
    ended = cli("check", "--read-data", "--read-data-subset", "10%")
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
