"""Apple iCloud, as its users describe it.

Sources: https://github.com/smarcet/CalDAVClient/issues/8 (homes at `https://pNN-caldav.icloud.com:443/DSID/calendars/`),
https://github.com/home-assistant/core/issues/91711 (401 with `X-MobileMe-AuthToken` only),
https://github.com/AvengeMedia/dankcalendar/issues/108 (one 404 in a multiget),
https://github.com/dengste/org-caldav/issues/269 (the home in its own listing, default namespaces),
https://github.com/lfos/calcurse/issues/30 (a bare VCALENDAR filter is refused).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from caldav_backup.dav import DavError, Unauthorized
from tests.events import event, events
from tests.patience.runs import Nights
from tests.providers.by_name import assert_quiet, back_up_from, hosts
from tests.servers.scripted import Account, Answer, Asked, ScriptedServer, scripted
from tests.servers.scripted_rules import any_request, each_member, gets, when
from tests.servers.scripted_xml import APPLE, CALDAV, DAV, Member

pytestmark = pytest.mark.full

URL = "https://caldav.icloud.com/"
PARTITION = "https://p42-caldav.icloud.com:443"
LOST = "2F2A5C1C-LOST.ics"
HOME = "/1365501036/calendars/"
FAMILY = "5F7A3B1E-0C8D-4F5A-9C55-6D0B3F0C3E11"
REMINDERS = (
    b"BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nUID:1\r\nSUMMARY:Where are my reminders?\r\nEND:VTODO\r\nEND:VCALENDAR\r\n"
)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    account = Account(user="alice@example.com", principal="/1365501036/principal/", home=HOME)
    home_set = {f"{CALDAV}calendar-home-set": f"<d:href>{PARTITION}{HOME}</d:href>"}
    account.collection(account.principal, home_set)
    home = account.calendar("home", events(3), properties={f"{APPLE}calendar-color": "#1BADF8FF"})
    home.put(LOST, event(9).content)
    account.calendar(FAMILY, events(2, 20), properties={f"{APPLE}calendar-color": "#FF2D55FF"})
    tasks = {f"{CALDAV}supported-calendar-component-set": '<c:comp name="VTODO"/>'}
    account.calendar("tasks", properties=tasks).put("1.ics", REMINDERS)
    account.collection(f"{HOME}inbox/", {f"{DAV}resourcetype": "<d:collection/><c:schedule-inbox/>"})
    account.collection(f"{HOME}outbox/", {f"{DAV}resourcetype": "<d:collection/><c:schedule-outbox/>"})
    account.collection(f"{HOME}notification/", {f"{DAV}resourcetype": "<d:collection/><cs:notification/>"})
    with scripted(account, as_icloud) as server:
        yield server


def as_icloud(asked: Asked) -> Answer | None:
    """Only the partition has the calendars, its hrefs are whole URLs, and one event is lost."""
    if asked.path.startswith(HOME) and asked.headers["host"] != "p42-caldav.icloud.com":
        return Answer(status=403)
    if gets(LOST)(asked):
        return Answer(status=404)
    return each_member(absolute) if asked.method in {"PROPFIND", "REPORT"} else None


def absolute(member: Member) -> Member:
    if member.href.endswith(LOST) and f"{CALDAV}calendar-data" in member.found:
        member = member.failing(404)
    return member._replace(href=f"{PARTITION}{member.href}") if member.href.startswith(HOME) else member


def test_the_partition_is_followed_with_the_password_and_the_home_is_no_calendar(
    nights: Nights, server: ScriptedServer
) -> None:
    night = back_up_from(nights, server, URL)
    assert hosts(server.asked) == {"caldav.icloud.com", "p42-caldav.icloud.com"}
    assert night.outcome.calendars == 3
    assert {name for name, _ in night.outcome.left_out} == {"inbox", "outbox", "notification"}
    assert set(nights.stored()) >= {f"/{FAMILY}/{event(20).name}", "/tasks/1.ics", f"/home/{event(2).name}"}
    assert_quiet(nights, server, URL)


def test_one_lost_event_costs_its_calendar_nothing(nights: Nights, server: ScriptedServer) -> None:
    night = back_up_from(nights, server, URL)
    assert [path for path, _ in night.outcome.warnings] == [f"/home/{LOST}"]
    assert list(night.outcome.failures) == [] and len(nights.stored()) == 6


def test_colours_with_an_alpha_channel_are_kept_as_they_are(nights: Nights, server: ScriptedServer) -> None:
    back_up_from(nights, server, URL)
    assert nights.newest.extended_attributes("/home")["user.caldav.color"] == b"#1BADF8FF"


def test_a_password_that_is_none_for_apps_is_refused_with_what_to_do(nights: Nights, server: ScriptedServer) -> None:
    refused = Answer(status=401, headers={"WWW-Authenticate": 'X-MobileMe-AuthToken realm="MMCalDav"'})
    server.rule = when(any_request, refused)
    with pytest.raises(Unauthorized, match="app"):
        back_up_from(nights, server, URL)
    assert len(server.asked) <= 2


def test_another_provider_s_partition_never_sees_the_password(nights: Nights, server: ScriptedServer) -> None:
    stranger = {f"{CALDAV}calendar-home-set": f"<d:href>https://p42-caldav.icloud.com.example.org{HOME}</d:href>"}
    server.account.collection(server.account.principal, stranger)
    with pytest.raises(DavError, match="not shown the password"):
        back_up_from(nights, server, URL)
    assert hosts(server.asked) == {"caldav.icloud.com"}
