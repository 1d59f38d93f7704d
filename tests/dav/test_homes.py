from __future__ import annotations

from caldav_backup import dav
from tests.dav.accounts import HOME_SET, PRINCIPAL, WORK, account, discover
from tests.dav.fakes import BASE, FakeServer, answer, kind, multistatus, refused, reply, response


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
        home=BASE + "/home/alice/",
    )


def test_a_calendar_is_as_old_as_the_answer_that_describes_it() -> None:
    date = "Sun, 22 Nov 2026 18:11:01 GMT"
    server = FakeServer()
    server.on("PROPFIND", "/", reply(207, multistatus(response("/", HOME_SET)), {"date": "earlier"}))
    server.on("PROPFIND", "/home/alice/", reply(207, multistatus(response("/home/alice/"), WORK), {"date": date}))
    assert [each.date for each in discover(server).calendars] == [date]


def test_a_home_costs_one_request() -> None:
    server = account(WORK)
    server.on("PROPFIND", "/", answer(response("/", kind("d:x") + PRINCIPAL)))
    discover(server)
    assert server.asked() == ["PROPFIND /", "PROPFIND /principals/alice/", "PROPFIND /home/alice/"]


def test_what_a_home_lists_and_cannot_tell_is_not_passed_over() -> None:
    """Each of these may be yesterday's calendar."""
    refused_kind = "<d:propstat><d:prop><d:resourcetype/></d:prop><d:status>HTTP/1.1 {} No</d:status></d:propstat>"
    server = account(
        refused("/home/alice/broken/", 500),
        f"<d:response><d:href>/home/alice/busy/</d:href>{refused_kind.format(503)}</d:response>",
        refused("/home/alice/secret/", 403),
        refused("/home/alice/gone/", 404),
        f"<d:response><d:href>/home/alice/vague/</d:href>{refused_kind.format(404)}</d:response>",
        WORK,
    )
    found = discover(server, "/dav/")
    assert [each.displayname for each in found.calendars] == ["Work"]
    assert [(each.href, each.name) for each in found.unreadable] == [
        ("/home/alice/broken/", "broken"),
        ("/home/alice/busy/", "busy"),
    ]
    assert "500" in found.unreadable[0].reason
    assert [(each.name, each.reason) for each in found.left_out] == [("secret", "403 the server forbids it")]


def test_a_thousand_calendars_take_no_more_requests_than_one() -> None:
    server = account(*(response(f"/home/alice/c{number}/", kind("c:calendar")) for number in range(1000)))
    found = discover(server, "/principals/alice/")
    assert len({each.url for each in found.calendars}) == 1000
    assert server.asked() == ["PROPFIND /principals/alice/", "PROPFIND /home/alice/"]
