"""Yahoo: empty for days, and objects without any event.

Sources: https://github.com/gggard/AndroidCaldavSyncAdapater/pull/29 (addresses; the home lists no calendars, so that a
calendar's own address is given), https://github.com/python-caldav/caldav/pull/339 (objects that hold a time zone and
nothing else), https://github.com/gggard/AndroidCaldavSyncAdapater/issues/54 (a calendar that shows no events).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.events import events
from tests.patience.runs import SIGNALS, Nights, served
from tests.providers.by_name import assert_quiet, back_up_from
from tests.servers.scripted import Account, ScriptedServer, scripted
from tests.servers.scripted_rules import lists, then_members, when

pytestmark = pytest.mark.full

HOME = "/dav/alice/Calendar/"
URL = f"https://caldav.calendar.yahoo.com{HOME}Work/"
ZONE_ONLY = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Yahoo//Calendar//EN\r\nBEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\n"
    b"BEGIN:STANDARD\r\nDTSTART:19701025T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\n"
    b"END:VTIMEZONE\r\nEND:VCALENDAR\r\n"
)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    account = Account(root="/dav/", principal="/principals/users/alice/", home=HOME)
    calendar = account.calendar("Work", events(20), lacks=SIGNALS)
    calendar.put("empty.ics", ZONE_ONLY)
    with scripted(account) as server:
        yield server


def test_a_calendar_s_own_address_is_enough_and_an_object_without_event_is_kept(
    nights: Nights, server: ScriptedServer
) -> None:
    night = back_up_from(nights, server, URL)
    assert list(night.outcome.failures) == []
    assert nights.stored() == served(server.account)
    assert nights.stored()["/Work/empty.ics"] == ZONE_ONLY
    assert_quiet(nights, server, URL)


def test_a_calendar_that_is_empty_for_days_is_an_alarm_and_heals(nights: Nights, server: ScriptedServer) -> None:
    back_up_from(nights, server, URL)
    before = nights.stored()
    server.rule = when(lists("Work"), then_members(lambda members: members[:1]))
    for _ in range(2):
        assert back_up_from(nights, server, URL).outcome.trips
        assert "suspicious" in nights.newest.header.tags
    server.rule = lambda _: None
    healed = back_up_from(nights, server, URL)
    assert not healed.outcome.trips and nights.stored() == before
