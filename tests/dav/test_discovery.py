from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from caldav_backup import dav
from caldav_backup.dav import names
from tests.dav.fakes import (
    BASE,
    FakeServer,
    answer,
    client,
    failure,
    kind,
    multistatus,
    refused,
    reply,
    response,
    run,
)

PRINCIPAL = "<d:current-user-principal><d:href>/principals/alice/</d:href></d:current-user-principal>"
HOME_SET = "<c:calendar-home-set><d:href>/home/alice/</d:href></c:calendar-home-set>"
HTML = reply(200, "<html><body>Welcome</body></html>", {"content-type": "text/html"})
STRANGER = "<d:current-user-principal><d:unauthenticated/></d:current-user-principal>"


def discover(
    server: Callable[[httpx.Request], httpx.Response], url: str | None = None, **options: object
) -> dav.Discovery:
    async def story() -> dav.Discovery:
        async with client(server, **options) as account:
            return await dav.discover(account, None if url is None else BASE + url)

    return run(story())


def failing(server: FakeServer, url: str | None = None, **options: object) -> dav.DavError:
    with pytest.raises(dav.DavError) as caught:
        discover(server, url, **options)
    return caught.value


def account(*in_home: str, principal: str = "", home_set: str = HOME_SET) -> FakeServer:
    """A server with a principal and a home, which says so at /dav/ and nowhere else."""
    server = FakeServer()
    server.on("PROPFIND", "/dav/", answer(response("/dav/", kind("d:x") + PRINCIPAL)))
    server.on(
        "PROPFIND",
        "/principals/alice/",
        answer(response("/principals/alice/", kind("d:principal") + home_set + PRINCIPAL + principal)),
    )
    own = response("/home/alice/", kind("d:x") + PRINCIPAL)
    server.on("PROPFIND", "/home/alice/", home(own, *in_home))
    return server


def home(*responses: str) -> Callable[[httpx.Request], httpx.Response]:
    """Answers depth 0 with the first response, depth 1 with all, and a question for names with 404."""

    def answered(request: httpx.Request) -> httpx.Response:
        if b"propname" in request.content:
            return httpx.Response(404)
        return answer(*(responses if request.headers["depth"] == "1" else responses[:1]))(request)

    return answered


WORK = response("/home/alice/work/", kind("c:calendar") + "<d:displayname>Work</d:displayname>")


def urls(found: dav.Discovery) -> list[str]:
    return [calendar.url for calendar in found.calendars]


def test_from_the_given_place_over_principal_and_home_to_calendars() -> None:
    server = account(WORK, principal="<d:displayname>Alice</d:displayname>")
    server.on("PROPFIND", "/", answer(response("/", kind("d:x") + PRINCIPAL)))
    found = discover(server)
    assert urls(found) == [BASE + "/home/alice/work/"]
    assert found.principal == dav.Principal("/principals/alice/", BASE + "/principals/alice/", "Alice")
    assert found.homes == (BASE + "/home/alice/",)
    assert found.left_out == ()
    assert len(server.seen) == 4
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
    assert server.asked().count("PROPFIND /home/alice/work/") == 3


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
    assert str(error).startswith(f"no CalDAV at {BASE} (/: a web page came where CalDAV was asked for; /.well-known")
    assert "\n" not in str(error)


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


def test_what_lies_in_a_home_beside_calendars_is_left_out_with_a_reason() -> None:
    free_busy = (
        "<d:current-user-privilege-set><d:privilege><c:read-free-busy/></d:privilege></d:current-user-privilege-set>"
    )
    read_only = "<d:current-user-privilege-set><d:privilege><d:read/></d:privilege></d:current-user-privilege-set>"
    source = "<cs:source><d:href>https://feeds.example/x.ics</d:href></cs:source>"
    boxes = (
        "<c:schedule-inbox-URL><d:href>/home/alice/.in</d:href></c:schedule-inbox-URL>"
        "<c:schedule-outbox-URL><d:href>/home/alice/personal/</d:href></c:schedule-outbox-URL>"
    )
    server = account(
        response("/home/alice/inbox", kind("c:schedule-inbox") + "<d:displayname>In</d:displayname>"),
        response("/home/alice/outbox/", kind("c:schedule-outbox")),
        response("/home/alice/notes/", kind("cs:notification")),
        response("/home/alice/trash/", kind("nc:trash-bin")),
        response("/home/alice/old/", kind("c:calendar") + "<nc:deleted-at>2026</nc:deleted-at>"),
        response("/home/alice/old2/", kind("nc:deleted-calendar")),
        response("/home/alice/feed/", kind("c:calendar", "cs:subscribed") + source),
        response("/home/alice/busy/", kind("c:calendar") + free_busy),
        response("/home/alice/proxy/", kind("cs:calendar-proxy-read", "d:principal")),
        response("/home/alice/contact_birthdays/", kind("c:calendar") + read_only),
        response("/home/alice/app-generated--deck--1/", kind("c:calendar") + read_only),
        response("/home/alice/files/", kind("d:x")),
        response("/home/alice/.in/", kind("c:calendar")),  # DAViCal 1.1
        response("/home/alice/work.ics", kind()),  # SOGo 5.8
        response("/home/alice/personal/", kind("c:calendar", "c:schedule-outbox")),  # SOGo 5.8
        response("/home/alice/shared_by_bob/", kind("c:calendar", "cs:shared") + read_only),
        response("/home/alice/mine/contact_birthdays/", kind("c:calendar")),
        WORK,
        principal=boxes,
    )
    found = discover(server, "/dav/")
    assert [each.href.rsplit("/", 2)[1] for each in found.calendars] == [
        "personal",
        "shared_by_bob",
        "contact_birthdays",
        "work",
    ]
    assert [(each.name, each.reason.partition(" of ")[0]) for each in found.left_out] == [
        ("In", "an inbox for invitations"),
        ("outbox", "an outbox for invitations"),
        ("notes", "notifications"),
        ("trash", "a trash bin"),
        ("old", "a deleted calendar in the trash bin"),
        ("old2", "a deleted calendar in the trash bin"),
        ("feed", "a subscription to a calendar elsewhere, whose events are not kept here"),
        ("busy", "only free and busy times may be seen"),
        ("proxy", "a group"),
        ("contact_birthdays", "made by the server from other data"),
        ("app-generated--deck--1", "made by the server from other data"),
        ("files", "no calendar"),
        (".in", "an inbox or outbox for invitations"),
    ]
    assert found.left_out[6].source == "https://feeds.example/x.ics"


def test_every_property_of_a_calendar_is_read() -> None:
    properties = (
        "<d:displayname>Wörk &amp; play</d:displayname><a:calendar-color>#FF0000FF</a:calendar-color>"
        "<a:calendar-order>3</a:calendar-order><c:calendar-description/><cs:getctag>c7</cs:getctag>"
        "<c:calendar-timezone>BEGIN:VCALENDAR\n</c:calendar-timezone><d:sync-token>http://x/7</d:sync-token>"
        '<c:supported-calendar-component-set><c:comp name="vevent"/><c:comp name="VTODO"/><c:comp name="VEVENT"/>'
        "<c:comp/><d:x/></c:supported-calendar-component-set>"
        "<c:schedule-calendar-transp><c:transparent/></c:schedule-calendar-transp>"
        "<d:owner><d:href>/principals/bob/</d:href></d:owner><cs:source><d:href>https://f/x</d:href></cs:source>"
        "<d:current-user-privilege-set><d:privilege><d:read/></d:privilege><d:privilege><d:write/><d:read/>"
        "</d:privilege></d:current-user-privilege-set>"
    )
    server = account(response("w%C3%B6rk/", kind("c:calendar") + properties))
    (found,) = discover(server, "/dav/").calendars
    assert found == dav.Calendar(
        href="/home/alice/w%C3%B6rk/",
        url=BASE + "/home/alice/w%C3%B6rk/",
        displayname="Wörk & play",
        color="#FF0000FF",
        order="3",
        description="",
        timezone="BEGIN:VCALENDAR\n",
        components=("VEVENT", "VTODO"),
        transp="transparent",
        owner="/principals/bob/",
        privileges=("read", "write"),
        ctag="c7",
        sync_token="http://x/7",
        source="https://f/x",
    )


def test_further_properties_are_found_by_name_and_kept_as_xml() -> None:
    settable = '<x:note xmlns:x="urn:x"/><o:calendar-enabled xmlns:o="http://owncloud.org/ns"/>'
    computed = "<d:quota-used-bytes/><c:max-resource-size/><d:displayname/>"

    def answered(request: httpx.Request) -> httpx.Response:
        if b"propname" in request.content:
            said = [response("/home/alice/", "<d:owner/>"), response("/home/alice/work/", settable + computed)]
        elif b"note" in request.content:
            asked.append(request.content)
            value = '<x:note xmlns:x="urn:x" lang="de">Grüße<y/></x:note>'
            said = [response("https://dav.example/home/alice/work", value), response("/home/alice/work/", value)]
        else:
            said = [response("/home/alice/", kind("d:x")), WORK]
        return httpx.Response(207, content=multistatus(*said))

    asked: list[bytes] = []
    server = FakeServer()
    server.on("PROPFIND", "/", answer(response("/", kind("d:x") + HOME_SET)))
    server.on("PROPFIND", "/home/alice/", answered)
    (found,) = discover(server).calendars
    assert found.properties == {"{urn:x}note": '<ns0:note xmlns:ns0="urn:x" lang="de">Grüße<y/></ns0:note>'.encode()}
    assert b"calendar-enabled" in asked[0]
    assert b"quota" not in asked[0]
    assert names.DISPLAYNAME not in found.properties
