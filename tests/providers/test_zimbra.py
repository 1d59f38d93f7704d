"""Zimbra: the principal is the home, which holds mail folders and task lists too.

Sources: https://wiki.zimbra.com/wiki/Accessing_Zimbra_Collaboration_Server_with_Apple_iCal_using_CalDav (addresses),
https://github.com/gggard/AndroidCaldavSyncAdapater/issues/23 (no principals of its own).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.events import events, todo
from tests.patience.runs import Nights
from tests.providers.by_name import assert_quiet, back_up_from
from tests.servers.scripted import Account, Answer, ScriptedServer, scripted
from tests.servers.scripted_rules import each_member, reports, when
from tests.servers.scripted_xml import CALDAV, DAV

pytestmark = pytest.mark.full

HOME = "/dav/alice@example.com/"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    account = Account(user="alice@example.com", root="/dav/", principal=HOME, home=HOME)
    kinds = "<d:collection/><d:principal/>"
    own = {f"{DAV}resourcetype": kinds, f"{CALDAV}calendar-home-set": f"<d:href>{HOME}</d:href>"}
    account.collection(HOME, own)
    account.calendar("Calendar", events(3), properties={f"{DAV}displayname": "Calendar"})
    account.calendar(
        "Tasks",
        [todo(1), todo(2)],
        properties={f"{CALDAV}supported-calendar-component-set": '<c:comp name="VTODO"/>'},
    )
    for folder in ("Inbox", "Sent", "Contacts"):
        kind = {"Inbox": "<c:schedule-inbox/>", "Sent": "<c:schedule-outbox/>", "Contacts": ""}[folder]
        account.collection(f"{HOME}{folder}/", {f"{DAV}resourcetype": f"<d:collection/>{kind}"})
    with scripted(account) as server:
        yield server


@pytest.mark.parametrize("path", ["/", "/dav/", HOME, "/dav/alice%40example.com/", f"{HOME}Calendar/"])
def test_every_address_leads_to_calendars_and_to_nothing_else(
    nights: Nights, server: ScriptedServer, path: str
) -> None:
    if path == "/":
        server.account.collection("/", {f"{DAV}current-user-principal": f"<d:href>{HOME}</d:href>"})
    url = f"https://mail.example.com{path}"
    night = back_up_from(nights, server, url)
    assert list(night.outcome.failures) == []
    directories = {path.split("/")[1] for path in nights.stored()}
    assert directories == ({"Calendar"} if path.endswith("Calendar/") else {"Calendar", "Tasks"})
    assert_quiet(nights, server, url)


def test_folders_without_calendars_are_left_out_with_a_reason(nights: Nights, server: ScriptedServer) -> None:
    night = back_up_from(nights, server, f"https://mail.example.com{HOME}")
    assert {name for name, _ in night.outcome.left_out} == {"Inbox", "Sent", "Contacts"}


def test_hrefs_with_an_escaped_address_are_the_same_events(nights: Nights, server: ScriptedServer) -> None:
    escaped = each_member(lambda each: each._replace(href=each.href.replace("@", "%40")))
    server.rule = when(reports(), escaped)
    back_up_from(nights, server, f"https://mail.example.com{HOME}")
    assert len(nights.stored()) == 5 and server.requests("GET") == []
    server.rule = lambda asked: escaped if asked.method == "PROPFIND" else Answer()
    assert_quiet(nights, server, f"https://mail.example.com{HOME}")
