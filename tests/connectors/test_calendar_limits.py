"""What a calendar says that it takes and what servers are known not to keep, told of the right records."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest

from caldav_backup import dav, ics
from caldav_backup.connectors.calendar_limits import CalendarLimits, limits_of
from caldav_backup.connectors.destination import Limits
from caldav_backup.connectors.losses import losses_of
from caldav_backup.connectors.products import recognise
from tests.connectors.playing import product
from tests.events import event, journal, mixed, todo
from tests.servers.server import Server, make_calendar

TIMES = ("DTSTART:20260601T100000Z", "DTEND:20260601T110000Z")
ZONE = (
    "BEGIN:VTIMEZONE",
    "TZID:W. Europe",
    "BEGIN:STANDARD",
    "DTSTART:16010101T030000",
    "TZOFFSETFROM:+0200",
    "TZOFFSETTO:+0100",
    "END:STANDARD",
    "END:VTIMEZONE",
)


def made_of(*lines: str, kind: str = "VEVENT", before: tuple[str, ...] = ()) -> bytes:
    head = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//EN", *before, f"BEGIN:{kind}")
    tail = ("UID:one", "DTSTAMP:20260101T000000Z", "SUMMARY:x", f"END:{kind}", "END:VCALENDAR", "")
    return "\r\n".join((*head, *lines, *tail)).encode()


def warned(name: str, content: bytes) -> str:
    return "; ".join(CalendarLimits(losses=losses_of(name)).warnings(content))


# Limits that the calendar tells.


def test_every_kind_that_a_calendar_takes_is_nothing_to_warn_of() -> None:
    limits = CalendarLimits(("VEVENT", "VTODO"))
    assert limits.warnings(event(1).content) == ()
    assert limits.warnings(todo(1).content) == ()
    assert limits.warnings(journal(1).content) == ("this calendar takes VEVENT and VTODO only",)
    assert CalendarLimits().warnings(journal(1).content) == ()


def test_a_kind_in_a_text_is_no_kind_of_the_object() -> None:
    content = made_of("DESCRIPTION:say BEGIN:VTODO\\nBEGIN:VTODO\r\n BEGIN:VTODO", *TIMES)
    assert CalendarLimits(("VEVENT",)).warnings(content) == ()


def test_a_server_that_takes_other_kinds_all_the_same_is_told_apart() -> None:
    limits = CalendarLimits(("VEVENT", "VJOURNAL", "VTODO"), is_strict=False)
    assert limits.warnings(made_of(kind="VFREEBUSY")) == ("this calendar is meant for VEVENT, VJOURNAL and VTODO only",)


def test_sizes_guests_dates_and_recurrences_beyond_the_limits_are_told() -> None:
    limits = CalendarLimits(
        ("VEVENT",), 512_000, max_guests=20, max_instances=100, earliest="19000101", latest="20380101"
    )
    guests = [f"ATTENDEE:mailto:{number}@example.org" for number in range(37)]
    assert limits.warnings(made_of(*TIMES, *guests)) == ("37 guests, it takes 20",)
    assert limits.warnings(made_of(*TIMES, *guests[:20])) == ()
    assert limits.warnings(made_of(*TIMES, "DESCRIPTION:" + "x" * 512_000)) == (
        "larger than the 512,000 bytes that it takes",
    )
    assert limits.warnings(made_of("DTSTART:18000601T100000Z")) == ("begins in 1800, it takes nothing before 1900",)
    assert limits.warnings(made_of("DTSTART;VALUE=DATE:20400601")) == ("begins in 2040, it takes nothing after 2038",)
    assert limits.warnings(made_of(*TIMES, "RRULE:FREQ=DAILY;COUNT=2000")) == ("recurs 2,000 times, it takes 100",)
    assert limits.warnings(made_of(*TIMES, "RRULE:FREQ=DAILY;COUNT=100")) == ()


def test_guests_are_counted_for_each_instance() -> None:
    """RFC 4791 §5.2.9: the limit is of one instance, and an override is another."""
    guests = [f"ATTENDEE:mailto:{number}@example.org" for number in range(15)]
    override = ("END:VEVENT", "BEGIN:VEVENT", "RECURRENCE-ID:20260601T100000Z")
    assert CalendarLimits(max_guests=20).warnings(made_of(*TIMES, *guests, *override, *guests)) == ()


def test_dates_of_time_zones_are_no_dates_of_the_object() -> None:
    limits = CalendarLimits(earliest="19000101")
    assert limits.warnings(made_of("DTSTART;TZID=W. Europe:20260601T100000", before=ZONE)) == ()


def told(text: str, name: str = "", status: int = 207) -> Limits:
    answer = f"""<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:response>
    <d:href>/cal/</d:href><d:propstat><d:prop>{text}</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>
    </d:response></d:multistatus>"""
    network = httpx.MockTransport(lambda _: httpx.Response(status, text=answer))

    async def story() -> Limits:
        retries = dav.Retries(attempts=1)
        async with dav.Client(dav.Transport("https://host.example", network=network, retries=retries)) as client:
            return await limits_of(client, "https://host.example/cal/", product(name))

    return asyncio.run(story())


def test_limits_are_read_in_one_request() -> None:
    """Stalwart's, as its documents give them."""
    found = told(
        '<c:supported-calendar-component-set><c:comp name="VEVENT"/></c:supported-calendar-component-set>'
        "<c:max-resource-size>524288</c:max-resource-size><c:max-attendees-per-instance>20</c:max-attendees-per-instance>"
        "<c:max-instances>3000</c:max-instances><c:min-date-time>19000101T000000Z</c:min-date-time>"
        "<c:max-date-time>20491231T235959Z</c:max-date-time>"
    )
    assert found == CalendarLimits(("VEVENT",), 524_288, 20, 3000, "19000101", "20491231")


def test_what_is_no_limit_is_none() -> None:
    found = told("<c:max-resource-size>unlimited</c:max-resource-size><c:min-date-time>ever</c:min-date-time>")
    assert found == CalendarLimits()


@pytest.mark.parametrize("status", [403, 404, 500, 200])
def test_a_calendar_that_tells_nothing_has_no_limits(status: int) -> None:
    assert told("<nonsense", status=status) == CalendarLimits()


def test_a_calendar_still_to_be_made_has_what_the_product_does() -> None:
    async def story() -> Limits:
        async with dav.Client(dav.Transport("https://host.example")) as client:
            return await limits_of(client, None, product("sogo"))

    limits = asyncio.run(story())
    assert limits.components == ("VEVENT", "VTODO")
    assert limits.warnings(made_of("DTSTART:20260601T100000")) != ()


#: What the calendars of a fresh account tell: Radicale 3.9.0, Xandikos 0.4.10, sabre/dav 1.8.12, Cyrus 3.6.1, DAViCal
#: 1.1.12, SOGo 5.8.0.
MEASURED = {
    "radicale": ({"VEVENT", "VTODO", "VJOURNAL"}, 10_000_000, ""),
    "xandikos": ({"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VAVAILABILITY"}, 0, "00010101"),
    "sabredav": ({"VEVENT", "VTODO"}, 0, ""),
    "cyrus": ({"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VAVAILABILITY"}, 2_147_483_647, ""),
    "davical": ({"VEVENT", "VTODO", "VJOURNAL"}, 0, ""),
    "sogo": ({"VEVENT", "VTODO", "VFREEBUSY"}, 0, ""),
}


@pytest.mark.full
def test_each_server_tells_its_own_limits(each_server: Server) -> None:
    url = make_calendar(each_server, "work")
    login = dav.BasicAuthentication(each_server.user, each_server.password) if each_server.user else None

    async def story() -> CalendarLimits:
        async with dav.Client(dav.Transport(each_server.url, login)) as client:
            return await limits_of(client, url, await recognise(client, each_server.home))

    limits = asyncio.run(story())
    assert (set(limits.components), limits.max_size, limits.earliest) == MEASURED[each_server.name]


# What servers are known not to keep.

#: Objects by a server that does not keep or take them, and the beginning of what is said of it.
SPOILT = [
    ("radicale", made_of(*TIMES, "X-FOO:a,b"), "Radicale drops"),
    ("radicale", made_of(*TIMES, "LOCATION:Room 1, second floor"), "Radicale drops"),
    ("radicale", made_of(*TIMES, 'X-APPLE-STRUCTURED-LOCATION;VALUE=URI;X-TITLE="a:b":geo:1,2'), "Radicale drops"),
    ("radicale", made_of(*TIMES, "DESCRIPTION:" + "x" * 60 + "\r\n  a, b"), "Radicale drops"),
    ("radicale", made_of(*TIMES, "RDATE;VALUE=PERIOD:20260701T100000Z/PT1H"), "Radicale refuses"),
    ("radicale", made_of(*TIMES, "RRULE:RSCALE=CHINESE;FREQ=YEARLY"), "Radicale refuses"),
    ("xandikos", made_of(*TIMES, "RESOURCES:a,b"), "Xandikos makes"),
    ("cyrus", made_of(*TIMES, "BEGIN:X-THING", "X-A:1", "END:X-THING"), "Cyrus drops"),
    (
        "cyrus",
        made_of(*TIMES, "BEGIN:PARTICIPANT", "UID:p", "PARTICIPANT-TYPE:SPEAKER", "END:PARTICIPANT"),
        "Cyrus drops",
    ),
    ("cyrus", made_of(*TIMES, "LINK;LINKREL=SOURCE;VALUE=URI:https://example.org/"), "Cyrus drops"),
    ("cyrus", made_of("DTSTART:20260601T100000Z", "DTEND:20260601T100000Z"), "Cyrus refuses"),
    ("cyrus", made_of("DTSTART:20260601T100000Z"), "Cyrus refuses"),
    ("sogo", made_of("DTSTART:20260601T100000", "DTEND:20260601T110000"), "SOGo gives"),
    ("sogo", made_of("DTSTART:20260601T100000Z"), "SOGo makes"),
    ("sogo", made_of(*TIMES, "RRULE:FREQ=DAILY;COUNT=9", "EXRULE:FREQ=WEEKLY;COUNT=2"), "SOGo spoils exception"),
    ("sogo", made_of(*TIMES, 'X-FOO;X-ADDRESS="A\\nB":x'), "SOGo spoils escapes"),
    (
        "sogo",
        made_of(*TIMES, "ORGANIZER:mailto:{user}@example.org", "ATTENDEE:mailto:{user}@example.org"),
        "SOGo drops the organizer",
    ),
]

#: Objects that look much the same and come back as they were.
KEPT = [
    ("radicale", made_of(*TIMES, "LOCATION:Room 1\\, second floor", "X-FOO:a\\,b")),
    ("radicale", made_of(*TIMES, "CATEGORIES:a,b", "GEO:1,2", "ATTACH:https://example.org/a,b", "RESOURCES:a,b")),
    ("radicale", made_of(*TIMES, 'X-FOO;X-A="1,2":x', 'ATTENDEE;CN="a,b":mailto:a@example.org')),
    ("radicale", made_of(*TIMES, "RDATE:20260701T100000Z,20260801T100000Z")),
    ("xandikos", made_of(*TIMES, "CATEGORIES:a,b", "RESOURCES:a")),
    ("cyrus", made_of(*TIMES, "X-FOO:a", "CONFERENCE;VALUE=URI:tel:1", "IMAGE;VALUE=URI:https://example.org/a.png")),
    ("cyrus", made_of("DTSTART;VALUE=DATE:20260601")),
    ("cyrus", made_of("DTSTART:20260601T100000Z", "DURATION:PT1H")),
    ("cyrus", made_of("DTSTART:18000601T100000Z", "DTEND:20990601T100000Z")),
    ("sogo", made_of("DTSTART;VALUE=DATE:20260601", "DTEND;VALUE=DATE:20260602")),
    ("sogo", made_of("DTSTART;TZID=W. Europe:20260601T100000", "DTEND;TZID=W. Europe:20260601T110000", before=ZONE)),
    (
        "sogo",
        made_of(*TIMES, "X-FOO:a", "BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:-PT5M", "DESCRIPTION:x", "END:VALARM"),
    ),
]


@pytest.mark.parametrize(("name", "content", "said"), SPOILT)
def test_what_a_server_does_not_keep_is_said_beforehand(name: str, content: bytes, said: str) -> None:
    assert said in warned(name, content)
    assert said in warned(name, content.replace(b"\r\n", b"\n"))
    assert warned("davical", content) == ""


@pytest.mark.parametrize(("name", "content"), KEPT)
def test_nothing_is_said_of_what_a_server_keeps(name: str, content: bytes) -> None:
    assert warned(name, content) == ""


@pytest.mark.full
@pytest.mark.parametrize(
    ("name", "content", "kept"), [(*each[:2], False) for each in SPOILT] + [(*each, True) for each in KEPT]
)
def test_it_is_what_the_server_does(request: pytest.FixtureRequest, name: str, content: bytes, kept: bool) -> None:
    server: Server = request.getfixturevalue(name)
    sent = content.replace(b"{user}", server.user.encode())
    make_calendar(server, "work")
    answer = server.request("PUT", "work/one.ics", sent, {"Content-Type": "text/calendar; charset=utf-8"})
    came_through = answer.status < 300 and ics.same_meaning(sent, server.expect("GET", "work/one.ics").body)
    assert came_through is kept


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("google", todo(1).content, "Google takes neither"),
        ("google", journal(1).content, "Google takes neither"),
        ("icloud", journal(1).content, "iCloud takes no journals"),
        ("icloud", made_of("DTSTART:20260601T100000Z"), "iCloud refuses"),
        ("zimbra", journal(1).content, "Zimbra takes no journals"),
        ("open-xchange", made_of("RRULE:FREQ=DAILY", kind="VTODO"), "Open-Xchange takes no tasks that recur"),
        ("fastmail", made_of(*TIMES, "BEGIN:X-THING", "END:X-THING"), "Cyrus drops"),
        ("davmail", made_of(*TIMES, "ATTACH:https://example.org/"), "Exchange loses"),
    ],
)
def test_what_is_only_reported_says_so(name: str, content: bytes, said: str) -> None:
    text = warned(name, content)
    assert said in text
    assert ("by report" in text) is (name != "fastmail")


def test_an_unknown_server_is_not_accused_of_anything() -> None:
    for name, content, _ in SPOILT:
        assert warned("", content) == "", name


def test_a_look_is_cheap() -> None:
    """100,000 records in two seconds were 20 microseconds each; others work beside the tests, so five times that."""
    contents = [each.content for each in mixed(200)]
    for name in ("radicale", "cyrus", "sogo"):
        limits = CalendarLimits(("VEVENT",), 512_000, 20, 100, "19000101", "20380101", losses=losses_of(name))
        best = min(_seconds(limits, contents) for _ in range(5))
        assert best / len(contents) < 100e-6


def _seconds(limits: CalendarLimits, contents: list[bytes]) -> float:
    begin = time.process_time()
    for content in contents:
        limits.warnings(content)
    return time.process_time() - begin
