"""Calendar objects of other people: the icalendar package's own test files, and the odd ones of bug reports."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import icalendar
import pytest

#: Files in which the icalendar library itself changes or drops what it reads, with what it does.
REWRITTEN_BY_ICALENDAR = frozenset(
    {
        "big_bad_calendar.ics",  # drops a component of the empty name
        "broken_ical.ics",  # drops a DTSTART that it cannot read
        "event_with_escaped_character1.ics",  # moves a backslash in a parameter
        "event_with_escaped_character2.ics",
        "event_with_escaped_character3.ics",
        "event_with_escaped_character4.ics",
        "event_with_escaped_characters.ics",
        "fuzz_testcase_0_char_in_component_name.ics",
        "issue_104_mark_events_broken.ics",  # drops a line without a colon
        "issue_1633_freebusy_with_dates.ics",  # DATE becomes DATE-TIME
        "issue_1633_rdate_with_dates.ics",
        "issue_1633_rdate_with_dates_and_tzid.ics",
        "issue_165_missing_event.ics",  # escapes a recurrence rule that it cannot read
        "issue_168_input.ics",
        "issue_348_exception_parsing_value.ics",
        "issue_350.ics",  # drops X-COMMENT of the calendar
        "issue_351_whitespace_in_property_and_params.ics",
        "issue_464_invalid_rdate.ics",
        "multiple_calendar_components.ics",
        "pr_480_summary_with_colon.ics",
        "small_bad_calendar.ics",
        "timezone_rdate.ics",
    }
)


def parsed(content: bytes) -> list[Any] | None:
    """What the icalendar library reads; None when it refuses the whole of it."""
    with warnings.catch_warnings(action="ignore"):
        try:
            return list(icalendar.Calendar.from_ical(content, multiple=True))
        except ValueError:
            return None


def icalendar_files() -> list[Path]:
    """The .ics files that the icalendar package tests itself with; the test is skipped where it comes without them."""
    files = sorted((Path(icalendar.__file__).parent / "tests").rglob("*.ics"))
    if not files:
        pytest.skip("this installation of the icalendar package has no calendars of its tests")
    return files


def calendar(*lines: str) -> bytes:
    """A VCALENDAR around `lines`."""
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", *lines, "END:VCALENDAR", ""]).encode()


def vevent(uid: str, *lines: str) -> bytes:
    """A VCALENDAR with one small event."""
    start = ["DTSTAMP:20260101T000000Z", "DTSTART:20260501T100000Z", "DTEND:20260501T110000Z"]
    return calendar("BEGIN:VEVENT", f"UID:{uid}", *start, *lines, "END:VEVENT")


def custom_zone(tzid: str, offset: str) -> list[str]:
    """The lines of a time zone that no database knows."""
    rule = [
        "BEGIN:STANDARD",
        "DTSTART:16010101T000000",
        f"TZOFFSETFROM:{offset}",
        f"TZOFFSETTO:{offset}",
        "END:STANDARD",
    ]
    return ["BEGIN:VTIMEZONE", f"TZID:{tzid}", *rule, "END:VTIMEZONE"]
