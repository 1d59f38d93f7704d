"""The judge of the pairs of servers sees what a report hides, and what it makes up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from caldav_backup import ics
from caldav_backup.restorer import CalendarReport, RecordResult, Result
from caldav_backup.restorer.selection import StoredCalendar
from tests.archiver.bodies import BODIES
from tests.compatibility.joining import joined
from tests.compatibility.judging import Fate, Judged, judge
from tests.ics.corpus import calendar, vevent

EVENT = vevent("a", "LOCATION:here", "SUMMARY:x")
MOVED = vevent("a", "LOCATION:there", "SUMMARY:x")


def judged(truth: Mapping[str, bytes], said: Sequence[RecordResult], there: Mapping[str, bytes]) -> list[Judged]:
    report = CalendarReport(StoredCalendar("/work", "work"), "work", "/alice/work/", True, said)
    return list(judge(truth, report, there))


def one(said: RecordResult, there: Mapping[str, bytes], content: bytes = EVENT) -> tuple[Fate, bool]:
    """What became of the one record of a calendar, and whether the report is to be believed."""
    (found,) = judged({"a.ics": content}, [said], there)
    return found.fate, not found.problem


CREATED = RecordResult("a.ics", Result.CREATED)


def test_a_record_that_arrived_is_equal_whatever_its_name_and_its_form() -> None:
    assert one(CREATED, {"b.ics": EVENT.replace(b"LOCATION:here\r\nSUMMARY:x", b"SUMMARY:x\r\nLOCATION:here")}) == (
        Fate.EQUAL,
        True,
    )


def test_a_change_has_to_be_reported_by_its_name() -> None:
    assert one(CREATED, {"a.ics": MOVED}) == (Fate.CHANGED, False)
    assert one(CREATED._replace(differs=["changed VEVENT LOCATION"]), {"a.ics": MOVED}) == (Fate.CHANGED, True)
    assert one(CREATED._replace(differs=["changed VEVENT SUMMARY"]), {"a.ics": MOVED}) == (Fate.CHANGED, False)


def test_a_change_that_there_is_not_must_not_be_reported() -> None:
    assert one(CREATED._replace(differs=["changed VEVENT LOCATION"]), {"a.ics": EVENT}) == (Fate.EQUAL, False)


def test_what_is_not_there_needs_a_reason_and_what_is_said_to_be_there_must_be() -> None:
    failed = RecordResult("a.ics", Result.FAILED, "403")
    assert one(CREATED, {}) == (Fate.REFUSED, False)
    assert one(failed, {}) == (Fate.REFUSED, True)
    assert one(failed._replace(reason=""), {}) == (Fate.REFUSED, False)
    assert one(failed, {"a.ics": EVENT}) == (Fate.REFUSED, False)
    assert one(RecordResult("a.ics", Result.HELD, "has guests"), {"a.ics": EVENT}) == (Fate.HELD, False)
    assert [each.problem != "" for each in judged({"a.ics": EVENT}, [], {})] == [True]


def test_what_nobody_sent_is_seen() -> None:
    found = judged({"a.ics": EVENT}, [CREATED], {"a.ics": EVENT, "b.ics": vevent("b")})
    assert [each.problem for each in found] == ["", "b.ics: nobody sent it"]


def test_a_record_in_pieces_is_equal_when_all_of_them_are_there() -> None:
    content = BODIES["two-uids"]
    pieces = ics.repaired(content)
    assert pieces is not None and len(pieces.contents) == 2
    there = {f"{number}.ics": piece for number, piece in enumerate(pieces.contents)}
    assert ics.same_meaning(joined(pieces.contents), content)
    assert one(CREATED, there, content) == (Fate.EQUAL, True)
    assert one(CREATED, {"0.ics": pieces.contents[0]}, content) == (Fate.CHANGED, False)


def test_a_record_without_a_uid_is_found_under_the_one_that_it_was_given() -> None:
    content = calendar(
        "BEGIN:VEVENT", "DTSTAMP:20260101T000000Z", "DTSTART:20350501T100000Z", "SUMMARY:x", "END:VEVENT"
    )
    given = ics.repaired(content)
    assert given is not None
    said = CREATED._replace(reason=f"sent in another form ({', '.join(given.done)})")
    assert one(said, {"b.ics": given.contents[0]}, content) == (Fate.EQUAL, True)
    assert one(CREATED, {"b.ics": given.contents[0]}, content) == (Fate.CHANGED, False)
    assert one(CREATED, {"a.ics": content}, content) == (Fate.EQUAL, True)
