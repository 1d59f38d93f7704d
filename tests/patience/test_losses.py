"""Answers that say less than before: what may be a mistake is no deletion, night after night, until it is accepted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from caldav_backup.connectors.base import CollectionUnreadable
from caldav_backup.dav import DavError
from tests.cli.conftest import Ended, Program
from tests.events import event, events
from tests.patience.runs import SIGNALS, Nights
from tests.servers.scripted import Account, Answer, ScriptedServer, scripted
from tests.servers.scripted_rules import lists, then_members, when
from tests.servers.scripted_xml import DAV, Member

pytestmark = pytest.mark.full

RIGHTS = f"{DAV}current-user-privilege-set"
NOTHING = then_members(lambda _: [])
ITSELF = then_members(lambda members: members[:1])


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    account = Account()
    account.calendar("home", events(3), lacks=SIGNALS)
    account.calendar("work", events(40, 10), lacks=SIGNALS)
    with scripted(account) as server:
        yield server


@pytest.mark.parametrize("status", [200, 207])
def test_a_listing_that_names_nothing_at_all_is_not_believed(
    nights: Nights, server: ScriptedServer, status: int
) -> None:
    nights.backup(server)
    server.rule = when(lists("work"), Answer(status=status, alter=NOTHING.alter))
    night = nights.backup(server)
    assert [path for path, _ in night.outcome.failures] == ["/work"]
    server.rule = lambda _: None
    healed = nights.backup(server)
    # Nothing was forgotten meanwhile: not one event is fetched again.
    assert (healed.outcome.fetched, healed.outcome.records, len(nights.stored())) == (0, 43, 43)


@pytest.mark.parametrize("answer", [NOTHING, Answer(status=200, body=b"")], ids=["names-nothing", "empty-body"])
def test_a_home_that_names_nothing_at_all_is_no_account_without_calendars(
    nights: Nights, server: ScriptedServer, answer: Answer
) -> None:
    nights.backup(server)
    server.rule = when(lists("alice"), answer)
    with pytest.raises((DavError, CollectionUnreadable)):
        nights.backup(server)
    assert (nights.snapshots, len(nights.stored())) == (1, 43)


@pytest.mark.parametrize("calendar", ["work", "alice"])
def test_five_hundred_events_that_are_gone_over_night_are_an_alarm_every_night(
    cli: Program, server: ScriptedServer, calendar: str
) -> None:
    """Yahoo's calendars were reported to be empty for days, with status 207 and in good order."""
    server.account.at("/calendars/alice/work").add(events(460, 1_000))
    cli("init", "--plaintext")
    login = [f"username={server.account.user}", "password_env=THE_PASSWORD"]
    cli("source", "add", "me", server.url, *login)

    def backup(*words: str) -> Ended:
        return cli("backup", "@me", *words, THE_PASSWORD=server.account.password)

    assert backup().code == 0
    server.rule = when(lists(calendar), ITSELF)
    for _ in range(2):
        ended = backup()
        assert ended.code == 4, ended
        assert "empty" in ended.err or "no calendars" in ended.err
        # What `latest` means is the last good snapshot still.
        found = cli("ls", "latest:/work", "--json")
        assert found.code == 0
    assert backup("--allow-empty", "--accept-shrink").code == 0
    assert cli("check", "--read-data", "-q") == Ended(0, "", "")


@pytest.mark.parametrize(
    "rights",
    [
        "<d:privilege><c:read-free-busy/></d:privilege>",
        "<d:privilege><c:read-free-busy/></d:privilege><d:privilege><d:read-current-user-privilege-set/></d:privilege>",
    ],
    ids=["alone", "with-its-own-rights"],
)
def test_a_share_of_free_and_busy_times_is_left_out_with_its_reason(
    nights: Nights, server: ScriptedServer, rights: str
) -> None:
    server.account.calendar("bobs", events(3, 70), properties={RIGHTS: rights})
    night = nights.backup(server)
    assert [(name, "free and busy" in reason) for name, reason in night.outcome.left_out] == [("bobs", True)]
    assert not night.outcome.failures and len(nights.stored()) == 43
    assert not [asked for asked in server.asked if "bobs" in asked.path]


def test_a_share_that_may_be_read_is_read_whatever_else_it_may(nights: Nights, server: ScriptedServer) -> None:
    read = "<d:privilege><c:read-free-busy/></d:privilege><d:privilege><d:read/></d:privilege>"
    server.account.calendar("bobs", events(3, 70), properties={RIGHTS: read})
    nights.backup(server)
    assert len(nights.stored()) == 46


def test_a_share_whose_events_are_all_refused_is_not_silent(nights: Nights, server: ScriptedServer) -> None:
    """A server that does not tell rights, lists a share of free and busy times, and refuses to give its events."""
    server.account.calendar("bobs", events(3, 70), lacks=[RIGHTS])

    def refused(path: str) -> Answer | None:
        return Answer(status=403) if "/bobs/" in path else None

    server.rule = lambda asked: refused(asked.path) if asked.method in {"REPORT", "GET"} else None
    night = nights.backup(server)
    failed = {path for path, _ in night.outcome.failures}
    assert failed == {"/bobs"} or failed == {f"/bobs/{each.name}" for each in events(3, 70)}
    assert len(nights.stored()) == 43


def test_busy_times_in_the_place_of_events_are_stored_as_they_are(nights: Nights, server: ScriptedServer) -> None:
    """Some servers give sharees VFREEBUSY, or events without a summary: that is what is there for this login."""
    busy = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VFREEBUSY\r\nUID:busy\r\nEND:VFREEBUSY\r\nEND:VCALENDAR\r\n"
    server.account.calendar("bobs").put("busy.ics", busy)
    nights.backup(server)
    assert nights.stored()["/bobs/busy.ics"] == busy


@pytest.mark.parametrize("status", [403, 500])
def test_a_member_that_is_refused_in_a_listing_is_not_taken_for_deleted(
    nights: Nights, server: ScriptedServer, status: int
) -> None:
    """What fails inside of a listing is there."""
    nights.backup(server)
    name = event(11).name

    def change(members: Sequence[Member]) -> list[Member]:
        return [each.failing(status) if each.href.endswith(name) else each for each in members]

    server.rule = when(lists("work"), then_members(change))
    assert nights.backup(server).outcome.deleted == 0
    assert f"/work/{name}" in nights.stored()
