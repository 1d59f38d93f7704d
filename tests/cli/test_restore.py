from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Person, Program
from tests.cli.test_backup import vdir
from tests.events import event, events
from tests.servers.server import Server, members, seed


@pytest.fixture
def backed_up(cli: Program) -> Program:
    """The program with a plaintext store that holds one snapshot of a directory of two calendars."""
    root = vdir(cli.home / "vdir", "home", 3)
    vdir(root, "work", 1)
    (root / "home" / "displayname").write_text("At home")
    cli("init", "--plaintext")
    assert cli("backup", str(root)).code == 0
    return cli


@pytest.fixture
def account(backed_up: Program, radicale: Server) -> Program:
    """The same, with an empty account as the destination `me`."""
    words = [f"username={radicale.user}", f"password={radicale.password}"]
    backed_up("destination", "add", "me", radicale.url, *words)
    return backed_up


def test_calendars_go_to_a_directory(backed_up: Program) -> None:
    target = backed_up.home / "out"
    ended = backed_up("restore", "--to", str(target))
    *table, line = ended.out.splitlines()
    assert (ended.code, line) == (0, f"{target}: 4 created, read back and compared")
    assert [row.split() for row in table[1:]] == [["At", "home", "3"], ["work", "1"], ["total", "4"]]
    assert (target / "home" / "displayname").read_text() == "At home"
    for each in events(3):
        assert (target / "home" / each.name).read_bytes() == each.content
    again = backed_up("restore", "latest", "-to", str(target), "--json").document["result"]
    assert (again["counts"]["identical"], again["counts"]["created"]) == (4, 0)


def test_one_event_goes_to_one_file_or_to_standard_output(backed_up: Program) -> None:
    name = f"latest:/home/{event(1).name}"
    file = backed_up.home / "one.ics"
    assert backed_up("restore", name, "--to", str(file)).code == 0
    assert file.read_bytes().count(b"BEGIN:VEVENT") == 1
    printed = backed_up.process("restore", name, "--to", "-")
    assert (printed.code, printed.out.replace("\r\n", "\n")) == (0, file.read_text().replace("\r\n", "\n"))
    assert printed.err == "caldav-backup: standard output: 1 created\n"
    assert backed_up.process("-q", "restore", name, "--to", "-").err == ""


def test_json_and_events_do_not_share_standard_output(backed_up: Program) -> None:
    ended = backed_up("restore", "--to", "-", "--json")
    assert (ended.code, ended.document["error"]["kind"]) == (2, "usage")


def test_a_dry_run_writes_nothing(account: Program, radicale: Server) -> None:
    ended = account("restore", "--to", "@me", "--dry-run")
    assert ended.out.splitlines()[-1] == "4 of 4 events would be written"
    assert "/home to 'At home', a new calendar: 3 to create" in ended.out
    plan = account("restore", "--to", "@me", "--dry-run", "--json").document["result"]
    assert plan["counts"]["create"] == 4
    assert members(radicale) == []


def test_an_account_gets_calendars_and_events_back(account: Program, radicale: Server) -> None:
    result = account("restore", "--to", "@me", "--json").document["result"]
    assert (result["counts"]["created"], result["verified"]) == (4, True)
    assert len(members(radicale)) == 2
    again = account("restore", "--to", "@me", "--yes", "--json").document["result"]
    assert again["counts"]["identical"] == 4


def test_another_version_is_skipped_and_told_unless_that_was_chosen(account: Program, radicale: Server) -> None:
    seed(radicale, "home", [event(0), event(1, summary="newer", sequence=2)], displayname="At home")
    words = ["restore", "latest:/home", "--to", "@me", "--yes"]
    skipped = account(*words)
    assert skipped.code == 3
    assert "skipped: another version of it is there" in skipped.err
    assert account(*words, "--on-conflict", "skip").code == 0
    replaced = account(*words, "--on-conflict", "replace", "--json").document["result"]
    assert replaced["counts"]["replaced"] == 1


def test_without_a_terminal_replacing_and_merging_need_a_yes(account: Program, radicale: Server) -> None:
    seed(radicale, "home", [event(1, summary="newer", sequence=2)], displayname="At home")
    merging = account("restore", "latest:/home", "--to", "@me")
    assert (merging.code, merging.out) == (4, "")
    assert "add to the calendar 'At home', which is there already" in merging.err
    replacing = account("restore", "latest:/home", "--to", "@me", "--into", "home", "--on-conflict", "replace")
    assert (replacing.code, "replace 1 event" in replacing.err) == (4, True)
    assert len(members(radicale, "home/")) == 1


def test_on_a_terminal_the_plan_is_shown_and_a_person_asked(account: Program, radicale: Server) -> None:
    hesitant, sure = Person(), Person(says_yes=True)
    refused = account.at(hesitant)("restore", "--to", "@me")
    assert (refused.code, members(radicale)) == (4, [])
    assert "/work to 'work', a new calendar: 1 to create" in refused.err
    assert hesitant.questions[0].startswith("Write 4 events to ")
    assert account.at(sure)("restore", "--to", "@me").code == 0
    assert account.at(sure)("restore", "--to", "@me", "--yes").code == 0
    assert account.at(sure)("restore", "--to", "@me").code == 0
    assert len(sure.questions) == 1


def test_calendars_events_and_names_are_chosen(account: Program, radicale: Server) -> None:
    assert account("restore", "--to", "@me", "--calendar", "w*").code == 0
    assert len(members(radicale)) == 1
    out = account.home / "out"
    account("restore", "--to", str(out), "--calendar", "home", "--event", event(2).uid, "--map", "home=Elsewhere")
    assert [path.name for path in out.rglob("*.ics")] == [event(2).name]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["restore"], 2, "Missing option '--to'"),
        (["restore", "--to", ""], 2, "--to is empty"),
        (["restore", "--to", "cloud.example.org"], 2, "write https://cloud.example.org"),
        (["restore", "--to", "@nobody"], 66, "no destination @nobody"),
        (["restore", "ffff", "--to", "out"], 66, "no snapshot ffff"),
        (["restore", "latest:/nothing", "--to", "out"], 66, "/nothing"),
        (["restore", "--to", "out", "--calendar", "nothing"], 66, "no calendar matches"),
        (["restore", "--to", "out", "--event", "nothing"], 66, "UID nothing"),
        (["restore", "--to", "out", "--map", "home=A", "--into", "B"], 2, "leave out one of them"),
        (["restore", "--to", "out", "--map", "nothing"], 2, "OLD=NEW"),
        (["restore", "--to", "out", "--on-conflict", "maybe"], 2, "on-conflict"),
        pytest.param(["restore", "--to", "http://127.0.0.1:1/", "--yes"], 69, "refused", marks=pytest.mark.full),
        (["restore", "--to", "@fixed"], 73, "read_only"),
        (["restore", "--to", "out", "--until", "7d"], 2, "'7d' is no date such as 2026-05-01 or 2026-05-01T12:30"),
        (["restore", "--to", "out", "--type", "todo"], 66, "is of the kind todo"),
    ],
)
def test_a_mistake_is_one_line_with_the_right_code(
    backed_up: Program, words: list[str], code: int, message: str
) -> None:
    backed_up("destination", "add", "fixed", str(backed_up.home / "fixed"), "read_only=true")
    ended = backed_up(*words)
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (code, "", 1)
    assert message in ended.err
    assert not Path("out").exists()


@pytest.mark.full
def test_a_login_that_is_refused_is_told_with_the_account(account: Program, radicale: Server) -> None:
    account("destination", "set", "me", "password=wrong")
    ended = account("restore", "--to", "@me")
    assert (ended.code, len(ended.err.splitlines())) == (77, 1)
    assert ended.err.startswith(f"caldav-backup: {radicale.user}@")


def test_a_sound_store_is_checked(backed_up: Program) -> None:
    assert backed_up("check").out == "the store: no damage found\n"
    assert backed_up("check", "--read-data", "-q").out == ""
    assert backed_up("check", "latest").out == "1 snapshot: no damage found\n"
    part = backed_up("check", "--read-data-subset", "50%", "--json").document["result"]
    assert (part["snapshots"], part["read_data"], part["damaged"], part["findings"]) == (None, 0.5, 0, [])
    again = backed_up("check", "--read-data-subset", part["subset"], "--json").document["result"]
    assert again == part
    assert backed_up("check", "--read-data-subset", "half").code == 2


def test_damage_is_found_named_and_65(backed_up: Program) -> None:
    (packfile, *_) = sorted((backed_up.home / "store" / "packfiles").rglob("*"), key=lambda path: -path.stat().st_size)
    content = bytearray(packfile.read_bytes())
    content[len(content) // 3] ^= 1
    packfile.write_bytes(content)
    ended = backed_up("check", "--read-data")
    assert ended.code == 65
    assert "damage: " in ended.err
    assert backed_up("check", "--read-data", "--json").document["result"]["findings"]


def test_several_sources_are_named_when_one_must_be_chosen(backed_up: Program) -> None:
    backed_up("source", "add", "other", str(vdir(backed_up.home / "other", "calendar", 1)))
    backed_up("backup", "@other")
    ended = backed_up("restore", "--to", "out")
    assert ended.code == 2
    assert f"--source: {backed_up.home / 'vdir'}, @other" in ended.err
    assert backed_up("restore", "--source", "@other", "--to", str(backed_up.home / "out")).code == 0
    assert [path.name for path in (backed_up.home / "out").iterdir() if path.is_dir()] == ["calendar"]


@pytest.mark.full
def test_what_is_wrong_with_the_snapshot_is_not_told_of_the_destination(backed_up: Program) -> None:
    target = str(backed_up.home / "out.ics")
    assert target not in backed_up("restore", "--to", target, "--event", "nobody").err
    unreachable = backed_up("restore", "--to", "http://127.0.0.1:1/")
    assert (unreachable.code, unreachable.err.startswith("caldav-backup: ")) == (69, True)
    assert "127.0.0.1:1" in unreachable.err
