from __future__ import annotations

import pytest

from caldav_backup.cli.argv import Globals
from caldav_backup.cli.invocation import Invocation
from caldav_backup.cli.progress_view import LINE_EVERY, watched
from caldav_backup.cli.terminal import Terminal
from caldav_backup.progress import LookedAt, Planned, RecordRestored, Waiting, Warned
from tests.cli.conftest import Program
from tests.cli.test_backup import vdir
from tests.cli.test_terminal import at_terminal, plain


def restoring(capsys: pytest.CaptureFixture[str], options: Globals, first: int) -> list[str]:
    """What is told, without a terminal, of two calendars that are restored."""
    with watched(Invocation(options, {}, Terminal()), "me") as progress:
        progress(Planned(first + 2, first))
        for number in range(first):
            progress(RecordRestored(f"/home/{number}.ics", "created" if number else "failed"))
        progress(LookedAt("events of Home read back", 0, first))
        progress(LookedAt("events of Home read back", first, first))
        progress(RecordRestored("/work/a.ics", "identical"))
        progress(Warned("mind the gap"))
        progress(RecordRestored("/work/b.ics", "deleted"))
    return [line.removeprefix("caldav-backup: ") for line in capsys.readouterr().err.splitlines()]


def test_without_a_terminal_a_line_is_told_for_each_calendar(capsys: pytest.CaptureFixture[str]) -> None:
    assert restoring(capsys, Globals(verbose=1), 3) == [
        "5 events selected, 3 to write",
        "/home: 1 failed, 2 created",
        "events of Home read back: 3 to look at",
        "warning: mind the gap",
        "/work: 1 identical, 1 deleted",
    ]


def test_a_large_calendar_is_told_of_on_the_way(capsys: pytest.CaptureFixture[str]) -> None:
    lines = restoring(capsys, Globals(verbose=1), LINE_EVERY + 5)
    assert lines[1:3] == [f"/home: 1 failed, {LINE_EVERY - 1} created", "/home: 5 created"]


@pytest.mark.parametrize("options", [Globals(), Globals(quiet=True), Globals(quiet=True, verbose=1)])
def test_who_did_not_ask_hears_of_warnings_only(capsys: pytest.CaptureFixture[str], options: Globals) -> None:
    assert restoring(capsys, options, 3) == ["warning: mind the gap"]


@pytest.mark.parametrize(("options", "told"), [(Globals(), 1), (Globals(verbose=1), 1), (Globals(quiet=True), 0)])
def test_a_wait_is_told_unless_all_shall_be_quiet(
    capsys: pytest.CaptureFixture[str], options: Globals, told: int
) -> None:
    with watched(Invocation(options, {}, Terminal()), "me") as progress:
        progress(Waiting("maintenance by nas"))
    assert capsys.readouterr().err == "caldav-backup: waiting for maintenance by nas\n" * told


@pytest.mark.full
@pytest.mark.parametrize("columns", [50, 70, 100])
def test_a_restore_counts_as_it_goes_in_any_window(cli: Program, columns: int) -> None:
    cli("init", "--plaintext")
    cli("backup", str(vdir(vdir(cli.home / "vdir", "home", 30), "work", 3)))
    code, seen = at_terminal(cli, "restore", "--to", str(cli.home / "out"), columns=columns)
    assert code == 0
    assert "33 created" in plain(seen)
    assert "33/33" in plain(seen)
    last = plain(seen).splitlines()
    assert [line.split() for line in last if line.startswith(("home ", "work ", "total "))] == [
        ["home", "30"],
        ["work", "3"],
        ["total", "33"],
    ]
