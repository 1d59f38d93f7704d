"""Events that were deleted after a backup come back: found by words, listed with when they vanished."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from caldav_backup import ics
from caldav_backup.cli.exits import Usage
from caldav_backup.cli.undelete_answers import chosen
from tests.cli.conftest import Person, Program
from tests.cli.test_backup import vdir
from tests.events import Event, event, events
from tests.ics.corpus import vevent
from tests.restorer.meetings import Part, Witness, meeting
from tests.servers.breaking import Asked, Break, Rule, breaking
from tests.servers.server import Server, calendars, make_calendar, members, put, seed

SERIES = Event(
    "series.ics",
    "series",
    vevent("series", "RRULE:FREQ=WEEKLY;COUNT=5;BYDAY=FR", "EXDATE:20260508T100000Z").replace(
        b"END:VEVENT\r\n",
        b"END:VEVENT\r\nBEGIN:VEVENT\r\nUID:series\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID:20260515T100000Z\r\n"
        b"DTSTART:20260515T120000Z\r\nDTEND:20260515T130000Z\r\nSUMMARY:moved\r\nEND:VEVENT\r\n",
    ),
)


def signed_up(cli: Program, server: Server) -> Program:
    """The program with an empty store and an account that is both source and destination `me`."""
    words = ["me", server.url]
    words += [f"username={server.user}", f"password={server.password}"] if server.user else []
    cli("source", "add", *words)
    cli("destination", "add", *words)
    assert cli("init", "--plaintext").code == 0
    return cli


def back_up(cli: Program) -> None:
    ended = cli("backup", "@me", "--accept-shrink", "--allow-empty")
    assert ended.code == 0, ended.err


def delete(server: Server, calendar: str, each: Event) -> None:
    server.expect("DELETE", f"{calendar}/{each.name}")


def vanished(cli: Program, *words: str) -> list[dict[str, Any]]:
    ended = cli("undelete", *words, "--to", "@me", "--list", "--json")
    assert ended.code == 0, ended.out
    found: list[dict[str, Any]] = ended.document["result"]["vanished"]
    return found


def titles(found: list[dict[str, Any]]) -> list[str]:
    return [each["title"] for each in found]


def content(server: Server, calendar: str, each: Event) -> bytes:
    return server.expect("GET", f"{calendar}/{each.name}").body


@pytest.fixture
def account(cli: Program, radicale: Server) -> Program:
    """A backup of two calendars; two events vanished since, one of them before a second backup."""
    seed(radicale, "home", events(4), displayname="At home")
    seed(radicale, "work", [event(9)], displayname="Work")
    program = signed_up(cli, radicale)
    back_up(program)
    delete(radicale, "home", event(1))
    back_up(program)
    delete(radicale, "home", event(2))
    return program


@pytest.mark.full
def test_an_event_comes_back_by_a_word_of_its_title_at_every_server(cli: Program, each_server: Server) -> None:
    program = signed_up(cli, each_server)
    seed(each_server, "home", [*events(3), SERIES], displayname="At home")
    back_up(program)
    delete(each_server, "home", event(1))
    delete(each_server, "home", SERIES)
    back_up(program)
    put(each_server, "home", event(4))
    back_up(program)
    ended = program("undelete", "team MEETING", "--to", "@me", "--json").document["result"]
    assert (titles(ended["vanished"]), ended["restored"][0]["counts"]["created"]) == (["Team meeting (1)"], 1)
    assert ics.same_meaning(content(each_server, "home", event(1)), event(1).content)
    assert program("undelete", "series", "--to", "@me").code == 0
    assert ics.same_meaning(content(each_server, "home", SERIES), SERIES.content)
    assert vanished(program) == []
    assert program("undelete", "--to", "@me").out == "nothing has vanished\n"


@pytest.mark.full
def test_what_vanished_last_is_listed_first_with_when_and_where(account: Program) -> None:
    ended = account("undelete", "--to", "@me", "--list")
    heading, *rows = ended.out.splitlines()
    assert heading.split() == ["#", "VANISHED", "CALENDAR", "DATE", "TITLE", "UID"]
    assert [row.split()[0] for row in rows] == ["1", "2"]
    assert [("after 20" in row, "on 20" in row) for row in rows] == [(True, False), (False, True)]
    assert "At home   2025-01-06 09:00 UTC  Swimming with Nadia (2)" in rows[0]
    first, second = vanished(account)
    assert (first["uid"], first["gone_at"], second["uid"]) == (event(2).uid, None, event(1).uid)
    assert first["path"] == f"/home/{event(2).name}"
    assert second["last_seen"] < second["gone_at"]


def test_one_of_several_is_chosen_by_its_uid(account: Program, radicale: Server) -> None:
    several = account("undelete", "--to", "@me")
    assert (several.code, several.out) == (2, "")
    assert "2 events that vanished are meant; --list shows them: give the UID of one" in several.err
    assert account("undelete", event(1).uid, "--to", "@me").code == 0
    assert ics.same_meaning(content(radicale, "home", event(1)), event(1).content)
    assert titles(vanished(account)) == ["Swimming with Nadia (2)"]


@pytest.mark.full
def test_yes_puts_back_all_from_several_snapshots_in_one_report(account: Program, radicale: Server) -> None:
    ended = account("undelete", "--to", "@me", "--yes")
    assert (ended.code, ended.out.splitlines()[-1].endswith(": 2 created, read back and compared")) == (0, True)
    assert event(1).uid in ended.out and event(2).uid in ended.out
    assert len(members(radicale, "home/")) == 4


@pytest.mark.full
def test_a_person_chooses_by_numbers(account: Program, radicale: Server) -> None:
    person = Person("7", "1")
    ended = account.at(person)("undelete", "--to", "@me")
    assert (ended.code, len(person.questions)) == (0, 2)
    assert person.questions[0] == "Which ones? [1-2, all; nothing: none]"
    assert "'7' is none of the numbers 1 to 2" in ended.err
    assert "Team meeting (1)" in ended.out
    assert "UID" not in ended.out
    assert titles(vanished(account)) == ["Team meeting (1)"]
    nothing = account.at(Person(""))("undelete", "--to", "@me", "nadia")
    assert nothing.code == 66


@pytest.mark.full
def test_a_person_is_asked_about_the_only_one_and_may_choose_none(account: Program, radicale: Server) -> None:
    hesitant, sure, undecided = Person(), Person(says_yes=True), Person("")
    assert account.at(hesitant)("undelete", "nadia", "--to", "@me").code == 4
    assert account.at(undecided)("undelete", "--to", "@me").code == 4
    assert len(members(radicale, "home/")) == 2
    assert account.at(sure)("undelete", "nadia", "--to", "@me").code == 0
    assert [question.startswith("Write 1 event to ") for question in sure.questions] == [True]
    assert len(members(radicale, "home/")) == 3


@pytest.mark.full
def test_the_address_of_one_calendar_is_asked_about_that_calendar_alone(account: Program, radicale: Server) -> None:
    words = [f"{radicale.home}home/", f"username={radicale.user}", f"password={radicale.password}"]
    assert account("destination", "add", "home", *words).code == 0
    radicale.expect("DELETE", "work/")
    found = account("undelete", "--to", "@home", "--source", "@me", "--list", "--json").document["result"]["vanished"]
    assert {each["path"].split("/")[1] for each in found} == {"home"}
    assert account("undelete", "nadia", "--to", "@home", "--source", "@me").code == 0
    assert len(members(radicale, "home/")) == 3


@pytest.mark.full
def test_a_password_is_asked_for_once(account: Program, radicale: Server) -> None:
    assert account("destination", "unset", "me", "password").code == 0
    person = Person(radicale.password, says_yes=True)
    assert account.at(person)("undelete", "nadia", "--to", "@me").code == 0
    assert [question.partition(" ")[0] for question in person.questions] == ["Password", "Write"]


@pytest.mark.full
def test_a_dry_run_writes_nothing(account: Program, radicale: Server) -> None:
    ended = account("undelete", "nadia", "--to", "@me", "--dry-run")
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "1 of 1 event would be written")
    planned = account("undelete", "--to", "@me", "--dry-run", "--yes", "--json").document["result"]["restored"]
    assert [each["counts"]["create"] for each in planned] == [1, 1]
    assert len(members(radicale, "home/")) == 2


@pytest.mark.full
def test_what_has_moved_or_is_there_again_has_not_vanished(account: Program, radicale: Server) -> None:
    put(radicale, "work", event(2))
    put(radicale, "home", event(1)._replace(name="another-name.ics"))
    assert vanished(account) == []
    ended = account("undelete", "nadia", "--to", "@me")
    assert (ended.code, len(ended.err.splitlines())) == (66, 1)
    assert (
        "no event that vanished says 'nadia', or has it as its UID; one like that has moved, and is there" in ended.err
    )
    back_up(account)
    assert vanished(account) == []


@pytest.mark.full
def test_the_newest_version_comes_back_of_what_was_deleted_twice(account: Program, radicale: Server) -> None:
    put(radicale, "work", event(1, summary="Team meeting (later)", sequence=3)._replace(name="again.ics"))
    back_up(account)
    radicale.expect("DELETE", "work/again.ics")
    back_up(account)
    assert titles(vanished(account, "team")) == ["Team meeting (later)"]
    assert titles(vanished(account, "Team meeting (1)")) == ["Team meeting (later)"]
    assert account("undelete", event(1).uid, "--to", "@me").code == 0
    assert b"(later)" in radicale.expect("GET", "work/again.ics").body


@pytest.mark.full
def test_a_calendar_that_is_gone_is_made_again_once(account: Program, radicale: Server) -> None:
    radicale.expect("DELETE", "home/")
    assert len(vanished(account)) == 4
    ended = account("undelete", "--to", "@me", "--yes", "--json").document["result"]
    assert sum(each["counts"]["created"] for each in ended["restored"]) == 4
    assert len(calendars(radicale)) == 2
    assert vanished(account) == []
    back_up(account)
    assert vanished(account) == []


@pytest.mark.full
def test_only_what_vanished_since_is_listed(account: Program) -> None:
    assert len(vanished(account, "--since", "1d")) == 2
    assert len(vanished(account, "--since", "9000-01-01")) == 1
    assert account("undelete", "--to", "@me", "--since", "soon").code == 2


@pytest.mark.full
def test_another_calendar_can_be_named(account: Program, radicale: Server) -> None:
    assert account("undelete", "nadia", "--to", "@me", "--into", "Work").code == 0
    assert account("undelete", "team", "--to", "@me", "--map", "home=Work", "--yes").code == 0
    assert len(members(radicale, "work/")) == 3
    assert account("undelete", "team", "--to", "@me", "--map", "home").code == 2


@pytest.mark.full
def test_of_another_account_the_last_backup_is_the_measure(account: Program, radicale: Server) -> None:
    other = account.home / "elsewhere"
    ended = account("undelete", "--to", str(other))
    assert ended.code == 0
    assert "is not the account that was backed up" in ended.err
    assert [path.name for path in other.rglob("*.ics")] == [event(1).name]
    listed = account("undelete", "--to", str(other), "--list", "--json").document["result"]
    assert (titles(listed["vanished"]), listed["compared_with"] is None) == (["Team meeting (1)"], False)


def test_a_directory_gets_its_files_back(cli: Program) -> None:
    root = vdir(cli.home / "vdir", "home", 3)
    vdir(root, "work", 1)
    cli("init", "--plaintext")
    assert cli("backup", str(root)).code == 0
    (root / "home" / event(1).name).unlink()
    shutil.rmtree(root / "work")
    found = cli("undelete", "--to", str(root), "--list", "--json").document["result"]["vanished"]
    assert {each["path"] for each in found} == {f"/home/{event(1).name}"}, "the other's UID is still at home"
    assert cli("undelete", "--to", str(root)).code == 0
    assert (root / "home" / event(1).name).read_bytes() == event(1).content


def test_an_event_in_two_files_and_one_without_a_uid_come_back_too(cli: Program) -> None:
    root = vdir(cli.home / "vdir", "home", 2)
    files = {
        "master.ics": vevent("series", "RRULE:FREQ=WEEKLY;COUNT=5;BYDAY=FR"),
        "override.ics": vevent("series", "RECURRENCE-ID:20260515T100000Z"),
        "nameless.ics": vevent("x").replace(b"UID:x\r\n", b""),
    }
    for name, written in files.items():
        (root / "home" / name).write_bytes(written)
    cli("init", "--plaintext")
    assert cli("backup", str(root)).code == 0
    for name in files:
        (root / "home" / name).unlink()
    ended = cli("undelete", "--to", str(root), "--yes", "--json").document["result"]
    assert sorted(str(each["uid"]) for each in ended["vanished"]) == ["None", "series"]
    assert {name: (root / "home" / name).read_bytes() for name in files} == files


@pytest.mark.full
def test_of_several_sources_that_of_the_same_account_is_meant(account: Program) -> None:
    other = vdir(account.home / "other", "calendar", 1)
    account("source", "add", "other", str(other))
    assert account("backup", "@other").code == 0
    assert len(vanished(account)) == 2
    unclear = account("undelete", "--to", str(account.home / "elsewhere"), "--list")
    assert (unclear.code, "--source: @me, @other" in unclear.err) == (2, True)
    assert account("undelete", "--to", str(other), "--list").code == 0
    assert account("undelete", "--to", "@me", "--source", "@nobody", "--list").code == 66


@pytest.mark.full
def test_a_person_sees_some_of_many(cli: Program, radicale: Server) -> None:
    seed(radicale, "home", events(70))
    program = signed_up(cli, radicale)
    back_up(program)
    radicale.expect("DELETE", "home/")
    make_calendar(radicale, "home")
    ended = program("undelete", "--to", "@me", "--list")
    assert (len(ended.out.splitlines()), ended.out.splitlines()[-1]) == (52, "20 more; --since or words narrow it")
    assert len(vanished(program)) == 70


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["undelete"], 2, "Missing option '--to'"),
        (["undelete", "--to", "-"], 2, "at a server or in a directory"),
        (["undelete", "--to", "some.ics"], 2, "at a server or in a directory"),
        (["undelete", "--to", "@nobody"], 66, "no destination @nobody"),
        (["undelete", "--to", "out"], 66, "no backups yet"),
    ],
)
def test_a_mistake_is_one_line_with_the_right_code(cli: Program, words: list[str], code: int, message: str) -> None:
    cli("init", "--plaintext")
    ended = cli(*words)
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (code, "", 1)
    assert message in ended.err
    assert not Path("out").exists()


@pytest.fixture
def breaks(cli: Program, radicale: Server) -> Iterator[list[Rule]]:
    """An account of which two events vanished one after the other, behind a proxy that breaks by the rules added."""
    rules: list[Rule] = []
    seed(radicale, "home", events(3))
    with breaking(radicale, lambda asked: next(filter(None, (rule(asked) for rule in rules)), None)) as url:
        program = signed_up(cli, radicale._replace(url=url))
        for number in (0, 1):
            back_up(program)
            delete(radicale, "home", event(number))
        yield rules


@pytest.mark.full
def test_when_it_is_stopped_in_between_the_same_command_does_the_rest(
    cli: Program, radicale: Server, breaks: list[Rule]
) -> None:
    done: list[str] = []

    def refused_after_the_first(asked: Asked) -> Break | None:
        if asked.method == "PUT":
            done.append(asked.path)
        return Break.UNAUTHORIZED if done and asked.method == "PROPFIND" else None

    breaks.append(refused_after_the_first)
    ended = cli("undelete", "--to", "@me", "--yes", "--json").document
    first, second = ended["result"]["restored"]
    assert (ended["exit"], first["counts"]["created"], second["counts"]["failed"]) == (77, 1, 1)
    assert second["calendars"][0]["records"][0]["reason"] == "was not reached"
    breaks.clear()
    assert cli("undelete", "--to", "@me", "--yes").code == 0
    assert len(members(radicale, "home/")) == 3


@pytest.mark.full
def test_of_a_calendar_that_cannot_be_listed_the_last_backup_counts(cli: Program, breaks: list[Rule]) -> None:
    listings: list[str] = []

    def no_listing(asked: Asked) -> Break | None:
        if asked.method == "PROPFIND" and asked.path.endswith("/home/"):
            listings.append(asked.path)
            return Break.GARBAGE
        return None

    breaks.append(no_listing)
    ended = cli("undelete", "--to", "@me", "--list")
    assert listings
    assert ended.code == 3
    assert "/home/ cannot be listed, so its last backup counts: " in ended.err
    assert [event(0).uid in ended.out, event(1).uid in ended.out] == [True, False]


@pytest.mark.full
@pytest.mark.parametrize(("name", "code"), [("cyrus", 0), ("sogo", 4)])
def test_an_undeleted_meeting_mails_nobody(cli: Program, name: str, code: int, request: pytest.FixtureRequest) -> None:
    server: Server = request.getfixturevalue(name)
    one, loud = (
        meeting(server, Part(is_organizer=True, is_inside=False), uid)._replace(name=f"{uid}.ics")
        for uid in (f"{server.user}-quiet", f"{server.user}-loud")
    )
    program = signed_up(cli, server)
    witness = Witness(server)
    seed(server, "work", [one])
    assert witness.wait(), "an invitation"
    back_up(program)
    witness = Witness(server)
    delete(server, "work", one)
    assert witness.wait(), "a cancellation"
    witness = Witness(server)
    ended = program("undelete", "meeting", "--to", "@me")
    assert (ended.code, witness.news()) == (code, [])
    assert len(members(server, "work/")) == (0 if code else 1)
    put(server, "work", loud)
    # What the undelete had sent would have come before.
    assert len(witness.wait()) == 1


def test_numbers_are_read_as_people_write_them() -> None:
    assert chosen("1,3-5", 9) == [0, 2, 3, 4]
    assert chosen(" 2  2-3 ", 3) == [1, 2]
    assert chosen("All", 3) == [0, 1, 2]
    assert chosen("", 3) == []
    for wrong in ("0", "4", "3-2", "1-4", "x", "-1", "1.5"):
        with pytest.raises(Usage, match="none of the numbers 1 to 3"):
            chosen(wrong, 3)
