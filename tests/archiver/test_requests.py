"""How many requests a backup sends to each of the six servers: the promises of docs/design/changes.md.

Discovery is counted by doing nothing else: it ends with one PROPFIND for each home. The questions for properties that
clients have put on calendars (`propname` and PROPFIND, for each home, only in runs that list a calendar) belong to it.
"""

from __future__ import annotations

import asyncio
from math import ceil
from typing import NamedTuple

import pytest

from caldav_backup import dav
from caldav_backup.archiver import Outcome
from tests.archiver.runs import Runs, described, let_pass, login_of, served
from tests.events import event, events
from tests.servers.server import Server, make_calendar, put, seed

pytestmark = pytest.mark.full

CALENDARS = 12
#: Events in the largest calendar: more than a request brings, where that many are written in a few seconds.
MANY = {"radicale": 230, "sabredav": 230, "sogo": 230, "cyrus": 120}
FEW = 30
BATCH = 100


class Account(NamedTuple):
    """An account of many calendars that nobody changes any more, and its backups so far: none."""

    server: Server
    runs: Runs
    many: int


@pytest.fixture
def account(each_server: Server) -> Account:
    many = MANY.get(each_server.name, FEW)
    seed(each_server, "many", events(many))
    for number in range(CALENDARS - 1):
        make_calendar(each_server, f"few{number}")
    for number in range(3):
        put(each_server, f"few{number}", event(1000 + number))
    let_pass(each_server, 3)
    return Account(each_server, Runs(each_server), many)


def requests_to_discover(server: Server, url: str) -> int:
    """What finding the calendars takes, the questions for further properties included."""

    async def run() -> int:
        async with dav.Client(dav.Transport(url, login_of(server))) as client:
            found = await dav.discover(client, url)
            await dav.further_properties(client, found.calendars)
            assert not client.transport.challenges
            return client.transport.requests

    return asyncio.run(run())


def asked(account: Account, outcome: Outcome) -> int:
    """The requests of the last run. SOGo 5.8 resets a kept connection now and then, and what it did not answer is sent
    once more: that is no request of ours, and no other server may do so.
    """
    unanswered = sum(line.status is None for line in account.runs.lines)
    assert not unanswered or account.server.name == "sogo"
    assert outcome.requests == len(account.runs.lines)
    return outcome.requests - unanswered


def told(runs: Runs) -> str:
    """The requests of the last run, for messages."""
    return "\n".join(f"{line.number} {line.method} {line.url} {line.status} {line.kind}" for line in runs.lines)


@pytest.mark.parametrize("begin", ["server", "home"])
def test_runs_send_no_more_requests_than_promised(account: Account, begin: str) -> None:
    server, runs = account.server, account.runs
    url = server.url if begin == "server" else server.home
    discovery = requests_to_discover(server, url)
    first = runs.back_up(url)
    assert first.records == account.many + 3
    assert asked(account, first) <= discovery + first.calendars + ceil(account.many / BATCH) + 3, told(runs)

    quiet = runs.back_up(url)
    assert (quiet.unmoved, quiet.fetched, quiet.records) == (first.calendars, 0, first.records)
    assert asked(account, quiet) <= 4, told(runs)

    changed = 3
    for number in range(changed):
        put(server, "many", event(number, summary="changed", sequence=1))
    outcome = runs.back_up(url)
    assert outcome.fetched == changed
    assert asked(account, outcome) <= 4 + 2 + ceil(changed / BATCH), told(runs)
    assert runs.stored() == served(server)


def test_changes_beyond_one_request_are_fetched_in_as_few_as_there_must_be(account: Account) -> None:
    server, runs, changed = account.server, account.runs, account.many
    runs.back_up()
    for number in range(changed):
        put(server, "many", event(number, summary="changed", sequence=1))
    outcome = runs.back_up()
    assert outcome.fetched == changed
    assert asked(account, outcome) <= 4 + 2 + ceil(changed / BATCH), told(runs)
    assert len(described(server)) >= CALENDARS
