"""Two objects mean the same when only a server's habits lie between them, and do not when anything was lost."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup import ics
from tests.events import mixed
from tests.ics.corpus import REWRITTEN_BY_ICALENDAR, calendar, custom_zone, icalendar_files, parsed, vevent

if TYPE_CHECKING:
    from tests.servers.server import Server

RICH = calendar(
    "BEGIN:VEVENT",
    "UID:rich",
    "DTSTAMP:20260101T000000Z",
    "DTEND;TZID=Europe/Berlin:20260501T110000",
    "SUMMARY:Zürich\\, again \U0001f600 and a title that is long enough to be folded by every writer there is",
    "DTSTART;TZID=Europe/Berlin:20260501T100000",
    "RRULE:FREQ=WEEKLY;UNTIL=20270101T000000Z;BYDAY=MO,TU",
    "EXDATE:20260504T100000Z,20260505T100000Z",
    "CATEGORIES:Work,Play\\, too",
    'ATTENDEE;CN="Doe, John";PARTSTAT=ACCEPTED:mailto:John@example.org',
    "BEGIN:VALARM",
    "ACTION:DISPLAY",
    "DESCRIPTION:Ring",
    "TRIGGER:-PT15M",
    "END:VALARM",
    "BEGIN:VALARM",
    "ACTION:DISPLAY",
    "DESCRIPTION:Ring again",
    "TRIGGER;RELATED=END:PT0S",
    "END:VALARM",
    "END:VEVENT",
)

HARMLESS = [
    ("DTSTAMP:20260101T000000Z", "DTSTAMP:20300101T000000Z"),
    ("PRODID:-//test//EN", "PRODID:-//other//EN\r\nMETHOD:PUBLISH"),
    (
        "BEGIN:VEVENT\r\n",
        "BEGIN:VEVENT\r\nCLASS:PUBLIC\r\nCREATED:20260101T000000Z\r\nLAST-MODIFIED:20260101T000000Z\r\n",
    ),
    ("BEGIN:VEVENT\r\n", "BEGIN:VEVENT\r\nTRANSP:OPAQUE\r\nSEQUENCE:0\r\nPRIORITY:0\r\nLOCATION:\r\n"),
    (
        "RRULE:FREQ=WEEKLY;UNTIL=20270101T000000Z;BYDAY=MO,TU",
        "RRULE:BYDAY=TU,MO;INTERVAL=1;FREQ=WEEKLY;UNTIL=20270101T000000Z",
    ),
    ("CATEGORIES:Work,Play\\, too", "CATEGORIES:Play\\, too\r\nCATEGORIES:Work"),
    ("EXDATE:20260504T100000Z,20260505T100000Z", "EXDATE;VALUE=DATE-TIME:20260505T100000Z\r\nEXDATE:20260504T100000Z"),
    ('CN="Doe, John";PARTSTAT=ACCEPTED', 'PARTSTAT=accepted;SCHEDULE-STATUS="1.1";RSVP=FALSE;CN="Doe, John"'),
    ("mailto:John@example.org", "MAILTO:john@example.org"),
    ("TRIGGER:-PT15M", "TRIGGER;VALUE=DURATION;RELATED=START:-P0DT0H15M0S"),
    ("SUMMARY:Zürich", "summary;VALUE=TEXT:Zürich"),
    (
        "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:Ring\r\n",
        "BEGIN:VALARM\r\nDESCRIPTION:Ring\r\nACTION:display\r\n",
    ),
    ("there is\r\n", "there is  \r\n"),
    ("\r\n", "\n"),
    ("\r\n", "\r"),
    ("the", "t\r\n he"),
]

LOSSES = [
    ("SUMMARY:Zürich", "SUMMARY:Zurich"),
    ("DTEND;TZID=Europe/Berlin:20260501T110000\r\n", ""),
    ("DTSTART;TZID=Europe/Berlin:20260501T100000", "DTSTART:20260501T100000"),
    ("BYDAY=MO,TU", "BYDAY=MO"),
    ("Work,Play\\, too", "Work"),
    ("PARTSTAT=ACCEPTED", "PARTSTAT=DECLINED"),
    ("TRIGGER:-PT15M", "TRIGGER:PT15M"),
    ("DESCRIPTION:Ring again\r\n", ""),
    ("UID:rich", "UID:poor"),
    ("VEVENT", "VTODO"),
    ("BEGIN:VEVENT\r\n", "BEGIN:VEVENT\r\nX-GEO:geo:1,2\r\n"),
    ("BEGIN:VEVENT\r\n", "BEGIN:VEVENT\r\nCLASS:PRIVATE\r\n"),
]


def changed(old: str, new: str) -> bytes:
    text = RICH.decode()
    assert old in text
    return text.replace(old, new).encode()


@pytest.mark.parametrize(("old", "new"), HARMLESS)
def test_what_servers_rewrite_is_no_difference(old: str, new: str) -> None:
    other = changed(old, new)
    assert ics.same_meaning(RICH, other)
    assert ics.differences(RICH, other) == []


@pytest.mark.parametrize(("old", "new"), LOSSES)
def test_whatever_is_lost_is_a_difference_and_has_a_name(old: str, new: str) -> None:
    other = changed(old, new)
    assert not ics.same_meaning(RICH, other)
    assert ics.differences(RICH, other)


def test_differences_say_where() -> None:
    other = changed("DESCRIPTION:Ring again", "DESCRIPTION:Ring once").replace(b"UID:rich", b"UID:poor")
    assert ics.differences(RICH, other) == ["VEVENT UID", "VEVENT/VALARM DESCRIPTION"]


@given(st.randoms(use_true_random=False))
def test_the_order_of_properties_is_no_difference(order: random.Random) -> None:
    lines = ics.unfold(RICH)
    first, last = lines.index(b"BEGIN:VEVENT") + 1, lines.index(b"BEGIN:VALARM")
    inner = lines[first:last]
    order.shuffle(inner)
    assert ics.same_meaning(RICH, b"\r\n".join(lines[:first] + inner + lines[last:]))


@given(st.data())
def test_any_line_of_the_event_that_vanishes_is_noticed(data: st.DataObject) -> None:
    lines = ics.unfold(RICH)
    noted = [line for line in lines if not line.startswith((b"BEGIN", b"END", b"PRODID", b"VERSION", b"DTSTAMP"))]
    gone = data.draw(st.sampled_from(noted))
    assert not ics.same_meaning(RICH, b"\r\n".join(line for line in lines if line != gone))


def test_a_day_is_not_twenty_four_hours_but_an_hour_is_sixty_minutes() -> None:
    assert ics.same_meaning(vevent("a", "DURATION:PT1H"), vevent("a", "DURATION:PT60M"))
    assert ics.same_meaning(vevent("a", "DURATION:P1W"), vevent("a", "DURATION:P7D"))
    floating = [
        calendar("BEGIN:VEVENT", "UID:a", "DTSTART:20260501T100000", f"DURATION:{length}", "END:VEVENT")
        for length in ("P1D", "PT24H")
    ]
    assert not ics.same_meaning(*floating)


def test_positions_are_compared_as_numbers() -> None:
    assert ics.same_meaning(vevent("a", "GEO:37.38;-122.08"), vevent("a", "GEO:37.380000\\;-122.080"))
    assert not ics.same_meaning(vevent("a", "GEO:37.38;-122.08"), vevent("a", "GEO:37.38;-122.09"))


def test_a_line_that_is_no_content_line_counts() -> None:
    assert ics.differences(vevent("a", "this is garbage"), vevent("a")) == ["VEVENT ?this is garbage"]


def test_the_definition_of_a_zone_that_everybody_knows_is_no_difference() -> None:
    zone, event = (
        custom_zone("Europe/Berlin", "+0100"),
        ["BEGIN:VEVENT", "UID:a", "DTSTART;TZID=Europe/Berlin:20260501T1", "END:VEVENT"],
    )
    other = custom_zone("Europe/Berlin", "+0200")
    assert ics.same_meaning(calendar(*zone, *event), calendar(*event))
    assert ics.same_meaning(calendar(*zone, *event), calendar(*event, *other))


def test_another_definition_of_an_own_zone_is_a_difference_and_a_missing_one_is_not() -> None:
    event = ["BEGIN:VEVENT", "UID:a", "DTSTART;TZID=My zone:20260501T100000", "END:VEVENT"]
    mine, other = calendar(*custom_zone("My zone", "+0100"), *event), calendar(*custom_zone("My zone", "+0200"), *event)
    assert not ics.same_meaning(mine, other)
    assert ics.differences(mine, other) == ["VTIMEZONE"]
    assert ics.same_meaning(mine, calendar(*event))


def test_a_zone_without_its_end_hides_no_event() -> None:
    broken = b"BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:X\nBEGIN:VEVENT\nUID:a\nEND:VEVENT\nEND:VCALENDAR"
    assert not ics.same_meaning(broken, broken.replace(b"UID:a", b"UID:b"))


@given(st.binary(max_size=300))
def test_no_bytes_at_all_can_make_the_comparison_fail(noise: bytes) -> None:
    assert ics.same_meaning(noise, noise + b"\r\n")
    ics.meaning_of(RICH[:200] + noise + RICH[200:])


def test_what_icalendar_reads_and_writes_again_means_the_same() -> None:
    different: dict[str, object] = {}
    for path in icalendar_files():
        content = path.read_bytes()
        again = parsed(content)
        if again is not None and path.name not in REWRITTEN_BY_ICALENDAR:
            found = ics.differences(content, b"".join(component.to_ical() for component in again))
            different.update({path.name: found} if found else {})
    assert different == {}


@pytest.mark.parametrize("name", ["radicale", "xandikos"])
def test_what_a_real_server_gives_back_means_the_same(name: str, request: pytest.FixtureRequest) -> None:
    server: Server = request.getfixturevalue(name)
    server.expect("MKCALENDAR", "work/")
    for number, content in enumerate([RICH, *(item.content for item in mixed(10) if b"VEVENT" in item.content)]):
        server.expect("PUT", f"work/{number}.ics", content, {"Content-Type": "text/calendar"})
        assert ics.differences(content, server.expect("GET", f"work/{number}.ics").body) == []
