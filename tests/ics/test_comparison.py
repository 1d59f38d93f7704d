"""What a server gives back is the same, rewritten or changed, and the names of what happened are true."""

from __future__ import annotations

import random
from time import process_time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup import ics
from tests.events import events
from tests.ics.corpus import calendar, custom_zone, icalendar_files, vevent

if TYPE_CHECKING:
    from tests.servers.server import Server

SENT = calendar(
    "METHOD:PUBLISH",
    "BEGIN:VEVENT",
    "UID:a",
    "DTSTAMP:20260101T000000Z",
    "DTSTART;TZID=Europe/Berlin:20260501T100000",
    "DTEND;TZID=Europe/Berlin:20260501T110000",
    "SUMMARY:A title",
    "CATEGORIES:one,two",
    "GEO:48.2;16.3",
    "ATTENDEE;CN=Ann;PARTSTAT=ACCEPTED:mailto:ann@example.org",
    "BEGIN:VALARM",
    "ACTION:DISPLAY",
    "TRIGGER:-PT15M",
    "DESCRIPTION:x",
    "END:VALARM",
    "BEGIN:VALARM",
    "ACTION:AUDIO",
    "TRIGGER:-PT5M",
    "END:VALARM",
    "END:VEVENT",
)
BERLIN = "\r\n".join(custom_zone("Europe/Berlin", "+0100"))


def there(*changes: tuple[str, str]) -> bytes:
    text = SENT.decode()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return text.encode()


@pytest.mark.parametrize("line_end", [b"\n", b"\r", b"\r\r\n"])
def test_the_same_bytes_are_the_same_whatever_the_line_ends(line_end: bytes) -> None:
    assert ics.compare(SENT, SENT) == ics.Comparison(ics.Verdict.SAME)
    assert ics.compare(SENT, SENT.replace(b"\r\n", line_end)).verdict is ics.Verdict.SAME
    assert ics.compare(SENT, b"\xef\xbb\xbf" + SENT).verdict is ics.Verdict.SAME


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ([("DTSTAMP:20260101T000000Z", "DTSTAMP:20300101T000000Z")], ("DTSTAMP",)),
        ([("DTSTAMP:20260101T000000Z\r\n", "")], ("DTSTAMP dropped",)),
        ([("METHOD:PUBLISH\r\n", "")], ("METHOD dropped",)),
        ([("-//test//EN", "-//server//EN"), ("UID:a", "CLASS:PUBLIC\r\nUID:a")], ("CLASS added", "PRODID")),
        ([("SUMMARY:A title", "SUMM\r\n ARY:A title")], ("folding",)),
        ([("UID:a\r\n", ""), ("SUMMARY:A title", "SUMMARY:A title\r\nUID:a")], ("order",)),
        ([("BEGIN:VEVENT", f"{BERLIN}\r\nBEGIN:VEVENT")], ("VTIMEZONE added",)),
        ([("CATEGORIES:one,two", "CATEGORIES:two\r\nCATEGORIES:one")], ("CATEGORIES",)),
        ([("GEO:48.2;16.3", "GEO:48.200000\\;16.300000")], ("GEO",)),
        ([("CN=Ann;PARTSTAT=ACCEPTED", 'PARTSTAT=ACCEPTED;SCHEDULE-STATUS="1.1";CN=Ann')], ("ATTENDEE",)),
        ([("DTEND;TZID=Europe/Berlin:20260501T110000", "DURATION:PT60M")], ("DTEND dropped", "DURATION added")),
        ([("TRIGGER:-PT5M", "TRIGGER:-PT5M\r\nUID:x\r\nX-WR-ALARMUID:x")], ("UID added", "X-WR-ALARMUID added")),
        ([("UID:a", "UID:a\r\n\r\n")], ("blank lines",)),
    ],
)
def test_harmless_rewriting_is_named(changes: list[tuple[str, str]], kinds: tuple[str, ...]) -> None:
    assert ics.compare(SENT, there(*changes)) == ics.Comparison(ics.Verdict.REWRITTEN, kinds)
    assert ics.differences(SENT, there(*changes)) == []


@pytest.mark.parametrize(
    ("changes", "lost", "added", "changed"),
    [
        ([("GEO:48.2;16.3\r\n", "")], ("VEVENT GEO",), (), ()),
        ([("GEO:48.2;16.3", "X-GEO:1")], ("VEVENT GEO",), ("VEVENT X-GEO",), ()),
        ([("GEO:48.2;16.3", "GEO:48.2;16.4")], (), (), ("VEVENT GEO",)),
        ([("one,two", "one")], ("VEVENT CATEGORIES",), (), ()),
        ([("ACCEPTED", "DECLINED")], (), (), ("VEVENT ATTENDEE",)),
        ([("-PT15M", "-PT10M")], (), (), ("VEVENT/VALARM TRIGGER",)),
        ([("TRIGGER:-PT5M\r\n", "TRIGGER:-PT5M\r\nATTACH:a.wav\r\n")], (), ("VEVENT/VALARM ATTACH",), ()),
        ([("BEGIN:VALARM\r\nACTION:AUDIO\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n", "")], ("VEVENT/VALARM",), (), ()),
        ([("END:VEVENT", "END:VEVENT\r\nBEGIN:VTODO\r\nUID:b\r\nEND:VTODO")], (), ("VTODO",), ()),
        ([("SUMMARY:A title", "this is garbage")], ("VEVENT SUMMARY",), ("VEVENT ?this is garbage",), ()),
        ([("METHOD:PUBLISH", "NAME:mine")], (), ("VCALENDAR NAME",), ()),
    ],
)
def test_what_was_lost_added_or_changed_is_named(
    changes: list[tuple[str, str]], lost: tuple[str, ...], added: tuple[str, ...], changed: tuple[str, ...]
) -> None:
    expected = ics.Comparison(ics.Verdict.CHANGED, (), lost, added, changed)
    assert ics.compare(SENT, there(*changes)) == expected
    assert ics.compare(there(*changes), SENT) == expected._replace(lost=added, added=lost)
    assert ics.differences(SENT, there(*changes)) == sorted({*lost, *added, *changed})


def test_an_hour_that_sogo_adds_is_an_added_duration() -> None:
    bare = calendar("BEGIN:VEVENT", "UID:a", "DTSTART:20260501T100000Z", "END:VEVENT")
    found = ics.compare(bare, bare.replace(b"END:VEVENT", b"DURATION:PT1H\r\nEND:VEVENT"))
    assert found == ics.Comparison(ics.Verdict.CHANGED, added=("VEVENT DURATION",))


def test_each_instance_of_a_series_is_compared_with_itself() -> None:
    instance = ["END:VEVENT", "BEGIN:VEVENT", "UID:a"]
    one, two = ([*instance, f"RECURRENCE-ID:2026050{day}T100000Z", f"SUMMARY:{day}", "LOCATION:x"] for day in (2, 3))
    sent, swapped = vevent("a", "RRULE:FREQ=DAILY", *one, *two), vevent("a", "RRULE:FREQ=DAILY", *two, *one)
    assert ics.compare(sent, swapped).rewritten == ("order",)
    assert ics.compare(sent, swapped.replace(b"SUMMARY:3\r\n", b"")).lost == ("VEVENT SUMMARY",)
    assert ics.compare(sent, vevent("a", "RRULE:FREQ=DAILY", *two)).lost == ("VEVENT",)


def test_a_definition_of_an_own_zone_that_is_gone_is_lost() -> None:
    event = ["BEGIN:VEVENT", "UID:a", "DTSTART;TZID=My zone:20260501T100000", "END:VEVENT"]
    sent = calendar(*custom_zone("My zone", "+0100"), *event)
    assert ics.compare(sent, calendar(*event)).lost == ("VTIMEZONE",)
    assert ics.compare(calendar(*event), sent).rewritten == ("VTIMEZONE added",)
    assert ics.compare(sent, calendar(*custom_zone("My zone", "+0200"), *event)).changed == ("VTIMEZONE",)


def _lengths(kind: str, *pairs: tuple[str, str, str]) -> list[tuple[bytes, bytes]]:
    return [
        tuple(calendar(f"BEGIN:{kind}", "UID:a", start, *filter(None, [end]), f"END:{kind}") for end in ends)  # type: ignore[misc]
        for start, *ends in pairs
    ]


SAME_END = [
    *_lengths(
        "VEVENT",
        ("DTSTART:20260501T100000Z", "DTEND:20260502T100000Z", "DURATION:P1D"),
        ("DTSTART;VALUE=DATE:20260501", "", "DURATION:P1D"),
        ("DTSTART;VALUE=DATE:20260501", "", "DTEND;VALUE=DATE:20260502"),
        ("DTSTART;VALUE=DATE:20260501", "DURATION:P1W", "DTEND;VALUE=DATE:20260508"),
        ("DTSTART:20260501T100000Z", "", "DURATION:PT0S"),
        ("DTSTART:20260501T100000", "", "DURATION:PT0S"),
        ("DTSTART;TZID=Europe/Berlin:20260501T100000", "DTEND;TZID=Europe/Berlin:20260501T113000", "DURATION:PT90M"),
        ("DTSTART;TZID=Europe/Berlin:20260328T200000", "DTEND;TZID=Europe/Berlin:20260329T090000", "DURATION:PT12H"),
    ),
    *_lengths("VTODO", ("DTSTART:20260501T100000Z", "DUE:20260501T110000Z", "DURATION:PT1H")),
]
OTHER_END = [
    *_lengths(
        "VEVENT",
        ("DTSTART:20260501T100000Z", "", "DURATION:PT1H"),
        ("DTSTART;VALUE=DATE:20260501", "", "DURATION:P2D"),
        ("DTSTART:20260501T100000", "DTEND:20260501T110000", "DURATION:PT1H"),  # clocks may be put forward just then
        ("DTSTART;TZID=Europe/Berlin:20260501T100000", "DTEND;TZID=Europe/Berlin:20260502T100000", "DURATION:P1D"),
        ("DTSTART;TZID=Europe/Berlin:20260501T100000", "DTEND:20260501T090000Z", "DURATION:PT1H"),
        ("DTSTART;TZID=Nowhere:20260501T100000", "DTEND;TZID=Nowhere:20260501T110000", "DURATION:PT1H"),
        ("DTSTART;VALUE=DATE:99991231", "", "DURATION:P9999D"),
    ),
    *_lengths("VTODO", ("DTSTART;VALUE=DATE:20260501", "", "DUE;VALUE=DATE:20260502")),
]


@pytest.mark.parametrize(("one", "other"), SAME_END)
def test_the_same_end_in_other_words_is_no_difference(one: bytes, other: bytes) -> None:
    assert ics.compare(one, other).verdict is ics.Verdict.REWRITTEN


@pytest.mark.parametrize(("one", "other"), OTHER_END)
def test_ends_that_only_look_alike_are_a_difference(one: bytes, other: bytes) -> None:
    assert ics.compare(one, other).verdict is ics.Verdict.CHANGED


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("DTSTART:20260501T100000Z", "DTSTART;TZID=Etc/UTC:20260501T100000"),
        ("DTSTART:20260501", "DTSTART;VALUE=DATE:20260501"),
        ("EXDATE;VALUE=DATE;TZID=Europe/Berlin:20260501,20260502", "EXDATE;VALUE=DATE:20260502,20260501"),
        ("RRULE:FREQ=MONTHLY;BYDAY=+3WE", "RRULE:BYDAY=3WE;FREQ=MONTHLY"),
        ("ORGANIZER:mailto:ann@example.org", "ORGANIZER;CN=ann@example.org:mailto:ann@example.org"),
    ],
)
def test_two_spellings_of_one_value_are_no_difference(one: str, other: str) -> None:
    first, second = (calendar("BEGIN:VEVENT", "UID:a", line, "END:VEVENT") for line in (one, other))
    assert ics.compare(first, second).verdict is ics.Verdict.REWRITTEN


@pytest.mark.full
@given(st.randoms(use_true_random=False))
def test_verdicts_agree_with_sameness_of_meaning(order: random.Random) -> None:
    files = icalendar_files()
    one, other = (order.choice(files).read_bytes() for _ in range(2))
    assert (ics.compare(one, other).verdict is not ics.Verdict.CHANGED) <= ics.same_meaning(one, other)
    lines = ics.unfold(one)
    del lines[order.randrange(len(lines))]
    found = ics.compare(one, b"\r\n".join(lines))
    assert (found.verdict is ics.Verdict.CHANGED) == bool(found.lost or found.added or found.changed)
    assert (found.verdict is ics.Verdict.REWRITTEN) == bool(found.rewritten)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_no_bytes_make_it_fail(one: bytes, other: bytes) -> None:
    ics.compare(one, other)
    ics.compare(SENT, SENT[:150] + one + SENT[150:])


def test_many_records_are_compared_in_a_breath() -> None:
    bodies = [event.content for event in events(300)]
    started = process_time()
    assert all(ics.compare(one, bytes(bytearray(one))).verdict is ics.Verdict.SAME for one in bodies)
    equal, started = process_time() - started, process_time()
    rewritten = [one.replace(b"BEGIN:VEVENT\r\n", b"BEGIN:VEVENT\r\nCLASS:PUBLIC\r\n") for one in bodies]
    assert all(
        ics.compare(one, two).verdict is ics.Verdict.REWRITTEN for one, two in zip(bodies, rewritten, strict=True)
    )
    # Measured: 500,000 and 3,000 to 4,000 a second. A slow and busy machine is given ten times as long.
    assert equal < 300 / 20_000
    assert process_time() - started < 300 / 300


#: What each server makes of an event as no other does, beside what is harmless: measured with Radicale 3.9, Xandikos
#: 0.4, sabre/dav 1.8, Cyrus 3.6, DAViCal 1.1 and SOGo 5.8.
ODD = calendar(
    "BEGIN:VEVENT",
    "UID:odd",
    "DTSTAMP:20260101T000000Z",
    "DTSTART:20350501T100000",
    "DURATION:PT1H",
    "RESOURCES:Beamer,Room",
    "CATEGORIES:one\\,two",
    "X-APPLE-STRUCTURED-LOCATION;VALUE=URI:geo:48.2,16.3",
    "BEGIN:X-NOTE",
    "X-TEXT:x",
    "END:X-NOTE",
    "END:VEVENT",
)
MADE_OF_IT = {
    "radicale": ics.Comparison(ics.Verdict.CHANGED, changed=("VEVENT X-APPLE-STRUCTURED-LOCATION",)),
    "xandikos": ics.Comparison(ics.Verdict.CHANGED, changed=("VEVENT RESOURCES",)),
    "sabredav": ics.Comparison(ics.Verdict.SAME),
    "cyrus": ics.Comparison(ics.Verdict.CHANGED, lost=("VEVENT/X-NOTE",), changed=("VEVENT CATEGORIES",)),
    "davical": ics.Comparison(ics.Verdict.SAME),
    "sogo": ics.Comparison(ics.Verdict.CHANGED, changed=("VEVENT DTSTART",)),
}


def test_what_each_server_loses_is_named(each_server: Server) -> None:
    each_server.expect("MKCALENDAR", "work/")
    each_server.expect("PUT", "work/odd.ics", ODD, {"Content-Type": "text/calendar; charset=utf-8"})
    assert ics.compare(ODD, each_server.expect("GET", "work/odd.ics").body) == MADE_OF_IT[each_server.name]
