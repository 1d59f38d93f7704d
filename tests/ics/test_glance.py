"""A first look at an object shows its UID, kinds, title and start, whatever its form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup import ics

ZONE = b"BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nBEGIN:STANDARD\nDTSTART:19701025T030000\nEND:STANDARD\nEND:VTIMEZONE\n"
EVENT = (
    b"BEGIN:VCALENDAR\nVERSION:2.0\n" + ZONE + b"BEGIN:VEVENT\nUID:one\nSUMMARY:Lunch\\, late\n"
    b'DTSTART;X-A="b:c";TZID=Europe/Berlin:20260501T130000\nSEQUENCE:3\nLAST-MODIFIED:20260401T000000Z\n'
    b"BEGIN:VALARM\nUID:alarm\nSUMMARY:Ring\nATTENDEE:mailto:a@example.org\nEND:VALARM\nEND:VEVENT\nEND:VCALENDAR\n"
)


def test_everything_is_read_from_the_event_and_nothing_from_its_alarm_or_time_zone() -> None:
    seen = ics.glance(EVENT)
    assert seen == ics.Glance(
        uid="one",
        kinds=("VEVENT",),
        summary="Lunch, late",
        dtstart="20260501T130000",
        timezone="Europe/Berlin",
        last_modified="20260401T000000Z",
        sequence=3,
        has_guests=False,
    )


@pytest.mark.parametrize("line_end", [b"\r\n", b"\r", b"\r\r\n"])
def test_line_ends_make_no_difference(line_end: bytes) -> None:
    assert ics.glance(EVENT.replace(b"\n", line_end)) == ics.glance(EVENT)


def test_a_uid_folded_in_the_middle_is_whole() -> None:
    assert (
        ics.uid(b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:first\r\n  half\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
        == "first half"
    )


def test_a_uid_in_the_calendar_or_in_a_time_zone_is_not_the_events() -> None:
    zone = ZONE.replace(b"TZID", b"UID:zone\nTZID")
    body = b"BEGIN:VCALENDAR\nUID:calendar\n" + zone + b"BEGIN:VTODO\nuid:task\nEND:VTODO\nEND:VCALENDAR\n"
    assert ics.uid(body) == "task"
    assert ics.component_kinds(body) == ("VTODO",)


def test_the_master_speaks_for_the_series_even_when_an_override_comes_first() -> None:
    override = b"BEGIN:VEVENT\nUID:s\nRECURRENCE-ID:20260502\nSUMMARY:moved\nDTSTART:20260503\nEND:VEVENT\n"
    master = b"BEGIN:VEVENT\nUID:s\nSUMMARY:every day\nDTSTART;VALUE=DATE:20260501\nEND:VEVENT\n"
    body = b"BEGIN:VCALENDAR\n" + override + master + b"END:VCALENDAR\n"
    assert (ics.summary(body), ics.dtstart(body)) == ("every day", "20260501")


def test_overrides_without_a_master_are_shown_all_the_same() -> None:
    body = b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:s\nRECURRENCE-ID:20260502\nSUMMARY:moved\nEND:VEVENT\nEND:VCALENDAR\n"
    assert (ics.uid(body), ics.summary(body)) == ("s", "moved")


def test_a_missing_end_hides_no_later_component() -> None:
    zone, event, todo = (
        b"BEGIN:VTIMEZONE\nTZID:X\n",
        b"BEGIN:VEVENT\nUID:a\nBEGIN:VALARM\n",
        b"BEGIN:VTODO\nSUMMARY:b\n",
    )
    body = b"BEGIN:VCALENDAR\n" + zone + event + todo + b"END:VCALENDAR"
    assert ics.component_kinds(body) == ("VEVENT", "VTODO")
    assert ics.uid(body) == "a"


def test_components_nobody_knows_are_kinds_too() -> None:
    assert ics.component_kinds(b"BEGIN:VCALENDAR\nBEGIN:X-THING\nUID:x\nEND:X-THING\nEND:VCALENDAR") == ("X-THING",)


@pytest.mark.parametrize(
    "content",
    [
        b"BEGIN:VCALENDAR\r\n",
        b"\xef\xbb\xbfBEGIN:VCALENDAR",
        b"\r\n\t begin:vcalendar\n",
        b"\xef\xbb\xbf\nBEGIN:VCALENDAR",
    ],
)
def test_a_calendar_may_begin_after_a_mark_and_blanks(content: bytes) -> None:
    assert ics.is_calendar(content)


@pytest.mark.parametrize("content", [b"", b"<html>BEGIN:VCALENDAR", b"BEGIN:VEVENT", b"\0BEGIN:VCALENDAR", b" " * 5000])
def test_a_login_page_is_no_calendar(content: bytes) -> None:
    assert not ics.is_calendar(content)


@given(st.binary(max_size=200))
def test_no_bytes_at_all_can_make_a_glance_fail(noise: bytes) -> None:
    ics.glance(noise)
    ics.glance(EVENT[:90] + noise + EVENT[90:])
