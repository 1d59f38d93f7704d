"""What a restore changes is backed up first, can be put back by one command, and is never taken for a backup."""

from __future__ import annotations

import shlex
from urllib.parse import quote

import pytest

from tests.cli.conftest import Person, Program
from tests.events import Event, event, events
from tests.ics.corpus import vevent
from tests.servers.server import Server, calendars, members, seed

REPLACING = ("--on-conflict", "replace", "--delete-extra", "--yes")


@pytest.fixture
def account(cli: Program, radicale: Server) -> Program:
    """The program with a backup of an account of two calendars, both source and destination `me`."""
    seed(radicale, "home", events(4), displayname="Home")
    seed(radicale, "work", [event(9)], displayname="Work")
    words = ["me", radicale.url, f"username={radicale.user}", f"password={radicale.password}"]
    cli("source", "add", *words)
    cli("destination", "add", *words)
    cli("init", "--plaintext")
    assert cli("backup").code == 0
    return cli


def change(server: Server) -> None:
    """Of four events one is edited, one deleted, and a fifth one is added."""
    server.client.put("home", event(1, summary="edited", sequence=7))
    server.expect("DELETE", f"home/{event(2).name}")
    server.client.put("home", event(5))


def bodies(server: Server) -> dict[str, bytes]:
    return {href: server.expect("GET", href).body for href in members(server, "home/")}


def tags(program: Program) -> list[list[str]]:
    found: list[list[str]] = [one["tags"] for one in program("ls", "--json").document["result"]["snapshots"]]
    return found


def test_a_restore_is_undone_by_the_command_that_it_tells(account: Program, radicale: Server) -> None:
    before = bodies(radicale)
    change(radicale)
    changed = bodies(radicale)
    ended = account("restore", "--to", "@me", *REPLACING, "--json").document["result"]
    assert (ended["counts"]["created"], ended["counts"]["replaced"], ended["deleted"]) == (1, 1, 1)
    assert set(bodies(radicale)) == set(before)
    undo = shlex.split(ended["undo"])
    assert undo[:2] == ["caldav-backup", "at"]
    assert account(*undo[1:]).code == 0
    assert bodies(radicale).keys() == changed.keys()
    assert b"SUMMARY:edited" in b"".join(bodies(radicale).values())


@pytest.mark.full
def test_a_store_that_has_a_name_is_named_by_it_since_its_passphrase_may_be_known_by_that(
    account: Program, radicale: Server
) -> None:
    account("store", "add", "disk", account("info", "--json").document["result"]["store"]["location"])
    change(radicale)
    ended = account("at", "@disk", "restore", "--to", "@me", *REPLACING, "--json").document["result"]
    assert ended["undo"].startswith("caldav-backup at @disk restore ")
    assert account(*shlex.split(ended["undo"])[1:]).code == 0


@pytest.mark.full
def test_the_snapshot_before_a_restore_is_no_backup(account: Program, radicale: Server) -> None:
    before = account("info", "latest", "--json").document["result"]
    change(radicale)
    assert account("restore", "--to", "@me", *REPLACING).code == 0
    assert tags(account) == [[], ["before-restore"]]
    assert account("info", "latest", "--json").document["result"] == before
    latest = account("ls", "--latest", "--json").document["result"]["snapshots"]
    assert [one["tags"] for one in latest] == [[]]
    tagged = account("ls", "--tag", "before-restore", "--json").document["result"]["snapshots"]
    assert len(tagged) == 1
    # Neither a guard nor a question about sources comes of it.
    assert account("backup").code == 0
    assert account("restore", "--to", "@me", "--dry-run").code == 0


def test_what_is_only_added_needs_no_snapshot_before(account: Program, radicale: Server) -> None:
    radicale.expect("DELETE", f"home/{event(2).name}")
    ended = account("restore", "--to", "@me", "--json").document["result"]
    assert (ended["counts"]["created"], ended["undo"]) == (1, None)
    assert tags(account) == [[]]


@pytest.mark.full
def test_the_snapshot_before_can_be_left_out(account: Program, radicale: Server) -> None:
    change(radicale)
    assert account("restore", "--to", "@me", *REPLACING, "--no-safety-snapshot").code == 0
    assert tags(account) == [[]]


def test_removing_needs_a_yes_and_stays_within_its_share(account: Program, radicale: Server) -> None:
    before = sorted(calendars(radicale))
    for number in range(20, 26):
        radicale.client.put("home", event(number))
    asked = account("restore", "--to", "@me", "--delete-extra")
    assert (asked.code, "remove 6 of 10" in asked.err) == (4, True)
    hesitant = Person()
    refused = account.at(hesitant)("restore", "--to", "@me", "--delete-extra", "--max-delete", "60%")
    assert (refused.code, "remove 6 there" in hesitant.questions[0]) == (4, True)
    nobody = account("restore", "--to", "@me", "--delete-extra", "--max-delete", "60%")
    assert (nobody.code, "remove 6 events" in nobody.err) == (4, True)
    assert len(members(radicale, "home/")) == 10
    done = account("restore", "--to", "@me", "--delete-extra", "--max-delete", "60%", "--yes")
    assert (done.code, len(members(radicale, "home/"))) == (0, 4)
    assert sorted(calendars(radicale)) == before


def test_a_conflict_ends_the_restore_before_anything_is_written(account: Program, radicale: Server) -> None:
    change(radicale)
    before = bodies(radicale)
    ended = account("restore", "--to", "@me", "--on-conflict", "fail", "--yes")
    assert (ended.code, "1 event of 5" in ended.err) == (4, True)
    assert bodies(radicale) == before


@pytest.mark.full
def test_a_directory_is_made_safe_too(account: Program) -> None:
    target = account.home / "out"
    assert account("restore", "--to", str(target)).code == 0
    one = next((target / "home").glob("*.ics"))
    one.write_bytes(Event("x", one.name, event(1, summary="edited by hand").content).content)
    (target / "home" / "extra.ics").write_bytes(event(77).content)
    ended = account("restore", "--to", str(target), *REPLACING, "--json").document["result"]
    assert ended["deleted"] >= 1
    assert account(*shlex.split(ended["undo"])[1:]).code == 0
    assert (target / "home" / "extra.ics").exists()


def test_guests_that_a_restore_took_out_come_back_when_it_is_undone(account: Program, radicale: Server) -> None:
    meeting = vevent("meeting", "ORGANIZER:mailto:me@example.org", "ATTENDEE:mailto:bob@example.org")
    radicale.client.put("home", Event("meeting", "meeting.ics", meeting))
    assert account("backup").code == 0
    ended = account("restore", "--to", "@me", "--invites", "strip", *REPLACING, "--json").document["result"]
    assert b"ATTENDEE" not in b"".join(bodies(radicale).values())
    assert account(*shlex.split(ended["undo"])[1:]).code == 0
    assert b"ATTENDEE" in b"".join(bodies(radicale).values())


def test_the_command_that_undoes_says_no_password(account: Program, radicale: Server) -> None:
    change(radicale)
    url = radicale.url.replace("://", f"://{radicale.user}:{quote(radicale.password)}@")
    ended = account("restore", "--to", url, *REPLACING)
    assert ended.code == 0
    assert quote(radicale.password) not in ended.out + ended.err
    assert radicale.password not in ended.out + ended.err
    assert f" --to {radicale.url.replace('://', f'://{radicale.user}@')} " in ended.out


def test_what_undoing_leaves_behind_is_told(account: Program, radicale: Server) -> None:
    change(radicale)
    radicale.expect("DELETE", "work/")
    ended = account("restore", "--to", "@me", *REPLACING)
    assert ended.code == 0
    assert "which leaves what was made for it: 'Work'" in ended.out


def test_an_event_that_was_to_be_replaced_and_was_not_makes_the_end_partial(account: Program, radicale: Server) -> None:
    for name in ("home", "work"):
        radicale.client.put(name, Event("twin", "twin.ics", vevent("twin", f"SUMMARY:of {name}")))
    assert account("backup").code == 0
    for _ in range(2):
        ended = account("restore", "--to", "@me", "--into", "Home", "--on-conflict", "replace", "--yes")
        assert ended.code == 3
        assert "is what another record of the snapshot is restored to" in ended.err
    assert b"SUMMARY:of home" in b"".join(bodies(radicale).values())
