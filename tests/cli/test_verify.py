from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Program
from tests.cli.test_backup import vdir
from tests.events import event, events
from tests.ics.corpus import vevent
from tests.servers.server import Server, members, put, seed


@pytest.fixture
def backed_up(cli: Program) -> Program:
    """The program with a plaintext store that holds one snapshot of a directory of two calendars."""
    root = vdir(cli.home / "vdir", "home", 3)
    vdir(root, "work", 1)
    cli("init", "--plaintext")
    cli("source", "add", "mine", str(root))
    assert cli("backup").code == 0
    return cli


def home(program: Program) -> Path:
    return program.home / "vdir" / "home"


def test_an_account_that_is_as_it_was_ends_with_0(backed_up: Program) -> None:
    ended = backed_up("verify", "@mine")
    assert (ended.code, ended.err) == (0, "")
    *calendars, total = ended.out.splitlines()
    assert calendars == ["/home at 'home': 3 same", "/work at 'work': 1 same"]
    assert "has 4 of 4 events as snapshot" in total
    assert backed_up("verify", "latest", "@mine", "-q").out == ""
    assert backed_up("verify", "latest", "@mine", "--json").document["result"]["counts"]["same"] == 4


def test_differences_are_named_and_end_with_5(backed_up: Program) -> None:
    (home(backed_up) / event(0).name).write_bytes(event(0, summary="newer", sequence=3).content)
    (home(backed_up) / event(1).name).unlink()
    (home(backed_up) / "new.ics").write_bytes(vevent("new", "SUMMARY:New"))
    ended = backed_up("verify", "@mine", "-q")
    assert ended.code == 5
    calendar, *records = ended.out.splitlines()
    assert calendar == "/home at 'home': 1 same, 1 changed, 1 missing, 1 only there"
    (changed,) = [line for line in records if line.startswith("  changed ")]
    assert "changed VEVENT SUMMARY" in changed
    assert changed.endswith("; changed there since")
    assert [line.split()[:2] for line in records if "missing" in line] == [["missing", event(1).name]]
    assert "  only there new.ics (New, 2026-05-01 10:00 UTC)" in records
    document = backed_up("verify", "@mine", "--json").document
    assert (document["exit"], document["result"]["counts"]["extra"]) == (5, 1)
    standings = {record["name"]: record["standing"] for record in document["result"]["calendars"][0]["records"]}
    assert standings == {event(0).name: "changed", event(1).name: "missing", "new.ics": "extra"}


def test_a_calendar_more_or_less_is_a_difference(backed_up: Program) -> None:
    vdir(backed_up.home / "vdir", "later", 1)
    for path in (backed_up.home / "vdir" / "work").iterdir():
        path.unlink()
    (backed_up.home / "vdir" / "work").rmdir()
    ended = backed_up("verify", "@mine")
    assert ended.code == 5
    assert "/work at 'work': 1 missing (there is no such calendar)" in ended.out
    assert "only there: the calendar 'later'" in ended.out
    assert backed_up("verify", "@mine", "--calendar", "home").code == 0
    assert backed_up("verify", "latest:/home", "@mine").code == 0


def test_many_differences_are_counted(backed_up: Program) -> None:
    for number in range(100, 160):
        (home(backed_up) / f"{number}.ics").write_bytes(vevent(f"{number}"))
    lines = backed_up("verify", "@mine").out.splitlines()
    assert "10 events more; --json lists all" in lines
    assert len(lines) == 1 + 50 + 1 + 2


@pytest.mark.full
def test_what_was_restored_elsewhere_is_verified_there(backed_up: Program, radicale: Server) -> None:
    words = [f"username={radicale.user}", f"password={radicale.password}"]
    backed_up("destination", "add", "new", radicale.url, *words)
    assert backed_up("restore", "--to", "@new").code == 0
    ended = backed_up("verify", "@new")
    assert ended.code == 0
    assert "has 4 of 4 events as snapshot" in ended.out.splitlines()[-1]
    one = members(radicale, "home/")[0]
    radicale.expect("DELETE", one)
    put(radicale, "work", event(7))
    seed(radicale, "another", events(1))
    ended = backed_up("verify", "latest", "@new")
    assert (ended.code, ended.out.count("missing"), ended.out.count("  only there")) == (5, 2, 1)
    assert "another" not in ended.out
    assert backed_up("verify", "latest", "@new", "--map", "work=another").code == 5


def test_of_several_sources_the_account_s_own_snapshot_is_meant(backed_up: Program) -> None:
    backed_up("source", "add", "other", str(vdir(backed_up.home / "other", "calendar", 2)))
    backed_up("backup", "@other")
    assert backed_up("verify", "@other").code == 0
    assert backed_up("verify", "latest", "@mine").code == 0
    crossed = backed_up("verify", "--source", "@mine", "@other")
    assert (crossed.code, "there is no such calendar" in crossed.out) == (5, True)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["verify"], 2, "Missing argument"),
        (["verify", "latest"], 2, "say which account"),
        (["verify", "a", "b", "c"], 2, "not 3 words"),
        (["verify", "@nobody"], 66, "no source @nobody"),
        (["verify", "ffff", "@mine"], 66, "no snapshot ffff"),
        (["verify", "latest:/nothing", "@mine"], 66, "/nothing"),
        (["verify", "@mine", "--calendar", "nothing"], 66, "no calendar matches"),
        (["verify", "@mine", "--map", "nothing"], 2, "OLD=NEW"),
        (["verify", "latest", "nowhere"], 66, "nowhere"),
        pytest.param(["verify", "latest", "http://127.0.0.1:1/"], 69, "127.0.0.1:1", marks=pytest.mark.full),
    ],
)
def test_a_mistake_is_one_line_with_the_right_code(
    backed_up: Program, words: list[str], code: int, message: str
) -> None:
    ended = backed_up(*words)
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (code, "", 1)
    assert message in ended.err


@pytest.mark.full
def test_what_was_backed_up_before_a_restore_is_not_what_an_account_is_compared_with(
    backed_up: Program, radicale: Server
) -> None:
    seed(radicale, "home", [event(0, summary="other", sequence=2)])
    words = [f"username={radicale.user}", f"password={radicale.password}"]
    backed_up("destination", "add", "new", radicale.url, *words)
    restored = backed_up("restore", "--to", "@new", "--on-conflict", "replace", "--yes", "--json").document["result"]
    assert restored["undo"].startswith("caldav-backup at ")
    assert backed_up("verify", "@new").code == 0
