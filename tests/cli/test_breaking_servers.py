"""A server that fails in the middle of a backup: what it could not give is said, and nothing is lost by it."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.cli.conftest import Ended, Program
from tests.events import event, events
from tests.servers.breaking import Asked, Break, Rule, breaking
from tests.servers.server import Server, make_calendar, seed


@pytest.fixture
def account(cli: Program, radicale: Server) -> Server:
    """Two calendars, of which `home` is in a store already."""
    seed(radicale, "home", events(3), displayname="Home")
    cli("init", "--plaintext")
    assert backup(cli, radicale, lambda _: None).code == 0
    seed(radicale, "work", events(4, first=50), displayname="Work")
    return radicale


def backup(cli: Program, server: Server, rule: Rule, *words: str) -> Ended:
    """Back up the whole account through the proxy that breaks by `rule`."""
    # The same address every time: what was backed up from another server is not relied on.
    kept = cli.home / "port"
    with breaking(server, rule, port=int(kept.read_text()) if kept.exists() else 0) as url:
        kept.write_text(str(urlsplit(url).port))
        verb = "set" if "@me" in cli("source", "ls").out else "add"
        location = f"location={url}" if verb == "set" else url
        options = [f"username={server.user}", "password_env=THE_PASSWORD"]
        assert cli("source", verb, "me", location, *options).code == 0
        return cli("backup", "@me", *words, THE_PASSWORD=server.password)


def snapshots(cli: Program) -> list[dict[str, object]]:
    found: list[dict[str, object]] = cli("ls", "--json").document["result"]["snapshots"]
    return found


def assert_nothing_lost(cli: Program) -> None:
    """The first snapshot alone is there, and sound; nobody holds a lock."""
    assert [each["files"] for each in snapshots(cli)] == [3]
    assert cli("check", "--read-data", "-q") == Ended(0, "", "")
    assert list((cli.home / "store" / "locks").iterdir()) == []


def listing_of(calendar: str) -> Rule:
    """Garbage for the listing of one calendar's events."""
    return lambda asked: Break.GARBAGE if asked.method == "PROPFIND" and asked.path.endswith(f"/{calendar}/") else None


def test_answers_that_end_in_the_middle_are_asked_for_again(cli: Program, account: Server) -> None:
    cut: list[Asked] = []

    def first_report(asked: Asked) -> Break | None:
        if asked.method != "REPORT" or cut:
            return None
        cut.append(asked)
        return Break.CUT

    assert (backup(cli, account, first_report).code, len(cut)) == (0, 1)
    for number in range(50, 54):
        expected = account.expect("GET", f"work/{event(number).name}").body
        assert cli.process("cat", f"latest:/work/{event(number).name}").out.encode() == expected.replace(b"\r\n", b"\n")


@pytest.mark.full
def test_a_calendar_whose_listing_is_garbage_is_missing_and_the_others_are_not(cli: Program, account: Server) -> None:
    ended = backup(cli, account, listing_of("home"))
    (line,) = ended.err.splitlines()
    assert ended.code == 3
    assert line.startswith("caldav-backup: @me: /home: ") and "XML" in line
    assert [each["files"] for each in snapshots(cli)] == [3, 4]
    assert snapshots(cli)[1]["tags"] == ["partial"]
    # The one that is missing is kept up from the snapshot before, as soon as it is read again.
    healed = backup(cli, account, lambda _: None, "--json").document["result"]["backups"][0]
    assert (healed["records"], healed["fetched"]) == (7, 0)


def test_a_captive_portal_is_stored_as_nothing(cli: Program, account: Server) -> None:
    def from_the_first_report(asked: Asked) -> Break | None:
        return Break.LOGIN_PAGE if asked.method in {"REPORT", "GET"} else None

    ended = backup(cli, account, from_the_first_report)
    assert ended.code == 3
    assert len(ended.err.splitlines()) == 4
    assert snapshots(cli)[1]["files"] == 3
    stored = b"".join(path.read_bytes() for path in (cli.home / "store" / "packfiles").rglob("*") if path.is_file())
    assert b"please log in" not in stored


@pytest.mark.parametrize(
    ("broken", "code", "said", "since"),
    [
        (Break.UNAUTHORIZED, 77, "401", 1),
        (Break.UNAUTHORIZED, 77, "401", 5),
        pytest.param(Break.DROPPED, 69, "the connection failed", 1, marks=pytest.mark.full),
        pytest.param(Break.DROPPED, 69, "the connection failed", 5, marks=pytest.mark.full),
        pytest.param(Break.CUT, 69, "in the middle of the answer", 1, marks=pytest.mark.full),
        # Later it is one calendar that cannot be read, and the run goes on without it.
        pytest.param(Break.CUT, 69, "in the middle of the answer", 3, marks=pytest.mark.full),
    ],
)
def test_a_server_that_goes_away_ends_the_run_and_costs_nothing(
    cli: Program, account: Server, broken: Break, code: int, said: str, since: int
) -> None:
    ended = backup(cli, account, lambda asked: broken if asked.number >= since else None)
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (code, "", 1), ended
    line = ended.err
    assert line.startswith("caldav-backup: @me: ") and said in line
    assert_nothing_lost(cli)


def test_a_program_learns_of_a_failed_source_from_the_one_document(cli: Program, account: Server) -> None:
    ended = backup(cli, account, lambda _: Break.UNAUTHORIZED, "--json")
    (result,) = ended.document["result"]["backups"]
    assert (ended.document["ok"], ended.document["exit"], ended.err) == (False, 77, "")
    assert (result["ok"], result["error"]["kind"]) == (False, "unauthorized")


@pytest.mark.parametrize("path", ["", "nothing/", "user/event.ics"])
def test_an_address_without_caldav_is_no_empty_account(cli: Program, account: Server, path: str) -> None:
    with breaking(account, lambda _: Break.LOGIN_PAGE) as url:
        ended = cli("backup", url + path)
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (66, "", 1)
    assert_nothing_lost(cli)


def test_an_account_without_calendars_and_an_empty_calendar_are_fine(cli: Program, radicale: Server) -> None:
    cli("init", "--plaintext")
    nothing = backup(cli, radicale, lambda _: None)
    assert (nothing.code, nothing.err) == (0, "caldav-backup: warning: @me: there are no calendars\n")
    make_calendar(radicale, "empty")
    empty = backup(cli, radicale, lambda _: None)
    assert (empty.code, empty.err) == (0, "")
    assert [each["files"] for each in snapshots(cli)] == [0, 0]
    assert cli("ls", "events").code == cli("restore", "--to", str(cli.home / "out")).code == 0
