"""Records are found by the words that people remember of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup import ics
from tests.ics.corpus import calendar, custom_zone

DINNER = calendar(
    *custom_zone("Zone of nowhere", "+0100"),
    "BEGIN:VEVENT",
    "UID:dinner-7@example.org",
    "SUMMARY:Abendessen\\, Stra\u00dfe 4",
    "LOCATION:Zu\u0308rich",  # the dots as a character of their own
    "DESCRIPTION:first line\\nsecond",
    "CATEGORIES:Family,Food",
    "COMMENT:bring wine",
    'ORGANIZER;CN="Doe, John":mailto:John@Example.org',
    "ATTENDEE;CN=Ann:mailto:ann@example.org",
    "STATUS:CONFIRMED",
    "BEGIN:VALARM",
    "ACTION:DISPLAY",
    "DESCRIPTION:Reminder",
    "END:VALARM",
    "END:VEVENT",
    "BEGIN:VEVENT",
    "UID:dinner-7@example.org",
    "RECURRENCE-ID:20260501T100000Z",
    "SUMMARY:moved to Sunday",
    "END:VEVENT",
)


@pytest.mark.parametrize(
    "text",
    [
        "abendessen",
        "ESSEN, STRASSE",
        "z\u00fcrich",
        "Z\u00dcRICH",
        "line\nsecond",
        "food",
        "wine",
        "doe, j",
        "john@example",
        "ann",
        "dinner-7@",
        "sunday",
        "",
    ],
)
def test_words_are_found_whatever_their_case_and_spelling(text: str) -> None:
    assert ics.mentions(DINNER, text)


@pytest.mark.parametrize("text", ["Reminder", "nowhere", "CONFIRMED", "mailto", "PRODID", "lunch", "20260501"])
def test_alarms_zones_and_what_programs_write_are_no_words(text: str) -> None:
    assert not ics.mentions(DINNER, text)


def test_a_line_that_is_folded_inside_a_word_is_read_whole() -> None:
    assert ics.mentions(b"BEGIN:VEVENT\r\nSUMM\r\n ARY:Din\r\n\tner\r\nEND:VEVENT", "dinner")


@given(st.binary(max_size=200), st.text(max_size=10))
def test_nothing_makes_the_search_fail(noise: bytes, text: str) -> None:
    ics.mentions(DINNER[:60] + noise + DINNER[60:], text)
