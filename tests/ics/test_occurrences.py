"""A record is within a span of time when any of its occurrences is, however it says when these are."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from time import process_time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup import ics
from tests.ics.corpus import calendar, custom_zone, icalendar_files

MAY = datetime(2026, 5, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 1, tzinfo=UTC)


def here(*moment: int) -> datetime:
    """What a clock on the wall of this machine shows."""
    return datetime(*moment).astimezone()  # type: ignore[arg-type]


def event(*lines: str, kind: str = "VEVENT") -> bytes:
    return calendar(f"BEGIN:{kind}", "UID:a", "DTSTAMP:20260510T000000Z", *lines, f"END:{kind}")


def override(instance: str, *lines: str) -> list[str]:
    return ["END:VEVENT", "BEGIN:VEVENT", "UID:a", f"RECURRENCE-ID{instance}", *lines]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["DTSTART:20260501T000000Z"], True),
        (["DTSTART:20260531T235959Z"], True),
        (["DTSTART:20260601T000000Z"], False),
        (["DTSTART:20260430T230000Z", "DTEND:20260501T000000Z"], False),
        (["DTSTART:20260430T230000Z", "DTEND:20260501T000001Z"], True),
        (["DTSTART:20260430T230000Z", "DURATION:PT1H"], False),
        (["DTSTART:20260430T230000Z", "DURATION:P1DT1H"], True),
        (["DTSTART:20260301T000000Z", "DTEND:20261001T000000Z"], True),
        (["DTSTART;TZID=Europe/Berlin:20260601T010000"], True),
        (["DTSTART;TZID=Europe/Berlin:20260601T020000"], False),
        (["DTSTART;TZID=America/New_York:20260430T210000"], True),
        (["SUMMARY:no date at all"], False),
        (["DTSTART:nonsense"], False),
        (["DTSTART:00010101T000000Z"], False),
        (["DTSTART;VALUE=DATE:99991231"], False),
    ],
)
def test_a_single_event_counts_when_any_of_it_is_in_the_span(lines: list[str], *, expected: bool) -> None:
    assert ics.occurs_within(event(*lines), MAY, JUNE) is expected


def test_days_and_floating_times_are_those_of_this_machine() -> None:
    day, noon = event("DTSTART;VALUE=DATE:20260501"), event("DTSTART:20260501T120000")
    assert ics.occurs_within(day, here(2026, 5, 1, 23), here(2026, 5, 2))
    assert not ics.occurs_within(day, here(2026, 5, 2), None)
    assert not ics.occurs_within(day, None, here(2026, 5, 1))
    assert ics.occurs_within(noon, here(2026, 5, 1, 12), here(2026, 5, 1, 13))
    assert not ics.occurs_within(noon, here(2026, 5, 1, 11), here(2026, 5, 1, 12))


def test_all_day_and_floating_series_are_those_of_this_machine_too() -> None:
    days = event("DTSTART;VALUE=DATE:20200101", "RRULE:FREQ=DAILY;UNTIL=20260501")
    assert ics.occurs_within(days, here(2026, 5, 1, 23), here(2026, 5, 2))
    assert not ics.occurs_within(days, here(2026, 5, 2), here(2026, 5, 3))
    noons = event("DTSTART:20200101T120000", "RRULE:FREQ=DAILY")
    assert ics.occurs_within(noons, here(2026, 5, 1, 12), here(2026, 5, 1, 13))
    assert not ics.occurs_within(noons, here(2026, 5, 1, 12, 30), here(2026, 5, 2, 11))


def test_a_series_counts_when_it_comes_round_within_the_span() -> None:
    birthday = event("DTSTART;VALUE=DATE:19800515", "RRULE:FREQ=YEARLY")
    assert ics.occurs_within(birthday, MAY, JUNE)
    assert not ics.occurs_within(birthday, JUNE, JUNE + timedelta(days=30))
    assert not ics.occurs_within(birthday, None, datetime(1979, 1, 1, tzinfo=UTC))
    assert ics.occurs_within(birthday, datetime(2500, 1, 1, tzinfo=UTC), None)


def test_a_series_that_is_over_does_not_count() -> None:
    assert not ics.occurs_within(
        event("DTSTART:20200101T100000Z", "RRULE:FREQ=DAILY;UNTIL=20260430T100000Z"), MAY, None
    )
    assert not ics.occurs_within(event("DTSTART:20200101T100000Z", "RRULE:FREQ=DAILY;COUNT=3"), MAY, None)
    assert ics.occurs_within(event("DTSTART:20260429T100000Z", "RRULE:FREQ=DAILY;COUNT=3"), MAY, None)


def test_dates_that_were_taken_out_do_not_count_and_those_put_in_do() -> None:
    weekly = ["DTSTART:20260504T100000Z", "RRULE:FREQ=MONTHLY;COUNT=3"]
    assert ics.occurs_within(event(*weekly), MAY, JUNE)
    assert not ics.occurs_within(event(*weekly, "EXDATE:20260504T100000Z"), MAY, JUNE)
    assert ics.occurs_within(event("DTSTART:20200101T100000Z", "RDATE:20260504T100000Z,20270101T100000Z"), MAY, JUNE)
    assert not ics.occurs_within(event("DTSTART:20200101T100000Z", "RDATE:20270504T100000Z"), MAY, JUNE)


def test_an_instance_counts_where_it_was_moved_to_and_not_where_it_was() -> None:
    series = ["DTSTART:20260410T100000Z", "DTEND:20260410T110000Z", "RRULE:FREQ=MONTHLY;COUNT=2"]
    moved_out = override(":20260510T100000Z", "DTSTART:20260610T100000Z", "DTEND:20260610T110000Z")
    moved_in = override(":20260410T100000Z", "DTSTART:20260502T100000Z", "DTEND:20260502T110000Z")
    assert ics.occurs_within(event(*series), MAY, JUNE)
    assert not ics.occurs_within(event(*series, *moved_out), MAY, JUNE)
    assert ics.occurs_within(event(*series, *moved_out), JUNE, None)
    assert ics.occurs_within(event(*series, *moved_out, *moved_in), MAY, JUNE)


def test_an_instance_without_its_series_counts_for_itself() -> None:
    alone = event("RECURRENCE-ID:20260410T100000Z", "DTSTART:20260502T100000Z")
    assert ics.occurs_within(alone, MAY, JUNE)
    assert not ics.occurs_within(alone, JUNE, None)


def test_zones_that_only_the_object_or_outlook_knows_are_understood() -> None:
    own = custom_zone("My zone", "-0500")
    late = calendar(*own, "BEGIN:VEVENT", "UID:a", "DTSTART;TZID=My zone:20260430T200000", "END:VEVENT")
    assert ics.occurs_within(late, MAY, JUNE)
    assert not ics.occurs_within(late.replace(b"-0500", b"+0500"), MAY, JUNE)
    outlook = event("DTSTART;TZID=W. Europe Standard Time:20260601T010000")
    assert ics.occurs_within(outlook, MAY, JUNE)
    assert not ics.occurs_within(outlook, JUNE, None)
    weekly = event("DTSTART;TZID=W. Europe Standard Time:20200601T010000", "RRULE:FREQ=WEEKLY")
    assert ics.occurs_within(weekly, MAY, JUNE)


def test_tasks_count_by_start_due_date_or_completion() -> None:
    for line in ("DUE:20260504T100000Z", "DUE;VALUE=DATE:20260504", "COMPLETED:20260504T100000Z"):
        assert ics.occurs_within(event(line, kind="VTODO"), MAY, JUNE)
        assert not ics.occurs_within(event(line, kind="VTODO"), JUNE + timedelta(days=1), None)
    assert ics.occurs_within(event("DTSTART:20260101T000000Z", "DUE:20270101T000000Z", kind="VTODO"), MAY, JUNE)
    assert not ics.occurs_within(event("SUMMARY:some day", kind="VTODO"), None, None)
    assert ics.occurs_within(event("DUE:20200504T100000Z", "RRULE:FREQ=MONTHLY", kind="VTODO"), MAY, JUNE)


def test_a_journal_is_of_its_day() -> None:
    entry = event("DTSTART;VALUE=DATE:20260501", kind="VJOURNAL")
    assert ics.occurs_within(entry, here(2026, 5, 1, 12), None)
    assert not ics.occurs_within(entry, here(2026, 5, 2), None)


def test_an_alarm_and_a_time_zone_have_no_say() -> None:
    alarm = ["BEGIN:VALARM", "TRIGGER;VALUE=DATE-TIME:20260510T000000Z", "DURATION:P900D", "REPEAT:1", "END:VALARM"]
    assert not ics.occurs_within(event("DTSTART:20250101T000000Z", *alarm), MAY, JUNE)
    zone = [line.replace("16010101", "20260510") for line in custom_zone("My zone", "+0100")]
    assert not ics.occurs_within(calendar(*zone), MAY, JUNE)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FREQ=SECONDLY", True),  # not followed for years, but it is going on
        ("FREQ=SECONDLY;UNTIL=20200102T000000Z", False),
        ("FREQ=SECONDLY;INTERVAL=1000", True),
        ("FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30", False),
        pytest.param("FREQ=HOURLY", True, marks=pytest.mark.full),
        ("FREQ=SOMETIMES", True),  # whatever that means, it may be going on
        ("FREQ=DAILY;INTERVAL=x", True),
        ("FREQ=YEARLY;INTERVAL=1000", False),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", False),
        ("FREQ=DAILY;BYMONTH=2,4;BYMONTHDAY=31,-31;COUNT=3", False),
        ("FREQ=DAILY;BYMONTH=2,5;BYMONTHDAY=31", True),
    ],
)
def test_a_rule_that_has_no_end_gets_an_answer_soon(rule: str, *, expected: bool) -> None:
    started = process_time()
    assert ics.occurs_within(event("DTSTART:20200101T100000Z", f"RRULE:{rule}"), MAY, JUNE) is expected
    assert process_time() - started < 5


@pytest.mark.full
def test_broken_objects_get_an_answer() -> None:
    for path in icalendar_files():
        for content in (path.read_bytes(), path.read_bytes()[:-40]):
            assert ics.occurs_within(content, MAY, JUNE) in (True, False)
    cut_off = event("DTSTART:20200501T100000Z", "RRULE:FREQ=MONTHLY").removesuffix(b"END:VEVENT\r\nEND:VCALENDAR\r\n")
    assert ics.occurs_within(cut_off.replace(b"\r\n", b"\r"), MAY, JUNE)


@given(st.binary(max_size=200))
def test_no_bytes_at_all_make_it_fail(noise: bytes) -> None:
    content = event("DTSTART:20200501T100000Z", "RRULE:FREQ=MONTHLY;COUNT=3")
    assert not ics.occurs_within(noise, MAY, JUNE)
    ics.occurs_within(content[:100] + noise + content[100:], MAY, JUNE)


@given(
    st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1)),  # noqa: DTZ001
    st.timedeltas(timedelta(0), timedelta(days=400)),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC"]),
)
def test_a_look_at_the_lines_says_what_the_moments_say(start: datetime, length: timedelta, zone: str) -> None:
    begin = start.replace(microsecond=0, tzinfo=ZoneInfo(zone))
    end = begin.astimezone(UTC) + length
    content = event(f"DTSTART;TZID={zone}:{begin:%Y%m%dT%H%M%S}", f"DTEND:{end:%Y%m%dT%H%M%S}Z")
    expected = begin < JUNE and (end.replace(microsecond=0) > MAY or begin >= MAY)
    assert ics.occurs_within(content, MAY, JUNE) is expected


@pytest.mark.full
@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC", "", "DATE"]),
    st.sampled_from([("DAILY", 1), ("WEEKLY", 7)]),
    st.integers(1, 60),
    st.integers(1, 80),
    st.sets(st.integers(0, 79), max_size=4),
    st.timedeltas(timedelta(0), timedelta(hours=30)),
    st.integers(1, 50),
)
def test_a_series_occurs_when_one_of_its_instances_does(
    start: datetime,
    zone: str,
    frequency: tuple[str, int],
    interval: int,
    count: int,
    missing: set[int],
    offset: timedelta,
    days: int,
) -> None:
    begin = start.replace(microsecond=0) if zone != "DATE" else datetime(start.year, start.month, start.day)  # noqa: DTZ001
    step = timedelta(days=frequency[1] * interval)
    told = [begin + number * step for number in range(count)]
    name, form = {"": ("", "%Y%m%dT%H%M%S"), "DATE": (";VALUE=DATE", "%Y%m%d")}.get(
        zone, (f";TZID={zone}", "%Y%m%dT%H%M%S")
    )
    content = event(
        f"DTSTART{name}:{begin:{form}}",
        "DURATION:P1D" if zone == "DATE" else "DURATION:PT1H",
        f"RRULE:FREQ={frequency[0]};INTERVAL={interval};COUNT={count}",
        *(f"EXDATE{name}:{told[number]:{form}}" for number in missing if number < count),
    )
    length = timedelta(days=1) if zone == "DATE" else timedelta(hours=1)
    kept = [moment for number, moment in enumerate(told) if number not in missing]
    since = MAY + offset
    until = since + timedelta(days=days)
    if zone in {"", "DATE"}:
        starts = [moment.astimezone() for moment in kept]
        ends = [(moment + length).astimezone() for moment in kept]
    else:
        starts = [moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) for moment in kept]
        ends = [moment + length for moment in starts]
    expected = any(one < until and other > since for one, other in zip(starts, ends, strict=True))
    assert ics.occurs_within(content, since, until) is expected


def test_single_events_are_decided_without_the_library() -> None:
    program = (
        "import sys; from datetime import datetime, UTC\n"
        "from caldav_backup import ics; from tests.events import mixed\n"
        "print(sum(ics.occurs_within(one.content, datetime(2025, 6, 1, tzinfo=UTC), None) for one in mixed(20)),"
        " 'icalendar' in sys.modules or 'recurring_ical_events' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert answer.endswith("False\n")
