from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from caldav_backup import dav
from tests.dav.accounts import (
    HOME_SET,
    HTML,
    PRINCIPAL,
    STRANGER,
    WORK,
    account,
    discover,
    failing,
    home,
    urls,
)
from tests.dav.fakes import BASE, FakeServer, answer, failure, kind, refused, reply, response


def test_from_the_given_place_over_principal_and_home_to_calendars() -> None:
    server = account(WORK, principal="<d:displayname>Alice</d:displayname>")
    server.on("PROPFIND", "/", answer(response("/", kind("d:x") + PRINCIPAL)))
    found = discover(server)
    assert urls(found) == [BASE + "/home/alice/work/"]
    assert found.principal == dav.Principal("/principals/alice/", BASE + "/principals/alice/", "Alice")
    assert found.homes == (BASE + "/home/alice/",)
    assert found.left_out == ()
    assert len(server.seen) == 3
    assert all("depth" in each.headers for each in server.seen)


@pytest.mark.parametrize("url", ["/principals/alice/", "/principals/alice", "/home/alice/", "/home/alice", "/home/"])
def test_a_principal_a_home_or_what_lies_above_it_may_be_given(url: str) -> None:
    server = account(WORK)
    for bare in ("/principals/alice", "/home/alice"):
        server.on("PROPFIND", bare, reply(301, headers={"location": bare + "/"}))
    server.on("PROPFIND", "/home/", answer(response("/home/", kind("d:x") + PRINCIPAL)))
    found = discover(server, url)
    assert urls(found) == [BASE + "/home/alice/work/"]
    assert len(server.seen) <= 5


def test_a_calendar_may_be_given_and_is_the_only_one_then() -> None:
    server = account(WORK)
    own = kind("c:calendar") + PRINCIPAL + "<cs:getctag>7</cs:getctag>"
    server.on("PROPFIND", "/home/alice/work/", home(response("/home/alice/work/", own)))
    found = discover(server, "/home/alice/work/")
    assert [(each.href, each.ctag) for each in found.calendars] == [("/home/alice/work/", "7")]
    assert found.principal == dav.Principal("/principals/alice/", BASE + "/principals/alice/")
    assert found.homes == ()
    assert server.asked().count("PROPFIND /home/alice/work/") == 2


def test_a_calendar_without_any_principal_is_enough() -> None:
    server = FakeServer()
    server.on("PROPFIND", "/caldav/id/events/", home(response("/caldav/id/events/", kind("c:calendar"))))  # Zoho
    found = discover(server, "/caldav/id/events/")
    assert found.principal is None
    assert urls(found) == [BASE + "/caldav/id/events/"]


WELL_KNOWN = {
    "301 relative": reply(301, headers={"location": "/dav/"}),  # Radicale 3.9
    "302": reply(302, headers={"location": "/dav/"}),  # Xandikos 0.4
    "301 absolute": reply(301, headers={"location": BASE + "/dav/"}),  # Cyrus 3.6, DAViCal 1.1
    "301 http": reply(301, headers={"location": "http://dav.example/dav/"}),  # Nextcloud behind a proxy
    "308": reply(308, headers={"location": "/dav/"}),
}


@pytest.mark.parametrize("well_known", WELL_KNOWN.values(), ids=WELL_KNOWN.keys())
@pytest.mark.parametrize("given", ["404", "405", "html", "xml", "500"])
def test_a_bare_host_leads_over_the_well_known_address(
    well_known: Callable[[httpx.Request], httpx.Response], given: str
) -> None:
    at_root = {
        "404": reply(404),
        "405": reply(405),
        "html": HTML,
        "xml": reply(200, "<feed/>", {"content-type": "application/xml"}),
        "500": reply(500),
    }
    server = account(WORK)
    server.on("PROPFIND", "/", at_root[given])
    server.on("PROPFIND", "/.well-known/caldav", well_known)
    assert urls(discover(server)) == [BASE + "/home/alice/work/"]
    assert all("authorization" in each.headers for each in server.seen)


def test_the_root_is_asked_when_the_given_place_and_the_well_known_one_know_nothing() -> None:
    server = account(WORK)
    server.on("PROPFIND", "/app/", HTML)
    server.on("PROPFIND", "/.well-known/caldav", reply(401), reply(404))  # sabre/dav 1.8
    server.on("PROPFIND", "/", answer(response("/", kind("d:x") + PRINCIPAL)))
    assert urls(discover(server, "/app/")) == [BASE + "/home/alice/work/"]


@pytest.mark.parametrize("well_known", [HTML, reply(404), reply(403), failure(httpx.ReadError("x"))], ids="abcd")
def test_where_nothing_fits_it_says_what_was_tried(well_known: Callable[[httpx.Request], httpx.Response]) -> None:
    server = FakeServer()
    server.on("PROPFIND", "/", HTML)
    server.on("PROPFIND", "/.well-known/caldav", well_known)
    error = failing(server)
    assert isinstance(error, dav.NotCalDAV)
    assert str(error).startswith(f"no CalDAV at {BASE} (/")
    assert "/.well-known/caldav" in str(error) and "a web page came where CalDAV was asked for" in str(error)
    assert "\n" not in str(error) and len(str(error)) < 250


def test_webdav_without_calendars_is_no_caldav() -> None:
    server = FakeServer()
    server.on("PROPFIND", "/", answer(response("/", kind("d:x"))))
    assert "names neither a principal nor calendars" in str(failing(server))


def test_a_principal_without_calendars_is_no_caldav() -> None:
    error = failing(account(home_set=""), "/dav/")
    assert isinstance(error, dav.NotCalDAV)


@pytest.mark.parametrize("login", [dav.BasicAuthentication("a", "b"), None], ids=["refused", "none"])
def test_strangers_are_not_taken_for_accounts_without_calendars(login: dav.Authentication | None) -> None:
    server = FakeServer()
    server.on("PROPFIND", "/", answer(response("/", kind("d:x") + STRANGER)))  # Cyrus 3.6
    assert isinstance(failing(server, authentication=login), dav.Unauthorized)


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, dav.Unauthorized), (403, dav.Forbidden), (429, dav.TooManyRequests), (503, dav.Unavailable)],
)
def test_a_refusal_at_the_given_place_is_final(status: int, error: type[dav.DavError]) -> None:
    server = account(WORK)
    server.on("PROPFIND", "/home/bob/", reply(status))
    assert type(failing(server, "/home/bob/")) is error
    assert set(server.asked()) == {"PROPFIND /home/bob/"}


def test_a_server_that_is_away_is_not_searched() -> None:
    server = FakeServer()
    server.on("PROPFIND", "/", failure(httpx.ConnectError("refused")))
    assert isinstance(failing(server), dav.ServerUnreachable)
    assert set(server.asked()) == {"PROPFIND /"}


@pytest.mark.parametrize(
    "missing", [reply(404), answer(refused(BASE + "/home/alice/gone/", 404))], ids=["404", "207 with 404"]
)
def test_a_calendar_that_is_gone_does_not_become_all_the_others(
    missing: Callable[[httpx.Request], httpx.Response],
) -> None:
    server = account(WORK)
    server.on("PROPFIND", "/home/alice/gone/", missing)
    error = failing(server, "/home/alice/gone/")
    assert isinstance(error, dav.NotFound)
    assert "server's address alone" in str(error)
    assert len(server.seen) == 1


def test_an_inbox_is_neither_read_nor_turned_into_all_calendars() -> None:
    server = account(WORK)
    server.on(
        "PROPFIND", "/home/alice/inbox/", home(response("/home/alice/inbox/", kind("c:schedule-inbox") + PRINCIPAL))
    )
    error = failing(server, "/home/alice/inbox/")
    assert isinstance(error, dav.NotCalDAV)
    assert "an inbox for invitations" in str(error)


@pytest.mark.parametrize(
    ("types", "reason"), [("cs:subscribed", "a subscription"), ("nc:deleted-calendar", "a deleted calendar")]
)
def test_a_calendar_that_cannot_be_read_says_why(types: str, reason: str) -> None:
    server = FakeServer()
    server.on("PROPFIND", "/home/x/", home(response("/home/x/", kind("c:calendar", types))))
    error = failing(server, "/home/x/")
    assert isinstance(error, dav.NotCalDAV)
    assert reason in str(error)


def test_a_home_that_the_principal_does_not_name_is_searched_itself() -> None:
    server = account(WORK)
    shared = response("/home/bob/team/", kind("c:calendar"))
    server.on("PROPFIND", "/home/bob/", home(response("/home/bob/", kind("d:x") + PRINCIPAL), shared))
    found = discover(server, "/home/bob/")
    assert urls(found) == [BASE + "/home/bob/team/"]
    assert found.homes == (BASE + "/home/bob/",)


def test_a_place_that_is_no_home_leads_to_the_principals_own() -> None:
    server = account(WORK)

    def nothing_below(request: httpx.Request) -> httpx.Response:
        if request.headers["depth"] == "1":
            return httpx.Response(403)
        return answer(response("/principals/", kind("d:x") + PRINCIPAL))(request)

    server.on("PROPFIND", "/principals2/", nothing_below)
    assert urls(discover(server, "/principals2/")) == [BASE + "/home/alice/work/"]


def test_all_homes_are_read_and_one_that_cannot_be_is_reported() -> None:
    more = "<d:href>/home/team/</d:href><d:href>/home/lost/</d:href></c:calendar-home-set>"
    server = account(WORK, home_set=HOME_SET.replace("</c:calendar-home-set>", more))
    team = response("/home/team/plan/", kind("c:calendar"))
    server.on("PROPFIND", "/home/team/", home(response("/home/team/", kind("d:x")), team, WORK))
    found = discover(server, "/dav/")
    assert urls(found) == [BASE + "/home/alice/work/", BASE + "/home/team/plan/"]
    assert [(each.href, each.name) for each in found.left_out] == [("/home/lost/", "calendar home")]
    assert "404" in found.left_out[0].reason


def test_a_home_that_may_hold_calendars_and_cannot_be_read_is_not_left_out() -> None:
    more = "<d:href>/home/team/</d:href></c:calendar-home-set>"
    server = account(WORK, home_set=HOME_SET.replace("</c:calendar-home-set>", more))
    server.on("PROPFIND", "/home/team/", reply(500))
    found = discover(server, "/dav/")
    assert urls(found) == [BASE + "/home/alice/work/"] and found.left_out == ()
    assert [each.href for each in found.unreadable] == ["/home/team/"] and "500" in found.unreadable[0].reason


@pytest.mark.parametrize(
    ("listing", "error"),
    [(reply(403), dav.Forbidden), (answer(), dav.BadAnswer), (answer(refused("/home/alice/", 404)), dav.NotFound)],
    ids=["403", "nothing", "404"],
)
def test_the_only_home_must_be_readable(
    listing: Callable[[httpx.Request], httpx.Response], error: type[dav.DavError]
) -> None:
    server = FakeServer()
    server.on("PROPFIND", "/", answer(response("/", kind("d:x") + HOME_SET)))
    server.on("PROPFIND", "/home/alice/", listing)
    assert type(failing(server)) is error


def test_an_account_without_calendars_has_none() -> None:
    found = discover(account(), "/dav/")
    assert found.calendars == ()
    assert found.homes == (BASE + "/home/alice/",)


def test_a_home_may_be_at_another_host_of_the_same_provider() -> None:
    apple, shard = "https://caldav.icloud.com", "https://p12-caldav.icloud.com"
    home_set = f"<c:calendar-home-set><d:href>{shard}:443/1/calendars/</d:href></c:calendar-home-set>"
    server = FakeServer()
    server.on("PROPFIND", apple + "/", answer(response("/", kind("d:x") + PRINCIPAL)))
    server.on("PROPFIND", apple + "/principals/alice/", answer(response("/principals/alice/", home_set)))
    below = response("/1/calendars/work/", kind("c:calendar"))
    server.on("PROPFIND", shard + "/1/calendars/", home(response("/1/calendars/", kind("d:x")), below))
    found = discover(server, base=apple + "/")
    assert urls(found) == [shard + "/1/calendars/work/"]
    assert all("authorization" in each.headers for each in server.seen)


def test_a_home_at_a_strange_host_is_not_shown_the_password() -> None:
    server = FakeServer()
    home_set = "<c:calendar-home-set><d:href>https://evil.example/home/</d:href></c:calendar-home-set>"
    server.on("PROPFIND", "/", answer(response("/", kind("d:x") + home_set)))
    server.on("PROPFIND", "https://evil.example/home/", reply(401))
    error = failing(server)
    assert isinstance(error, dav.Unauthorized)
    assert "https://evil.example" in str(error)
    assert not any("authorization" in each.headers for each in server.seen if each.url.host == "evil.example")


@pytest.mark.parametrize("status", [200, 207])
def test_an_empty_answer_at_the_given_address_does_not_end_the_search(status: int) -> None:
    server = account(WORK)
    server.on("PROPFIND", "/", lambda _: httpx.Response(status, headers={"content-length": "0"}))
    server.on("PROPFIND", "/.well-known/caldav", lambda _: httpx.Response(301, headers={"location": "/dav/"}))
    found = discover(server, "/")
    assert [each.displayname for each in found.calendars] == ["Work"]
    assert len(server.seen) <= 6
