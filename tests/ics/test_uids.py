"""UIDs are found in every component, exchanged without touching another byte, and made the same way every time."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from caldav_backup import ics
from tests.ics.corpus import calendar, custom_zone, icalendar_files, vevent

SERIES = (
    b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nRRULE:FREQ=DAILY\r\nRELATED-TO:a\r\nBEGIN:VALARM\r\nUID:a\r\nEND:VALARM\r\n"
    b"END:VEVENT\nBEGIN:VEVENT\rU\r\n ID;X-A=1:\r\n a \r\nRECURRENCE-ID:20260501T100000Z\r\nEND:VEVENT\r\n"
    b"BEGIN:VTODO\r\nUID:ab\r\nEND:VTODO\r\nEND:VCALENDAR"
)
_UIDS = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FFF, exclude_categories=("C", "Z")), min_size=1)


def test_each_uid_is_named_once_in_order() -> None:
    assert ics.uids(SERIES) == ("a", "ab")
    assert ics.uids(vevent("one") + vevent("two")) == ("one", "two")


def test_an_alarm_a_zone_and_an_empty_line_have_no_uid_that_counts() -> None:
    assert ics.uids(calendar(*custom_zone("Z", "+0100"), "UID:outside")) == ()
    assert ics.uids(calendar("BEGIN:VEVENT", "UID:", "BEGIN:VALARM", "UID:alarm", "END:VALARM", "END:VEVENT")) == ()


def test_another_uid_is_written_wherever_the_old_one_stands_and_nowhere_else() -> None:
    assert ics.with_uid(SERIES, "a", "new") == SERIES.replace(b"\r\nUID:a\r\nRRULE", b"\r\nUID:new\r\nRRULE").replace(
        b"U\r\n ID;X-A=1:\r\n a \r\n", b"UID;X-A=1:new\r\n"
    )


def test_a_uid_that_is_not_there_changes_nothing() -> None:
    for path in icalendar_files():
        assert ics.with_uid(path.read_bytes(), "surely nowhere", "x") == path.read_bytes()


def test_a_long_uid_is_folded_as_long_lines_are() -> None:
    longer = ics.with_uid(vevent("a"), "a", "ü" * 100)
    assert ics.uids(longer) == ("ü" * 100,)
    assert max(map(len, longer.split(b"\r\n"))) <= 75


@given(_UIDS, _UIDS, st.sampled_from([b"\r\n", b"\n", b"\r"]))
def test_the_old_uid_can_be_written_back(one: str, other: str, line_end: bytes) -> None:
    content = calendar("BEGIN:VEVENT", f"UID:{one}", "DTSTART:20260501T100000Z", "END:VEVENT").replace(
        b"\r\n", line_end
    )
    if one != other:
        changed = ics.with_uid(content, one, other)
        assert ics.uids(changed) == (other,)
        assert ics.same_meaning(ics.with_uid(changed, other, one), content)
        assert changed.replace(b"\r", b"").count(b"\n") >= content.replace(b"\r", b"").count(b"\n")


@given(st.binary(max_size=200), st.text(max_size=20), st.text(max_size=20))
def test_no_bytes_and_no_words_make_it_fail(noise: bytes, old: str, new: str) -> None:
    assert ics.with_uid(noise, "surely nowhere", new) == noise
    ics.with_uid(SERIES[:40] + noise + SERIES[40:], old, new)
    ics.derived_uid(old, new)


def test_a_new_uid_cannot_bring_another_line_with_it() -> None:
    assert b"\nMETHOD" not in ics.with_uid(vevent("a"), "a", "b\r\nMETHOD:REQUEST")


def test_a_derived_uid_is_a_uuid_and_depends_on_every_part() -> None:
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", ics.derived_uid("a"))
    assert ics.derived_uid("a", "b") == ics.derived_uid("a", "b")
    assert len({ics.derived_uid(*parts) for parts in (("a", "b"), ("ab",), ("b", "a"), ("a", "b", ""), ())}) == 5
