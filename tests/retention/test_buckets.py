"""The hours, days, weeks, months and years of local clocks."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from caldav_backup.retention.buckets import BUCKETS
from caldav_backup.retention.local_time import local_time
from tests.retention.headers import BERLIN, HOUR, at


def bucket(rule: str, moment_ns: int, zone: ZoneInfo = BERLIN) -> str:
    return BUCKETS[rule](local_time(moment_ns, zone))


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        ("hourly", "2026-05-01 23:00 +0200"),
        ("daily", "2026-05-01"),
        ("weekly", "2026-W18"),
        ("monthly", "2026-05"),
        ("yearly", "2026"),
    ],
)
def test_they_are_called_by_the_local_calendar(rule: str, name: str) -> None:
    assert bucket(rule, at("2026-05-01T23:30")) == name


def test_a_day_is_that_of_the_zone() -> None:
    late = at("2026-05-01T23:30")
    assert bucket("daily", late, ZoneInfo("Asia/Tokyo")) == "2026-05-02"
    assert bucket("daily", late, ZoneInfo("America/New_York")) == "2026-05-01"


@pytest.mark.parametrize(
    ("day", "week"),
    [("2026-12-31", "2026-W53"), ("2027-01-01", "2026-W53"), ("2027-01-04", "2027-W01"), ("2024-12-30", "2025-W01")],
)
def test_weeks_begin_on_monday_and_belong_to_one_year(day: str, week: str) -> None:
    assert bucket("weekly", at(f"{day}T12:00")) == week


def test_the_hour_that_comes_twice_is_two_hours() -> None:
    first = at("2026-10-25T01:30") + HOUR
    assert bucket("hourly", first) == "2026-10-25 02:00 +0200"
    assert bucket("hourly", first + HOUR) == "2026-10-25 02:00 +0100"
    assert bucket("daily", first) == bucket("daily", first + HOUR)


@pytest.mark.parametrize("moment", [-(2**63), 0, 2**63 - 1])
def test_times_that_no_calendar_has_are_some_day_all_the_same(moment: int) -> None:
    assert all(of(local_time(moment, BERLIN)) for of in BUCKETS.values())
    assert all(of(local_time(moment, None)) for of in BUCKETS.values())
