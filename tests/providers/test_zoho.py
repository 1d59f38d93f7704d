"""Zoho: the address of one calendar as the start, a thin discovery, answers that are cut short, and 429.

Sources: https://github.com/calcom/cal.diy/issues/29479 (only a calendar's own address works),
https://github.com/home-assistant/core/issues/175916 (501, no current-user-principal, the form of the address),
https://github.com/ridafkih/keeper.sh/issues/461 (a multiget that leaves members out, with status 207).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from caldav_backup.dav import TooManyRequests
from tests.events import events
from tests.patience.runs import Nights
from tests.providers.by_name import assert_quiet, back_up_from
from tests.servers.scripted import Account, Answer, Asked, ScriptedServer, scripted
from tests.servers.scripted_rules import any_request, any_rule, reports, then_members, when
from tests.servers.scripted_xml import CALDAV, DAV

pytestmark = pytest.mark.full

ID = "2d1a0c5d9b7e4f3a8c6b1e0f"
URL = f"https://calendar.zoho.eu/caldav/{ID}/events/"
#: The real server stops at 1,000 members, more than are ever asked for at once.
MOST = 30


def as_zoho(asked: Asked) -> Answer | None:
    if asked.method == "PROPFIND" and not asked.path.startswith(f"/caldav/{ID}"):
        return Answer(status=501)
    return then_members(lambda members: members[:MOST]) if asked.is_report() else None


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    account = Account(root="/caldav/", home=f"/caldav/{ID}/")
    calendar = account.calendar("events", events(40), lacks=[f"{DAV}current-user-principal", f"{DAV}owner"])
    calendar.properties[f"{CALDAV}calendar-description"] = "mine"
    with scripted(account, as_zoho) as server:
        yield server


def test_one_calendar_s_address_is_backed_up_whole_under_its_id(nights: Nights, server: ScriptedServer) -> None:
    night = back_up_from(nights, server, URL)
    assert list(night.outcome.failures) == []
    assert set(nights.stored()) == {f"/{ID}/{each.name}" for each in events(40)}
    assert len(server.requests("GET")) == 40 - MOST
    assert_quiet(nights, server, URL)


def test_a_missing_final_slash_does_no_harm(nights: Nights, server: ScriptedServer) -> None:
    back_up_from(nights, server, URL.rstrip("/"))
    assert len(nights.stored()) == 40


def test_429_is_waited_for_and_a_lock_of_minutes_ends_the_run(nights: Nights, server: ScriptedServer) -> None:
    honest = server.rule
    server.rule = any_rule(when(reports(), Answer(status=429), times=1), honest)
    assert not back_up_from(nights, server, URL).outcome.failures
    server.rule = when(any_request, Answer(status=429, headers={"Retry-After": "1800"}))
    with pytest.raises(TooManyRequests):
        back_up_from(nights, server, URL)
    assert len(nights.stored()) == 40
