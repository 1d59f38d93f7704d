"""Fastmail, which runs Cyrus.

Sources: https://github.com/KlautNet/ts-caldav/issues/6 (the addresses of principal and home),
https://www.fastmail.help/hc/en-us/articles/1500000278342 (server names), and Cyrus IMAP 3.6's own answers, which
tests/servers has for real (Inbox and Outbox in the home, `DAV:unauthenticated` for strangers, 301 without final slash).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from caldav_backup.dav import Unauthorized
from tests.events import events, todo
from tests.patience.runs import Nights, served
from tests.providers.by_name import assert_quiet, back_up_from
from tests.servers.scripted import Account, Answer, Asked, ScriptedServer, scripted
from tests.servers.scripted_rules import any_request, each_member, when
from tests.servers.scripted_xml import CALDAV, DAV

pytestmark = pytest.mark.full

URL = "https://caldav.fastmail.com/"
PRINCIPAL = "/dav/principals/user/alice@fastmail.com/"
HOME = "/dav/calendars/user/alice@fastmail.com/"
WORK = "6a0c3f0e-4f6e-4c55-8d5c-1a1c3b9d2f77"
REPORTS = "<d:supported-report><d:report><c:calendar-multiget/></d:report></d:supported-report>"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    account = Account(user="alice@fastmail.com", root="/dav/", principal=PRINCIPAL, home=HOME)
    account.calendar("Default", events(3))
    account.calendar(WORK, [*events(2, 20), todo(5)])
    for name, kind in {"Inbox": "schedule-inbox", "Outbox": "schedule-outbox"}.items():
        kinds = f"<d:collection/><c:{kind}/>"
        account.collection(
            f"{HOME}{name}/",
            {
                f"{DAV}resourcetype": kinds,
                f"{CALDAV}supported-calendar-component-set": '<c:comp name="VEVENT"/>',
                f"{DAV}supported-report-set": REPORTS,
            },
        )
    with scripted(account) as server:
        yield server


def test_calendars_are_read_and_the_boxes_for_invitations_are_not(nights: Nights, server: ScriptedServer) -> None:
    night = back_up_from(nights, server, URL)
    assert {name for name, _ in night.outcome.left_out} == {"Inbox", "Outbox"}
    assert nights.stored() == served(server.account)
    assert not [each for each in server.asked if "box" in each.path]
    assert_quiet(nights, server, URL)


@pytest.mark.parametrize("url", [PRINCIPAL, HOME, PRINCIPAL.rstrip("/"), f"{HOME}{WORK}/"])
def test_every_address_that_the_settings_show_leads_there(nights: Nights, server: ScriptedServer, url: str) -> None:
    back_up_from(nights, server, f"https://caldav.fastmail.com{url}")
    assert f"/{WORK}/{todo(5).name}" in nights.stored()


def test_an_answer_for_strangers_is_a_refused_login(nights: Nights, server: ScriptedServer) -> None:
    """Status 207, and nobody in the place of the principal (RFC 5397 §3)."""
    nobody = each_member(lambda each: each.with_property(f"{DAV}current-user-principal", "<d:unauthenticated/>"))
    server.rule = when(any_request, nobody)
    with pytest.raises(Unauthorized, match="stranger"):
        back_up_from(nights, server, URL)


def test_a_well_known_address_without_final_slash_is_followed(nights: Nights, server: ScriptedServer) -> None:
    def front(asked: Asked) -> Answer | None:
        if asked.path == "/":
            return Answer(status=404)
        if asked.path in {"/.well-known/caldav", "/dav/calendars"}:
            place = "https://caldav.fastmail.com/dav/calendars" + ("/" if asked.path == "/dav/calendars" else "")
            return Answer(status=301, headers={"Location": place})
        return None

    server.account.collection("/dav/calendars/", {f"{DAV}current-user-principal": f"<d:href>{PRINCIPAL}</d:href>"})
    server.rule = front
    back_up_from(nights, server, URL)
    assert nights.stored() == served(server.account)
