"""What strict servers refuse is sent in another form, which means the same, and only then."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup import ics
from tests.ics.corpus import calendar, custom_zone, icalendar_files, vevent

if TYPE_CHECKING:
    from tests.servers.server import Server

STAMP = "DTSTAMP:20260101T000000Z"
TIMES = ["DTSTART:20350501T100000Z", "DTEND:20350501T110000Z"]
INSTANCE = ["RECURRENCE-ID:20350502T100000Z", "DTSTART:20350502T120000Z", "DTEND:20350502T130000Z"]
EVERYBODY = frozenset({"radicale", "xandikos", "sabredav", "cyrus", "davical", "sogo"})
MOST = EVERYBODY - {"sogo"}


class Case(NamedTuple):
    """An object with one fault, what is done about it, and the servers that refuse it as it is."""

    content: bytes
    done: Sequence[str]
    refused_by: frozenset[str]


def event(uid: str, *lines: str) -> list[str]:
    return ["BEGIN:VEVENT", f"UID:{uid}", STAMP, *lines, "END:VEVENT"]


def without(content: bytes, line: bytes) -> bytes:
    assert line in content
    return content.replace(line, b"", 1)


#: Measured with Radicale 3.9, Xandikos 0.4, sabre/dav 1.8, Cyrus 3.6, DAViCal 1.1 and SOGo 5.8.
CASES = {
    "two-uids": Case(
        calendar(*event("a1", *TIMES), *event("a2", *TIMES)),
        ["split into 2 objects, one for each UID"],
        frozenset({"radicale", "sabredav", "cyrus"}),
    ),
    "event-and-task": Case(
        calendar(*event("b1", *TIMES), "BEGIN:VTODO", "UID:b2", STAMP, "END:VTODO"),
        ["split into 2 objects, one for each UID"],
        frozenset({"radicale", "sabredav"}),
    ),
    "two-calendars": Case(  # SOGo keeps the first one only, sabre/dav and DAViCal both
        vevent("c1") + vevent("c2"),
        ["split into 2 objects, one for each UID"],
        frozenset({"radicale", "xandikos", "cyrus"}),
    ),
    "method": Case(
        calendar("METHOD:PUBLISH", *event("d", *TIMES)), ["METHOD dropped"], frozenset({"cyrus"})
    ),  # and sabre/dav 4.7
    "no-dtstamp": Case(
        calendar("METHOD:PUBLISH", "BEGIN:VEVENT", "UID:e", *TIMES, "SUMMARY:x", "END:VEVENT"),
        ["METHOD dropped", "DTSTAMP added"],
        frozenset({"cyrus"}),
    ),
    "no-uid": Case(
        calendar("BEGIN:VEVENT", STAMP, *TIMES, "END:VEVENT"),
        ["UID added"],
        frozenset({"radicale", "sabredav", "cyrus"}),
    ),
    "no-version": Case(without(vevent("f"), b"VERSION:2.0\r\n"), ["VERSION added"], frozenset()),
    "no-prodid": Case(without(vevent("g"), b"PRODID:-//test//EN\r\n"), ["PRODID added"], frozenset()),
    "all-day": Case(
        calendar(*event("h", "DTSTART;VALUE=DATE:20350501")), ["length of one day written out"], frozenset()
    ),  # iCloud, as is reported
    "blank-lines": Case(
        vevent("i").replace(b"UID", b"\r\nUID").replace(b"END:VEVENT", b"\r\nEND:VEVENT"),
        ["blank lines taken out"],
        frozenset(),
    ),
    "byte-order-mark": Case(
        b"\xef\xbb\xbf" + vevent("j"), ["byte order mark taken out"], EVERYBODY - {"cyrus", "sogo"}
    ),
    "only-cr": Case(
        vevent("k").replace(b"\r\n", b"\r"), ["line ends written as CRLF"], EVERYBODY - {"cyrus", "sabredav"}
    ),
    "only-lf": Case(vevent("l").replace(b"\r\n", b"\n"), ["line ends written as CRLF"], frozenset()),
    "latin-1": Case(
        vevent("m", "SUMMARY:Zürich").decode().encode("latin-1"),
        ["written in UTF-8"],
        frozenset({"xandikos", "davical", "sogo"}),
    ),
    "no-end-of-event": Case(
        without(vevent("n"), b"END:VEVENT\r\n"), ["missing END added"], EVERYBODY - {"davical", "sogo"}
    ),
    "no-end-of-calendar": Case(
        without(vevent("o"), b"END:VCALENDAR\r\n"),
        ["missing END added"],
        frozenset({"radicale", "xandikos", "sabredav"}),
    ),
    "blanks-at-line-ends": Case(
        vevent("r").replace(b"Z\r\n", b"Z \t\r\n").replace(b"2.0\r\n", b"2.0 \r\n"),
        ["blanks at line ends taken out"],
        frozenset({"sabredav"}),
    ),
    "small-letters": Case(
        vevent("s").replace(b"VCALENDAR", b"vcalendar").replace(b"BEGIN:VEVENT", b"begin:vevent"),
        ["BEGIN and END written in capitals"],
        frozenset({"sabredav"}),
    ),
    "empty-rdate": Case(vevent("p", "RDATE:"), ["RDATE without a value dropped"], frozenset({"radicale", "cyrus"})),
    "empty-status": Case(vevent("q", "STATUS:"), ["STATUS without a value dropped"], frozenset({"cyrus"})),
}


@pytest.mark.parametrize("name", CASES)
def test_each_fault_is_repaired_in_words_and_the_meaning_is_untouched(name: str) -> None:
    case = CASES[name]
    repaired = ics.repaired(case.content)
    assert repaired is not None and repaired.done == tuple(case.done)
    assert all(ics.repaired(content) is None for content in repaired.contents)
    assert ics.repaired(case.content) == repaired
    if len(repaired.contents) == 1 and "UID added" not in repaired.done:
        assert ics.differences(case.content, repaired.contents[0]) == []
    else:
        assert ics.uids(case.content) in ((), tuple(uid for one in repaired.contents for uid in ics.uids(one)))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.full
def test_servers_take_what_they_refused_once_it_is_repaired(name: str, each_server: Server) -> None:
    case = CASES[name]
    repaired = ics.repaired(case.content)
    assert repaired is not None
    media = {"Content-Type": "text/calendar; charset=utf-8"}
    each_server.expect("MKCALENDAR", "work/")
    raw = each_server.request("PUT", "work/raw.ics", case.content, media)
    assert (raw.status >= 400) == (each_server.name in case.refused_by), raw
    if raw.status < 400:
        each_server.expect("DELETE", "work/raw.ics")
    for number, content in enumerate(repaired.contents):
        each_server.expect("PUT", f"work/{number}.ics", content, media)
        assert ics.differences(content, each_server.expect("GET", f"work/{number}.ics").body) == []


#: What each server says to an event that starts at a moment and tells no end, as it is and with DURATION:PT0S.
NO_LENGTH: dict[str, tuple[list[str], list[str]]] = {name: ([], []) for name in MOST - {"cyrus"}} | {
    "cyrus": (["refused"], ["refused"]),  # "DTEND must occur after DTSTART", whatever says that they are the same
    "sogo": (["VEVENT DURATION"], []),  # it gives the event an hour, unless it is told that there is none
}


@pytest.mark.full
def test_an_event_without_an_end_keeps_its_length_where_it_is_taken(each_server: Server) -> None:
    content = calendar(*event("moment", "DTSTART:20350501T100000Z"))
    repaired = ics.repaired(content)
    assert repaired is not None and repaired.done == ("length of no time written out",)
    each_server.expect("MKCALENDAR", "work/")
    found = []
    for sent in (content, *repaired.contents):
        reply = each_server.request("PUT", "work/a.ics", sent, {"Content-Type": "text/calendar"})
        if reply.status >= 400:
            found.append(["refused"])
        else:
            found.append(list(ics.differences(sent, each_server.expect("GET", "work/a.ics").body)))
            each_server.expect("DELETE", "work/a.ics")
    assert tuple(found) == NO_LENGTH[each_server.name]


def test_there_is_nothing_to_repair_in_what_is_well_formed() -> None:
    assert ics.repaired(vevent("a")) is None
    assert ics.repaired(calendar(*custom_zone("Z", "+0100"), *event("b", *TIMES, "SUMMARY:  ", "LOCATION:"))) is None
    assert ics.repaired(calendar("BEGIN:VTODO", "UID:c", STAMP, "END:VTODO")) is None


@pytest.mark.parametrize(
    "lines",
    [
        ["BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:no trigger", "END:VALARM"],
        ["RRULE:FREQ=SOMETIMES"],
        ["DTEND:20200101T000000Z"],
        ["SUMMARY:\x01 control"],
        ["this is garbage"],
    ],
)
def test_what_only_another_meaning_could_mend_is_left_alone(lines: list[str]) -> None:
    assert ics.repaired(vevent("a", *lines)) is None


def test_what_holds_no_component_at_all_is_left_alone() -> None:
    assert ics.repaired(calendar()) is None
    assert ics.repaired(calendar(*custom_zone("Z", "+0100"))) is None
    assert ics.repaired(b"") is None
    assert ics.repaired(b"<html>") is None


def test_series_stay_with_their_overrides_and_zones_go_with_those_who_need_them() -> None:
    start = "DTSTART;TZID=My zone:20350501T100000"
    content = calendar(
        "NAME:mine",
        *custom_zone("My zone", "+0100"),
        *custom_zone("Unused", "+0200"),
        *event("one", start, "DURATION:PT1H", "RRULE:FREQ=DAILY"),
        *event("two", *TIMES),
        *event("one", "RECURRENCE-ID;TZID=My zone:20350502T100000", start, "DURATION:PT2H"),
    )
    repaired = ics.repaired(content)
    assert repaired is not None
    one, two = repaired.contents
    assert (ics.uids(one), ics.uids(two)) == (("one",), ("two",))
    assert one.count(b"BEGIN:VEVENT") == 2
    assert b"TZID:My zone" in one and b"VTIMEZONE" not in two and b"Unused" not in one + two
    assert one.count(b"NAME:mine") == two.count(b"NAME:mine") == 1


def test_what_stands_outside_of_the_calendar_is_named_when_it_is_dropped() -> None:
    repaired = ics.repaired(vevent("a") + b"X-COMMENT:cached\r\n")
    assert repaired is not None
    assert repaired == ((vevent("a"),), ("X-COMMENT outside of the calendar dropped",))


def test_two_calendars_keep_their_own_lines() -> None:
    first, second = vevent("a"), vevent("b").replace(b"PRODID", b"NAME:second\r\nPRODID")
    repaired = ics.repaired(first + second)
    assert repaired is not None
    assert repaired.contents == (first, second)


def test_a_uid_that_is_made_depends_on_what_the_event_says_and_not_on_when_it_was_written() -> None:
    def made(*lines: str) -> tuple[str, ...]:
        repaired = ics.repaired(calendar("BEGIN:VEVENT", *TIMES, *lines, "END:VEVENT"))
        assert repaired is not None
        return ics.uids(repaired.contents[0])

    assert made(STAMP, "SUMMARY:x") == made("DTSTAMP:20300101T000000Z", "SUMMARY:x")
    assert made("SUMMARY:x") != made("SUMMARY:y")


def test_a_series_without_uids_gets_one_for_all_and_strangers_one_each() -> None:
    master = ["BEGIN:VEVENT", STAMP, *TIMES, "RRULE:FREQ=DAILY", "END:VEVENT"]
    series = ics.repaired(calendar(*master, "BEGIN:VEVENT", STAMP, *INSTANCE, "END:VEVENT"))
    assert series is not None and len(series.contents) == 1 and len(ics.uids(series.contents[0])) == 1
    strangers = ics.repaired(calendar(*master, *master[:-1], "SUMMARY:another", "END:VEVENT"))
    assert strangers is not None and len(strangers.contents) == 2


def test_a_dtstamp_that_is_made_says_when_the_event_was_last_changed() -> None:
    lines = ["BEGIN:VEVENT", "UID:a", *TIMES, "CREATED:20200101T000000Z"]
    for more, expected in (([], b"20200101T000000Z"), (["LAST-MODIFIED:20210101T000000Z"], b"20210101T000000Z")):
        repaired = ics.repaired(calendar(*lines, *more, "END:VEVENT"))
        assert repaired is not None and b"DTSTAMP:" + expected in repaired.contents[0]


@pytest.mark.full
def test_the_calendars_of_others_mean_the_same_once_repaired() -> None:
    for path in icalendar_files():
        content = path.read_bytes()
        repaired = ics.repaired(content)
        if repaired is None:
            continue
        assert all(ics.repaired(one) is None for one in repaired.contents), path.name
        if len(repaired.contents) == 1 and "UID added" not in repaired.done and path.name != "issue_350.ics":
            assert ics.differences(content, repaired.contents[0]) == [], path.name  # that one has a line after the end


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail_and_repairing_twice_is_repairing_once(noise: bytes) -> None:
    content = CASES["two-uids"].content
    for broken in (noise, content[:90] + noise + content[90:]):
        repaired = ics.repaired(broken)
        for one in repaired.contents if repaired is not None else ():
            again = ics.repaired(one)
            assert again is None or again.contents == (one,)


@pytest.mark.full
def test_a_series_of_a_thousand_changed_instances_without_a_uid_takes_no_minute() -> None:
    # It took that while each instance was read once more for every other one; now it takes less than a second.
    days = [f"{year}{month:02}{day:02}" for year in range(2030, 2034) for month in range(1, 13) for day in range(1, 22)]
    lines: list[str] = []
    for day in days:
        times = (f"RECURRENCE-ID:{day}T100000Z", f"DTSTART:{day}T100000Z", f"DTEND:{day}T110000Z")
        lines += ["BEGIN:VEVENT", STAMP, *times, "END:VEVENT"]
    began = time.process_time()
    repaired = ics.repaired(calendar(*lines))
    assert time.process_time() - began < 15
    assert repaired is not None
    assert (len(repaired.contents), len(ics.uids(repaired.contents[0]))) == (1, 1)
