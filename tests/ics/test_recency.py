"""The newer of two versions is told by SEQUENCE, then LAST-MODIFIED, then DTSTAMP, and not guessed."""

from __future__ import annotations

import pytest

from caldav_backup import ics
from tests.ics.corpus import calendar, vevent


def version(*lines: str) -> bytes:
    return calendar("BEGIN:VEVENT", "UID:a", *lines, "END:VEVENT")


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        (["SEQUENCE:2", "LAST-MODIFIED:20200101T000000Z"], ["SEQUENCE:1", "LAST-MODIFIED:20260101T000000Z"]),
        (["SEQUENCE:10"], ["SEQUENCE:9"]),
        (["SEQUENCE:1"], []),
        (["LAST-MODIFIED:20260102T000000Z", "DTSTAMP:20200101T000000Z"], ["LAST-MODIFIED:20260101T000000Z"]),
        (["DTSTAMP:20260102T000000Z", "SEQUENCE:0"], ["DTSTAMP:20260101T000000Z"]),
        (["LAST-MODIFIED:yesterday", "DTSTAMP:20260102T000000Z"], ["DTSTAMP:20260101T000000Z"]),
    ],
)
def test_one_version_is_newer_and_the_other_older(newer: list[str], older: list[str]) -> None:
    assert ics.is_newer(version(*newer), version(*older)) is True
    assert ics.is_newer(version(*older), version(*newer)) is False


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([], []),
        (["DTSTAMP:20260101T000000Z"], ["LAST-MODIFIED:20260101T000000Z"]),
        (["LAST-MODIFIED:20260101T000000"], ["LAST-MODIFIED:20250101T000000"]),
        (["SEQUENCE:many"], ["SEQUENCE:0"]),
    ],
)
def test_what_nothing_tells_is_not_guessed(one: list[str], other: list[str]) -> None:
    assert ics.is_newer(version(*one), version(*other)) is None


def test_the_series_counts_and_not_its_overrides() -> None:
    override = ["END:VEVENT", "BEGIN:VEVENT", "RECURRENCE-ID:20260501T100000Z", "SEQUENCE:9"]
    assert ics.is_newer(version("SEQUENCE:1", *override), version("SEQUENCE:2")) is False


def test_a_changed_instance_makes_the_series_newer_when_nothing_else_does() -> None:
    def series(day: int) -> bytes:
        changed = ["RECURRENCE-ID:20260501T100000Z", f"LAST-MODIFIED:202605{day:02}T000000Z"]
        return version("LAST-MODIFIED:20260101T000000Z", "END:VEVENT", "BEGIN:VEVENT", "UID:a", *changed)

    assert ics.is_newer(series(2), series(1)) is True


def test_broken_objects_are_undecidable() -> None:
    assert ics.is_newer(b"", b"\xff\x00") is None
    assert ics.is_newer(vevent("a")[:50], vevent("a")[:60]) is None
