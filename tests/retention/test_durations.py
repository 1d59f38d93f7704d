"""Lengths of time by the calendar."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.retention import Duration
from tests.retention.headers import BERLIN, DAY, HOUR, NOW, at


@pytest.mark.parametrize(
    ("text", "months", "days", "hours"),
    [
        ("30d", 0, 30, 0),
        ("2w", 0, 14, 0),
        ("36h", 0, 0, 36),
        ("6m", 6, 0, 0),
        ("1y6m3d2h", 18, 3, 2),
        ("1d1d", 0, 2, 0),
    ],
)
def test_units_are_added_up(text: str, months: int, days: int, hours: int) -> None:
    assert Duration.parse(text) == (months, days, hours, text)


@pytest.mark.parametrize(
    "text", ["", "30", "d", "30s", "30 d", "-1d", "1.5d", "0d", "0y0m", "2026-05-01", "\u0661d", "1000000d"]
)
def test_anything_else_is_refused_with_what_would_do(text: str) -> None:
    with pytest.raises(ValueError, match="a duration"):
        Duration.parse(text)


@pytest.mark.parametrize(
    ("text", "now", "then"),
    [
        ("1m", "2026-05-31T10:00", "2026-04-30T10:00"),
        ("1m", "2026-03-31T10:00", "2026-02-28T10:00"),
        ("1y", "2024-02-29T10:00", "2023-02-28T10:00"),
        ("14m", "2026-01-15T10:00", "2024-11-15T10:00"),
        # Clocks went forward on 29 March: the same time of day is 23 hours earlier, and 24 hours are 24.
        ("1d", "2026-03-29T12:00", "2026-03-28T12:00"),
        ("24h", "2026-03-29T12:00", "2026-03-28T11:00"),
    ],
)
def test_it_goes_back_by_the_calendar_and_the_clocks_of_the_zone(text: str, now: str, then: str) -> None:
    assert Duration.parse(text).before(at(now), BERLIN) == at(then)


@pytest.mark.parametrize("text", ["99999y", "99999m", "99999w99999w"])
def test_what_is_before_all_calendars_is_before_all_snapshots(text: str) -> None:
    assert Duration.parse(text).before(NOW, BERLIN) < -(1 << 63)


@given(st.integers(0, 2000), st.integers(0, 300), st.integers(0, 300))
def test_longer_is_earlier(hours: int, days: int, months: int) -> None:
    shorter, longer = Duration(months, days, hours), Duration(months + 1, days + 1, hours + 2)
    assert longer.before(NOW, BERLIN) < shorter.before(NOW, BERLIN) <= NOW
    assert abs(Duration(0, days, hours).before(NOW, BERLIN) - (NOW - days * DAY - hours * HOUR)) <= HOUR
