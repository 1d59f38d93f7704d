"""The grace period is read as Go reads it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caldav_backup.kloset.maintenance.grace import DAY, DEFAULT_GRACE, grace_period, parse_go_duration

HOUR = 3600 * 10**9


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0", 0),
        ("-0", 0),
        ("168h", 7 * DAY),
        ("1h30m", HOUR * 3 // 2),
        ("1.5h", HOUR * 3 // 2),
        (".5h", HOUR // 2),
        ("1.h", HOUR),
        ("+2m", 120 * 10**9),
        ("-2m", -120 * 10**9),
        ("1h2m3s4ms5us6ns", HOUR + 123_004_005_006),
        ("1µs", 1000),
        ("1μs", 1000),
        ("0.3ns", 0),
        ("2562047h", 2562047 * HOUR),
    ],
)
def test_durations_of_go_are_read(text: str, nanoseconds: int) -> None:
    assert parse_go_duration(text) == nanoseconds


@pytest.mark.parametrize("text", ["", "7", "7d", "h", ".", ".h", "1h ", " 1h", "1h-2m", "--1h", "1H", "3000000h", "٣h"])
def test_what_go_refuses_is_refused(text: str) -> None:
    assert parse_go_duration(text) is None


@settings(max_examples=40)
@given(st.text("0123456789.hmsnuµ+-", max_size=12))
def test_no_text_breaks_the_reader(text: str) -> None:
    assert isinstance(parse_go_duration(text), int | None)


@pytest.mark.parametrize(
    ("given", "taken"), [("24h", DAY), ("0", 0), ("nonsense", DEFAULT_GRACE), ("-1h", DEFAULT_GRACE)]
)
def test_variable_of_plakar_is_taken_unless_it_says_nothing(given: str, taken: int) -> None:
    assert grace_period({"PLAKAR_GRACEPERIOD": given}) == taken
    assert grace_period({}) == DEFAULT_GRACE
