from __future__ import annotations

import stat
from pathlib import Path

import pytest

from caldav_backup.settings.document import read_document
from tests.cli.conftest import Person, Program

MARK = "hunter2-mark"


def test_a_source_is_added_listed_changed_and_removed(cli: Program) -> None:
    added = cli("source", "add", "work", "caldav://alice@host/dav", "timeout=30")
    assert (added.code, added.out, added.err) == (0, "source @work added\n", "")
    assert cli("source", "ls").out == "NAME   LOCATION           USERNAME\n@work  caldav://host/dav  alice\n"
    assert cli("source", "set", "@work", "timeout=60", "calendars=a,b").code == 0
    assert cli("source", "unset", "work", "calendars").code == 0
    shown = cli("source", "show", "work", "--json").document["result"]["sources"]
    assert shown == {"work": {"location": "caldav://host/dav", "timeout": "60", "username": "alice"}}
    assert cli("source", "rm", "work").code == 0
    assert cli("source", "ls").out == ""


@pytest.mark.parametrize("kind", ["source", "destination", "store"])
def test_all_three_kinds_have_the_same_verbs(cli: Program, kind: str) -> None:
    assert cli(kind, "add", "a", str(cli.home)).code == 0
    assert cli(kind, "ls", "--json").document["result"] == {
        f"{kind}s": [{"name": "a", "options": {"location": str(cli.home)}}]
    }
    assert read_document(cli.home / "config" / f"{kind}s.yml") == {
        "version": "v1.0.0",
        f"{kind}s": {"a": {"location": str(cli.home)}},
    }


def test_the_seeds_syntax_is_taken(cli: Program) -> None:
    words = ["location=caldav://host", "username=alice", "name=Work"]
    assert cli("source", "add", "@work", *words).code == 0
    assert "location: caldav://host" in cli("source", "show").out


def test_a_mail_address_is_a_location_of_servers_and_not_of_stores(cli: Program) -> None:
    assert cli("source", "add", "me", "alice@example.org").code == 0
    assert cli("source", "show").out == "me:\n  location: caldav://example.org\n  username: alice@example.org\n"
    assert cli("store", "add", "disk", "alice@example.org").code == 0
    assert "/alice@example.org" in cli("store", "show").out


def test_secrets_are_shown_only_when_asked_for(cli: Program) -> None:
    cli("source", "add", "work", "caldav://host", f"password={MARK}")
    for words in (["source", "show"], ["source", "ls"], ["source", "show", "--json"], ["source", "ls", "--json"]):
        ended = cli(*words)
        assert MARK not in ended.out + ended.err
    assert cli("source", "show", "--secrets").out == f"work:\n  location: caldav://host\n  password: {MARK}\n"


def test_a_secret_on_the_command_line_is_taken_with_a_warning(cli: Program) -> None:
    typed = cli("source", "add", "a", "caldav://host", f"password={MARK}")
    in_url = cli("source", "add", "b", f"caldav://alice:{MARK}@host")
    for ended in (typed, in_url):
        assert (ended.code, MARK in ended.out + ended.err) == (0, False)
        assert "warning: the password" in ended.err
    saved = read_document(cli.home / "config" / "sources.yml")["sources"]
    assert saved["b"] == {"location": "caldav://host", "username": "alice", "password": MARK}


def test_a_secret_can_be_piped_in_or_typed(cli: Program) -> None:
    typed = cli.at(Person(MARK))("source", "add", "home", "caldav://host", "password=-")
    ended = cli.process("source", "add", "work", "caldav://host", "password=-", typed=f"{MARK}\n")
    assert (ended.code, ended.err, typed.err) == (0, "", "")
    saved = read_document(cli.home / "config" / "sources.yml")["sources"]
    assert saved["work"]["password"] == saved["home"]["password"] == MARK


def test_without_a_terminal_nothing_is_asked(cli: Program) -> None:
    ended = cli.process("source", "add", "work", "caldav://host", "password=-")
    assert ended.code == 2
    assert "password_command" in ended.err


def test_a_feed_address_that_is_a_secret_is_masked(cli: Program) -> None:
    address = "https://host/ical/private-0123456789/basic.ics?token=abcdef"
    cli("source", "add", "feed", address)
    assert "0123456789" not in cli("source", "ls").out + cli("source", "show").out
    assert address in cli("source", "show", "--secrets").out


def test_settings_are_private_and_a_warning_says_when_they_are_not(cli: Program) -> None:
    cli("source", "add", "work", "caldav://host")
    path = cli.home / "config" / "sources.yml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.chmod(0o644)
    assert (
        cli("source", "ls").err
        == f"caldav-backup: warning: others can read or change your settings; run: chmod go= {path}\n"
    )


def test_a_directory_is_saved_with_its_absolute_path(cli: Program) -> None:
    cli("source", "add", "home", "calendars")
    assert str(Path.cwd() / "calendars") in cli("source", "ls").out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["add", "2nd", "caldav://host"], 78, "is no name"),
        (["add", "a", "caldav://host", "tmeout=3"], 78, "did you mean 'timeout'"),
        (["add", "a", "caldav://host", "timeout=soon"], 78, "number above 0"),
        (["add", "a", "ftp://host"], 78, "scheme 'ftp'"),
        (["add", "a", "http://cloud.example.org"], 78, "insecure=true"),
        (["add", "a", "caldav://host", MARK], 2, "word 2 of the options is not of the form key=value"),
        (["add", "work", "caldav://host"], 2, "already"),
        (["add", "a", "caldav://host", "password_env=A", "password_file=b"], 78, "keep one of them"),
        (["add", "a"], 2, "Missing argument 'LOCATION'"),
        (["set", "wrok", "timeout=3"], 66, "did you mean 'work'"),
        (["unset", "work", "rate"], 78, "no rate to unset"),
        (["unset", "work", "location"], 78, "needs its location"),
        (["rm", "home"], 66, "no source @home"),
        (["show", "home"], 66, "no source @home"),
        (["frobnicate"], 2, "No such command"),
        ([], 2, "Missing command"),
    ],
)
def test_a_mistake_is_one_line_and_changes_nothing(cli: Program, words: list[str], code: int, message: str) -> None:
    cli("source", "add", "work", "caldav://host")
    before = (cli.home / "config" / "sources.yml").read_bytes()
    ended = cli("source", *words)
    assert (ended.code, ended.out) == (code, "")
    assert len(ended.err.splitlines()) == 1
    assert message in ended.err
    assert MARK not in ended.err
    assert (cli.home / "config" / "sources.yml").read_bytes() == before


def test_a_broken_file_is_named_and_not_shown(cli: Program) -> None:
    (cli.home / "config").mkdir(mode=0o700)
    (cli.home / "config" / "sources.yml").write_text(f"password: *{MARK}\n")
    (cli.home / "config" / "sources.yml").chmod(0o600)
    ended = cli("source", "ls", "-vv")
    assert ended.code == 78
    assert "sources.yml" in ended.err
    assert MARK not in ended.err


def test_a_new_form_of_the_password_replaces_the_old_one(cli: Program) -> None:
    cli("source", "add", "work", "caldav://host", f"password={MARK}")
    cli("source", "set", "work", "password_command=pass show work")
    assert (
        cli("source", "show", "--secrets").out
        == "work:\n  location: caldav://host\n  password_command: pass show work\n"
    )


def test_an_option_in_the_place_of_the_location_is_not_taken_for_a_directory(cli: Program) -> None:
    ended = cli("source", "add", "me", "password=mark")
    assert (ended.code, "LOCATION" in ended.err, "mark" in ended.err) == (2, True, False)
    assert cli("source", "ls").out == ""
