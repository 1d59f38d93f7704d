"""mailbox.org and other Open-Xchange: only a window of time is there, and the root answers 500.

Sources: https://documentation.open-xchange.com/7.10.6/middleware/miscellaneous/caldav_carddav/caldav_clients.html
(server addresses), https://documentation.open-xchange.com/components/middleware/config/7.10.6/ (the properties
`com.openexchange.caldav.interval.start` and `.end`), https://github.com/alainm23/planify/issues/2534 (500 with a page
for a PROPFIND), https://github.com/python-caldav/caldav/issues/396 (405 for one).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.events import event, events
from tests.patience.runs import SIGNALS, Nights, served
from tests.providers.by_name import assert_quiet, back_up_from
from tests.servers.scripted import Account, Answer, Asked, ScriptedServer, scripted

pytestmark = pytest.mark.full

URL = "https://dav.mailbox.org/"
HOME = "/caldav/"
CALENDAR = "Y2FsOi8vMC8zMQ"
PAGE = b"<!DOCTYPE html>\n<html><head>\n<title>500 ASP-0002 Categories&#x3d;ERROR</title>\n</head><body></body></html>"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    account = Account(principal="/principals/users/3/", home=HOME)
    account.calendar(CALENDAR, events(30), lacks=SIGNALS)
    with scripted(account) as server:
        yield server


def test_events_that_leave_the_window_stay_in_the_snapshots_before(nights: Nights, server: ScriptedServer) -> None:
    back_up_from(nights, server, URL)
    first = nights.newest
    calendar = server.account.at(f"{HOME}{CALENDAR}")
    calendar.delete(event(0).name)
    night = back_up_from(nights, server, URL)
    assert (night.outcome.deleted, list(night.outcome.trips)) == (1, [])
    assert nights.stored() == served(server.account)
    assert first.read(f"/{CALENDAR}/{event(0).name}") == event(0).content
    assert_quiet(nights, server, URL)


def test_a_window_that_an_operator_makes_shorter_is_an_alarm(nights: Nights, server: ScriptedServer) -> None:
    back_up_from(nights, server, URL)
    calendar = server.account.at(f"{HOME}{CALENDAR}")
    for number in range(15):
        calendar.delete(event(number).name)
    for _ in range(2):
        (trip,) = back_up_from(nights, server, URL).outcome.trips
        assert trip.path == f"/{CALENDAR}" and "lost 15 of 30" in trip.reason


@pytest.mark.parametrize(
    "answer", [Answer(status=500, body=PAGE, headers={"Content-Type": "text/html"}), Answer(status=405)]
)
def test_a_root_that_fails_is_not_the_end_where_the_home_is_given(
    nights: Nights, server: ScriptedServer, answer: Answer
) -> None:
    def rule(asked: Asked) -> Answer | None:
        return answer if asked.path in {"/", "/.well-known/caldav"} else None

    server.rule = rule
    back_up_from(nights, server, f"https://dav.mailbox.org{HOME}")
    assert nights.stored() == served(server.account)
