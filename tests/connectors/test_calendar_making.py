"""Making calendars: every property at the six real servers, and the words of those that make none."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

import httpx
import pytest

from caldav_backup import dav
from caldav_backup.connectors.calendar_making import Made, make_calendar
from caldav_backup.connectors.destination import CalendarNotMade
from caldav_backup.connectors.products import Product, recognise
from tests.connectors.playing import error, product
from tests.servers.server import Server

T = TypeVar("T")

HOME = "https://host.example/home/"
ZONE = """BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nBEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r
BEGIN:STANDARD\r\nDTSTART:19701025T030000\r\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\nTZOFFSETFROM:+0200\r
TZOFFSETTO:+0100\r\nTZNAME:CET\r\nEND:STANDARD\r\nBEGIN:DAYLIGHT\r\nDTSTART:19700329T020000\r
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nTZNAME:CEST\r\nEND:DAYLIGHT\r
END:VTIMEZONE\r\nEND:VCALENDAR\r\n"""
MINE = "{http://example.org/ns/}mine"
ALL = {
    "displayname": 'Büro & <Co> \U0001f4c5 "x"',
    "color": "#FF0000FF",
    "order": "7",
    "description": "line one\r\nline two & <three> ü \U0001f600",
    "timezone": ZONE,
    "transp": "transparent",
    "prop.%7Bhttp%3A%2F%2Fexample.org%2Fns%2F%7Dmine": '<x:mine xmlns:x="http://example.org/ns/">a &amp; b</x:mine>',
    "href": "/elsewhere/work/",
    "owner": "/elsewhere/",
}

#: What each server does not keep of `ALL`: Radicale 3.9.0, Xandikos 0.4.10, sabre/dav 1.8.12, Cyrus 3.6.1, DAViCal
#: 1.1.12 (which escapes texts once too often), SOGo 5.8.0 (which shows the account's own time zone).
LOST = {
    "radicale": {"transp: not kept"},
    "xandikos": {"transp: refused with 403", f"{MINE}: refused with 403"},
    "sabredav": {f"{MINE}: refused with 403"},
    "cyrus": set[str](),
    "davical": {"displayname: not kept", "description: not kept", "transp: not kept", f"{MINE}: not kept"},
    "sogo": {
        "order: not kept",
        "description: refused with 403",
        "timezone: not kept",
        f"{MINE}: refused with 403",
    },
}


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def encoded(attributes: Mapping[str, str]) -> dict[str, bytes]:
    return {name: text.encode() for name, text in attributes.items()}


def made_at(server: Server, attributes: Mapping[str, str], hint: str = "Work") -> Made:
    login = dav.BasicAuthentication(server.user, server.password) if server.user else None

    async def story() -> Made:
        async with dav.Client(dav.Transport(server.url, login)) as client:
            known = await recognise(client, server.home)
            return await make_calendar(client, server.home, hint, encoded(attributes), (), product=known)

    return run(story())


@pytest.mark.full
@pytest.mark.parametrize("components", ["VTODO", "VEVENT", "VEVENT,VTODO"])
def test_what_a_server_keeps_of_a_calendar_is_there_and_what_it_does_not_is_told(
    each_server: Server, components: str
) -> None:
    made = made_at(each_server, ALL | {"components": components})
    lost = {word.partition(": ")[0] for word in made.not_kept}
    assert set(made.not_kept) == LOST[each_server.name]
    calendar = made.calendar
    shown = {
        "displayname": calendar.displayname,
        "color": calendar.color,
        "order": calendar.order,
        "description": calendar.description,
        "transp": calendar.transp,
    }
    for name, text in shown.items():
        assert ((text or "").split() == ALL[name].split()) is (name not in lost)
    assert set(components.split(",")) <= set(calendar.components)
    assert ("TZID:Europe/Berlin" in (calendar.timezone or "")) is ("timezone" not in lost)


@pytest.mark.full
def test_a_kind_of_component_that_no_calendar_of_a_server_takes_is_told(each_server: Server) -> None:
    made = made_at(each_server, {"displayname": "Diary", "components": "VJOURNAL"})
    assert ("components: not kept" in made.not_kept) is (each_server.name == "sogo")


@pytest.mark.full
def test_a_name_that_is_taken_by_a_calendar_that_nobody_knew_of_is_passed_over(each_server: Server) -> None:
    first = made_at(each_server, {"displayname": "Work"})
    second = made_at(each_server, {"displayname": "Work"})
    assert first.calendar.href.rstrip("/").endswith("/work")
    assert second.calendar.href.rstrip("/").endswith("/work-2")


# What no server here does.

CALENDAR = """<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:a="http://apple.com/ns/ical/">
<d:response><d:href>{href}</d:href><d:propstat><d:prop><d:resourcetype><d:collection/><c:calendar/></d:resourcetype>
{prop}</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></d:multistatus>"""
NAMED = "<d:displayname>Work</d:displayname>"

Answer = Callable[[httpx.Request], httpx.Response | None]


def made_by(
    answer: Answer, attributes: Mapping[str, str], *, known: Product | None = None, prop: str = NAMED
) -> tuple[Made | str, list[httpx.Request]]:
    """What comes of it, or the reason why nothing does; where `answer` is None all goes well."""
    asked: list[httpx.Request] = []
    there: list[str] = []

    def network(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        found = answer(request)
        if found is not None:
            return found
        if request.method in {"MKCALENDAR", "MKCOL"}:
            there.append(request.url.path)
            return httpx.Response(201)
        if request.url.path not in there:
            return httpx.Response(404)
        return httpx.Response(207, text=CALENDAR.format(href=request.url.path, prop=prop))

    async def story() -> Made | str:
        retries = dav.Retries(attempts=2, first_wait=0.0)
        transport = dav.Transport("https://host.example", network=httpx.MockTransport(network), retries=retries)
        async with dav.Client(transport) as client:
            try:
                return await make_calendar(client, HOME, "Work", encoded(attributes), (), product=known or product(""))
            except CalendarNotMade as error:
                return str(error)

    return run(story()), asked


def refusing(status: int, text: str = "", *, method: str = "MKCALENDAR", times: int = 99) -> Answer:
    left = [times]

    def answer(request: httpx.Request) -> httpx.Response | None:
        if not request.method.startswith(method) or not left[0]:
            return None
        left[0] -= 1
        return httpx.Response(status, text=text)

    return answer


SABRE = '<d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns"><s:message>{}</s:message></d:error>'


@pytest.mark.parametrize(
    ("name", "status", "text", "says", "requests"),
    [
        # Nextcloud, apps/dav: at most 10 in an hour, and 30 in all
        ("nextcloud", 429, SABRE.format("Too many calendars created"), "in an hour", 3),
        ("nextcloud", 403, SABRE.format("Calendar limit reached"), "as many calendars as it may have", 1),
        ("", 403, "", "lets no calendar be made; make one in its web page", 1),  # Posteo
        ("google", 403, "", "Google makes calendars in its web page only", 1),
        ("google", 405, "", "Google makes calendars in its web page only", 2),
        ("", 500, "", "no calendar could be made", 1),
        ("", 403, error("<d:need-privileges/>"), "need-privileges", 1),
    ],
)
def test_a_server_that_makes_no_calendar_is_told_with_what_to_do(
    name: str, status: int, text: str, says: str, requests: int
) -> None:
    made, asked = made_by(refusing(status, text, method="MK"), {"displayname": "Work"}, known=product(name))
    assert isinstance(made, str)
    assert says in made
    assert str(status) in made
    assert len(asked) == requests
    assert "--map" in made or "later" in made


def test_a_server_that_is_merely_busy_is_no_calendar_that_cannot_be_made() -> None:
    with pytest.raises(dav.TooManyRequests):
        made_by(refusing(429, "slow down"), {"displayname": "Work"})


def test_a_refused_choice_of_components_is_told_although_the_calendar_is_made_without() -> None:
    made, asked = made_by(refusing(403, times=1), {"displayname": "Work", "components": "VTODO"})
    assert isinstance(made, Made)
    assert made.not_kept == ("components: refused with 403",)
    assert [b"comp" in request.content for request in asked if request.method == "MKCALENDAR"] == [True, False]


def test_components_that_a_server_chooses_as_they_were_are_kept_although_it_refused_them() -> None:
    prop = f'{NAMED}<c:supported-calendar-component-set><c:comp name="VTODO"/></c:supported-calendar-component-set>'
    made, _ = made_by(refusing(403, times=1), {"displayname": "Work", "components": "VTODO"}, prop=prop)
    assert isinstance(made, Made)
    assert made.not_kept == ()


def test_extended_mkcol_serves_where_mkcalendar_is_not_known() -> None:
    made, asked = made_by(refusing(501), {"displayname": "Work"})
    assert isinstance(made, Made)
    assert [request.method for request in asked[:2]] == ["MKCALENDAR", "MKCOL"]


def test_icloud_gets_a_name_as_apples_clients_choose_them_and_never_the_same_twice() -> None:
    segments = [
        made_by(refusing(201), {"displayname": "Work"}, known=product("icloud"))[1][0].url.path.split("/")[2]
        for _ in range(2)
    ]
    assert all(re.fullmatch(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", segment) for segment in segments)
    assert segments[0] != segments[1]


@pytest.mark.parametrize(("status", "told"), [(404, "refused with 404"), (200, "not kept"), (507, "refused with 507")])
def test_a_property_that_ends_in_an_error_costs_itself_only(status: int, told: str) -> None:
    wanted = {"displayname": "Work", "color": "#ff0000", "order": "1"}
    prop = f"{NAMED}<a:calendar-order>1</a:calendar-order>"
    made, _ = made_by(refusing(status, "no XML", method="PROPPATCH", times=1), wanted, prop=prop)
    assert isinstance(made, Made)
    assert made.not_kept == (f"color: {told}",)


def test_a_stored_property_that_is_no_xml_is_told() -> None:
    made, _ = made_by(lambda _: None, {"displayname": "Work", "prop.%7Burn%3Ax%7Da": "<a"})
    assert isinstance(made, Made)
    assert made.not_kept == ("{urn:x}a: not kept, since what is stored of it is no XML",)


@pytest.mark.parametrize("status", [404, 403, 500])
def test_a_calendar_that_is_not_there_after_it_was_made_is_an_error_of_this_calendar(status: int) -> None:
    made, _ = made_by(refusing(status, method="PROPFIND"), {"displayname": "Work"})
    assert isinstance(made, str)
    assert "says that it made /home/work/" in made


@pytest.mark.parametrize(
    ("attribute", "wished", "shown", "kept"),
    [
        ("color", "#ff0000ff", "<a:calendar-color>#FF0000</a:calendar-color>", True),
        ("color", "#ff0000ff", "<a:calendar-color>#FF0001</a:calendar-color>", False),
        ("description", "a\r\nb\x01", "<c:calendar-description>a\nb</c:calendar-description>", True),
        ("description", "a &amp; b", "<c:calendar-description>a &amp; b</c:calendar-description>", False),
        ("timezone", ZONE, "<c:calendar-timezone>TZID:Europe/Berlin </c:calendar-timezone>", True),
        ("timezone", ZONE, "<c:calendar-timezone>TZID:Etc/UTC</c:calendar-timezone>", False),
        ("timezone", ZONE, "", False),
        ("transp", "opaque", "", True),
        ("transp", "transparent", "", False),
        ("order", "1", "<a:calendar-order> 1\n</a:calendar-order>", True),
        (
            "prop.%7Burn%3Ax%7Da",
            '<a xmlns="urn:x" b="1" c="2"> t </a>',
            '<y:a xmlns:y="urn:x" c="2" b="1">t</y:a>',
            True,
        ),
        ("prop.%7Burn%3Ax%7Da", '<a xmlns="urn:x">t</a>', '<y:a xmlns:y="urn:x">u</y:a>', False),
        ("owner", "/principals/alice/", "", True),
    ],
)
def test_what_is_kept_is_told_by_its_meaning(attribute: str, wished: str, shown: str, kept: bool) -> None:
    def answer(request: httpx.Request) -> httpx.Response | None:
        if request.method == "PROPFIND" and b"propname" in request.content:
            return httpx.Response(207, text=CALENDAR.format(href=request.url.path, prop='<y:a xmlns:y="urn:x"/>'))
        return None

    made, _ = made_by(answer, {"displayname": "Work", attribute: wished}, prop=NAMED + shown)
    assert isinstance(made, Made)
    assert (made.not_kept == ()) is kept
