"""Change logs (RFC 6578) of large calendars: a short way to the truth; whatever is odd about one ends in a listing."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy, deepcopy
from typing import NamedTuple

import pytest

from caldav_backup.kloset import Repository
from caldav_backup.kloset.storage.memory import MemoryStorage
from tests.events import event, events
from tests.patience.runs import Night, Nights, served
from tests.servers.scripted import Account, Answer, Asked, Rule, ScriptedServer, scripted
from tests.servers.scripted_rules import any_rule, lists, reports, then_members, when
from tests.servers.scripted_xml import CALDAV, DAV, Member, Multistatus, text

pytestmark = pytest.mark.full

#: Enough for a change log to be asked for.
MANY = 5_010
HOME = "/calendars/alice/"
SYNC = reports("sync-collection")


class Base(NamedTuple):
    """An account that was backed up, and the store that it is in."""

    account: Account
    storage: MemoryStorage


@pytest.fixture(scope="module")
def base() -> Base:
    """One first run for all tests; each goes on from copies."""
    account, nights = Account(), Nights()
    account.calendar("work", events(MANY))
    with scripted(account) as server:
        nights.backup(server)
    storage = nights.repository.storage
    assert isinstance(storage, MemoryStorage)
    return Base(account, storage)


@pytest.fixture
def server(base: Base) -> Iterator[ScriptedServer]:
    """The account after three events were changed, two deleted, two added, and one was there only for a while."""
    account = deepcopy(base.account)
    calendar = account.at(f"{HOME}work")
    for number in (1, 200, 3_000):
        calendar.put(event(number).name, event(number, summary="moved").content)
    for number in (2, 400):
        calendar.delete(event(number).name)
    calendar.add(events(2, 9_000))
    calendar.put("passing.ics", event(9_100).content)
    calendar.delete("passing.ics")
    with scripted(account) as server:
        yield server


@pytest.fixture
def nights(base: Base) -> Nights:
    storage = copy(base.storage)
    storage.files = dict(base.storage.files)
    nights = Nights()
    nights.repository = Repository.open(storage)
    return nights


def assert_exact(nights: Nights, server: ScriptedServer, night: Night) -> None:
    """The snapshot holds what the server holds: all names, and the bytes of what changed."""
    expected = served(server.account)
    snapshot = nights.newest
    assert {entry.path for entry in snapshot.walk() if entry.is_file} == set(expected)
    for number in (1, 200, 3_000, 9_000, 9_001, 4_000):
        path = f"/work/{event(number).name}"
        assert snapshot.read(path) == expected[path]
    assert (night.outcome.fetched, night.outcome.deleted) == (5, 2)
    assert (list(night.outcome.failures), list(night.outcome.warnings)) == ([], [])


def listings(server: ScriptedServer) -> int:
    return len([asked for asked in server.asked if lists("work")(asked)])


@pytest.mark.parametrize("page", [0, 1, 3], ids=["whole", "one-by-one", "pages"])
def test_what_changed_is_all_that_is_asked_for(nights: Nights, server: ScriptedServer, page: int) -> None:
    server.dav.page = page
    night = nights.backup(server)
    assert_exact(nights, server, night)
    assert listings(server) == 0
    assert not [asked for asked in server.asked if SYNC(asked) and b"nresults" in asked.body]
    assert nights.backup(server).outcome.unmoved == 1


def everything(server: ScriptedServer) -> Rule:
    """DAViCal 1.1 and SOGo 5.8 say so to a token that they do not know."""

    def rule(asked: Asked) -> Answer | None:
        if not SYNC(asked):
            return None
        calendar = server.account.at(f"{HOME}work")
        members = [Member(calendar.path + item.segment, item.properties()) for item in calendar.items.values()]
        return Answer(body=Multistatus(members, calendar.token()).to_xml())

    return rule


REFUSED = b'<d:error xmlns:d="DAV:"><d:%s/></d:error>'
ODD = {
    "403-valid-sync-token": Answer(status=403, body=REFUSED % b"valid-sync-token"),
    "409-valid-sync-token": Answer(status=409, body=REFUSED % b"valid-sync-token"),
    "412-valid-sync-token": Answer(status=412, body=REFUSED % b"valid-sync-token"),
    "403-supported-report": Answer(status=403, body=REFUSED % b"supported-report"),
    "507-too-many": Answer(status=507, body=REFUSED % b"number-of-matches-within-limits"),
    **{str(status): Answer(status=status) for status in (400, 403, 404, 405, 410, 415, 418, 500, 501)},
    "no-token": Answer(alter=lambda found: found._replace(token="")),
    "empty": Answer(alter=lambda found: found._replace(members=[])),
    "empty-and-no-token": Answer(alter=lambda _: Multistatus([])),
    "cut-and-no-progress": Answer(alter=lambda _: Multistatus([Member(f"{HOME}work/", status=507)], "again")),
    "cut-for-ever": then_members(lambda members: [*members, Member(f"{HOME}work/", status=507)]),
    "a-member-507": then_members(lambda members: [*members[:-1], members[-1].failing(507)]),
    "page": Answer(status=200, body=b"<html>please log in</html>", headers={"Content-Type": "text/html"}),
    "garbage": Answer(body=b"<d:multistatus"),
    "empty-body": Answer(body=b""),
}


@pytest.mark.parametrize("answer", ODD.values(), ids=ODD)
def test_an_answer_that_is_not_to_be_relied_on_ends_in_a_listing(
    nights: Nights, server: ScriptedServer, answer: Answer
) -> None:
    server.rule = when(SYNC, answer)
    night = nights.backup(server)
    assert_exact(nights, server, night)
    assert listings(server) == 1
    assert [asked for asked in server.asked if SYNC(asked)]


def test_everything_at_once_says_nothing_of_what_was_deleted(nights: Nights, server: ScriptedServer) -> None:
    server.rule = everything(server)
    night = nights.backup(server)
    assert_exact(nights, server, night)
    assert listings(server) == 1


STRANGE = {
    "twice": then_members(lambda members: [*members, *members]),
    "backwards": then_members(lambda members: list(reversed(members))),
    "unchanged-members-too": then_members(
        lambda members: [*members, Member(f"{HOME}work/{event(7).name}", {f"{DAV}getetag": '"another"'})]
    ),
    "unknown-deletions": then_members(lambda members: [*members, Member(f"{HOME}work/never.ics", status=404)]),
    "with-the-calendar-itself": then_members(
        lambda members: [Member(f"{HOME}work/", {f"{DAV}resourcetype": "<d:collection/><c:calendar/>"}), *members]
    ),
    "whole-urls": then_members(
        lambda members: [each._replace(href=f"https://other.example:8443{each.href}") for each in members]
    ),
    "escaped": then_members(lambda members: [each._replace(href=each.href.replace("-", "%2D")) for each in members]),
    "only-names": then_members(lambda members: [each._replace(href=each.href.rpartition("/")[2]) for each in members]),
    "with-data": then_members(
        lambda members: [
            each if each.status else each.with_property(f"{CALDAV}calendar-data", text(event(1).content))
            for each in members
        ]
    ),
}


@pytest.mark.parametrize("answer", STRANGE.values(), ids=STRANGE)
def test_strange_members_do_no_harm(nights: Nights, server: ScriptedServer, answer: Answer) -> None:
    server.rule = when(SYNC, answer)
    night = nights.backup(server)
    assert [asked for asked in server.asked if SYNC(asked)]
    expected = served(server.account)
    assert {entry.path for entry in nights.newest.walk() if entry.is_file} == set(expected)
    assert night.outcome.deleted == 2 and not night.outcome.failures
    for number in (1, 7, 200, 3_000, 9_000, 9_001):
        assert nights.newest.read(f"/work/{event(number).name}") == expected[f"/work/{event(number).name}"]


def test_foreign_members_are_not_taken_in(nights: Nights, server: ScriptedServer) -> None:
    foreign = [Member(f"/calendars/bob/work/{name}.ics", {f"{DAV}getetag": '"x"'}) for name in "ab"]
    server.rule = when(SYNC, then_members(lambda members: [*foreign, *members]))
    night = nights.backup(server)
    assert {entry.path for entry in nights.newest.walk() if entry.is_file} == set(served(server.account))
    assert not night.outcome.failures


def test_a_trouble_that_passes_costs_one_more_question(nights: Nights, server: ScriptedServer) -> None:
    server.rule = any_rule(when(SYNC, Answer(reset=True), times=1), when(reports(), Answer(status=503), times=1))
    night = nights.backup(server)
    assert_exact(nights, server, night)
    assert listings(server) == 0
