from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from caldav_backup.cli.answer import Answer, Table
from caldav_backup.cli.exits import Exit
from caldav_backup.cli.restore_answers import SHOWN, done, plan_lines, planned
from caldav_backup.connectors.base import Collection, Version
from caldav_backup.connectors.destination import DestinationUnreachable
from caldav_backup.restorer import (
    Action,
    CalendarPlan,
    CalendarReport,
    Erasure,
    ErasureResult,
    ExtraPlan,
    Invites,
    MatchedBy,
    ReadBack,
    RecordPlan,
    RecordResult,
    RestoreOptions,
    RestorePlan,
    RestoreReport,
    Result,
)
from caldav_backup.restorer.applying import NOT_REACHED
from caldav_backup.restorer.selection import StoredCalendar
from caldav_backup.restorer.verifying import NOT_READABLE
from tests.cli.schemas import check_document

CREATED = RecordResult("a.ics", Result.CREATED, read_back=ReadBack.SAME)
SKIPPED = RecordResult("b.ics", Result.SKIPPED, "another version of it is there", title="Lunch")
HELD = RecordResult("c.ics", Result.HELD, "it has guests")
FAILED = RecordResult("d.ics", Result.FAILED, "413 too large")
DIFFERENT = RecordResult("e.ics", Result.CREATED, "", ReadBack.CHANGED, ["lost VEVENT GEO", "changed VEVENT RRULE"])
REWRITTEN = RecordResult("f.ics", Result.REPLACED, "", ReadBack.REWRITTEN, (), ["DTSTAMP", "order"])
UNREAD = RecordResult("g.ics", Result.CREATED, f"{NOT_READABLE}500")
MISSED = RecordResult("h.ics", Result.FAILED, NOT_REACHED)
MARKED = RecordResult("i.ics", Result.CREATED, "stored with SCHEDULE-AGENT=CLIENT", ReadBack.SAME)
DELETED = ErasureResult("x.ics", "x", "Gone", Erasure.DELETED)
NOT_DELETED = ErasureResult("y.ics", "y", "Stays", Erasure.FAILED, "403")


def calendar_report(
    *records: RecordResult, name: str = "home", extras: Sequence[ErasureResult] = (), **more: Any
) -> CalendarReport:
    stored = StoredCalendar(f"/{name}", name)
    return CalendarReport(stored, name.title(), f"/alice/{name}/", False, records, extras=extras, **more)


def report(
    *records: RecordResult,
    stopped_by: Exception | None = None,
    not_kept: Sequence[str] = (),
    reason: str = "",
    extras: Sequence[ErasureResult] = (),
) -> RestoreReport:
    calendar = calendar_report(*records, not_kept=not_kept, reason=reason, extras=extras)
    return RestoreReport(bytes(32), "alice@host", [calendar], verified=stopped_by is None, stopped_by=stopped_by)


def checked(answer: Answer) -> Any:
    """The answer's result, when it is what the schema says."""
    code = answer.exit
    document = {"version": 1, "command": "restore", "ok": code == 0, "exit": int(code), "result": answer.result}
    return check_document(document)["result"]


@pytest.mark.parametrize(
    ("records", "extras", "code"),
    [
        ([CREATED, REWRITTEN, MARKED], [DELETED], Exit.DONE),
        ([CREATED, SKIPPED], [], Exit.PARTIAL),
        ([CREATED, FAILED], [], Exit.PARTIAL),
        ([DIFFERENT], [], Exit.PARTIAL),
        ([UNREAD], [], Exit.PARTIAL),
        ([CREATED, HELD], [], Exit.GUARD),
        ([FAILED, HELD], [], Exit.GUARD),
        ([CREATED], [NOT_DELETED], Exit.PARTIAL),
        ([CREATED], [NOT_DELETED._replace(result=Erasure.SKIPPED)], Exit.PARTIAL),
        ([CREATED], [NOT_DELETED._replace(result=Erasure.HELD)], Exit.GUARD),
    ],
)
def test_the_exit_code_is_that_of_the_worst_record(
    records: list[RecordResult], extras: list[ErasureResult], code: Exit
) -> None:
    answer = done(report(*records, extras=extras), skip_chosen=False)
    assert answer.exit is code
    checked(answer)


def test_skipping_that_was_chosen_is_no_partial_end_and_needs_no_advice() -> None:
    answer = done(report(CREATED, SKIPPED), skip_chosen=True)
    assert answer.exit is Exit.DONE
    assert answer.trouble == ["/home/b.ics (Lunch): skipped: another version of it is there"]


def test_what_stopped_a_restore_decides_how_it_ends_and_how_to_go_on() -> None:
    answer = done(report(MISSED, MISSED, stopped_by=DestinationUnreachable("the server is gone")), skip_chosen=False)
    assert answer.exit is Exit.UNAVAILABLE
    assert answer.trouble == [
        "stopped: the server is gone",
        "2 events not reached; once that is mended, the same command does the rest",
    ]


def test_where_nothing_was_reached_no_table_says_so_again() -> None:
    calendars = [calendar_report(MISSED), calendar_report(MISSED, name="work")]
    stopped = DestinationUnreachable("the server is gone")
    whole = RestoreReport(bytes(32), "alice@host", calendars, verified=False, stopped_by=stopped)
    assert done(whole, skip_chosen=False).summary == ["alice@host: 2 failed"]


def test_the_choices_that_are_named_are_those_that_the_command_has() -> None:
    advice = done(report(SKIPPED), skip_chosen=False, choices="replace, or skip").trouble[-1]
    assert advice.endswith("that are there in another version: replace, or skip")


def test_every_trouble_is_told_and_what_can_be_done_about_it() -> None:
    whole = report(
        CREATED,
        SKIPPED,
        HELD,
        FAILED,
        DIFFERENT,
        UNREAD,
        not_kept=["color: 403"],
        reason="read-only",
        extras=[NOT_DELETED],
    )
    *told, first, second, third = done(whole, skip_chosen=False).trouble
    assert told == [
        "Home: read-only",
        "warning: Home: color: 403",
        "/home/d.ics: failed: 413 too large",
        "/home/e.ics: kept otherwise than it was sent: lost VEVENT GEO, changed VEVENT RRULE",
        "/home/g.ics: written: could not be read back: 500",
        "Home/y.ics (Stays): not removed, failed: 403",
        "/home/c.ics: held back: it has guests",
        "/home/b.ics (Lunch): skipped: another version of it is there",
    ]
    assert [hint.partition(" ")[0] for hint in (first, second, third)] == ["the", "--invites", "--on-conflict"]


def test_the_same_reason_for_many_events_is_one_line() -> None:
    failed = [
        RecordResult(f"{number}.ics", Result.FAILED, f"PUT /alice/home/{number}.ics: 413 the server finds it too large")
        for number in range(1000, 1300)
    ]
    assert done(report(*failed, FAILED), skip_chosen=False).trouble[:-1] == [
        "300 events failed: PUT /alice/home/1000.ics: 413 the server finds it too large; for example /home/1000.ics",
        "/home/d.ics: failed: 413 too large",
    ]


def test_many_different_reasons_are_counted() -> None:
    words = "abcdefghijklmnopqrstuvwxyz"[: SHOWN + 5]
    answer = done(report(*[FAILED._replace(reason=f"reason {word}") for word in words]), skip_chosen=False)
    assert len(answer.trouble) == SHOWN + 2
    assert answer.trouble[SHOWN] == "5 events more; --json lists all"


def test_what_no_record_of_a_calendar_could_do_is_told_once() -> None:
    read_only = FAILED._replace(reason="read-only")
    answer = done(report(read_only, read_only, reason="read-only"), skip_chosen=False)
    assert answer.trouble[:-1] == ["Home: read-only"]


def test_one_calendar_is_told_in_one_line_and_several_in_a_table_with_a_total() -> None:
    one = done(report(CREATED, CREATED, REWRITTEN, extras=[DELETED]), skip_chosen=False)
    (line,) = one.summary
    assert line == (
        "alice@host: 2 created, 1 replaced, 1 deleted, read back and compared,"
        " 1 of them rewritten by the server in their form only (DTSTAMP, order)"
    )
    calendars = [calendar_report(CREATED, HELD), calendar_report(CREATED, name="work", extras=[DELETED])]
    several = done(RestoreReport(bytes(32), "alice@host", calendars, verified=False), skip_chosen=False, undo="undo it")
    table, line, undo = several.summary
    assert isinstance(table, Table)
    assert table.headings == ("calendar", "created", "held back", "deleted")
    assert table.rows == [["Home", "1", "1", "0"], ["Work", "1", "0", "1"], ["total", "2", "1", "1"]]
    assert (line, undo) == ("alice@host: 2 created, 1 held back, 1 deleted", "to undo this: undo it")
    result = checked(several)
    assert (result["deleted"], result["undo"]) == (1, "undo it")
    assert result["calendars"][1]["extras"] == [
        {"name": "x.ics", "uid": "x", "title": "Gone", "result": "deleted", "reason": ""}
    ]


def test_calendars_that_went_to_one_are_told_by_where_they_came_from() -> None:
    calendars = [CalendarReport(StoredCalendar(f"/{name}", name), "All", "/all/", True, [CREATED]) for name in "ab"]
    table = done(RestoreReport(bytes(32), "alice@host", calendars, verified=True), skip_chosen=False).summary[0]
    assert isinstance(table, Table)
    assert [row[0] for row in table.rows] == ["a", "b", "total"]


def test_what_had_to_be_sent_otherwise_than_it_is_stored_is_told() -> None:
    answer = done(report(MARKED, CREATED, MARKED), skip_chosen=False)
    assert answer.summary[0] == "2 events created: stored with SCHEDULE-AGENT=CLIENT; for example /home/i.ics"
    assert (answer.trouble, answer.exit) == ([], Exit.DONE)


def test_of_what_went_to_standard_output_nothing_is_printed_there() -> None:
    answer = done(report(CREATED), skip_chosen=False, to_stdout=True)
    assert (answer.raw, answer.body) == ((), ())
    assert answer.summary == ["standard output: 1 created, read back and compared"]


RECORDS = [
    RecordPlan("a.ics", Action.CREATE, title="Dentist", guests=3, warnings=["VALARM will not be kept"]),
    RecordPlan("b.ics", Action.IDENTICAL, title="Lunch"),
    RecordPlan("c.ics", Action.CONFLICT, "another version of it is there", guests=2),
    RecordPlan("d.ics", Action.HOLD, "has guests", guests=1),
    RecordPlan("e.ics", Action.CANNOT, "larger than the server takes"),
    RecordPlan("f.ics", Action.REPLACE),
]
EXTRA = ExtraPlan(Version("/alice/home/x.ics", "x.ics", "", 0, -1), "x", "Party", 2)


def plan(invites: Invites = Invites.SUPPRESS, records: Sequence[RecordPlan] = RECORDS) -> RestorePlan:
    there = Collection("/alice/home/", "home", "At home")
    calendar = CalendarPlan(
        StoredCalendar("/home", "home"),
        there,
        "At home",
        MatchedBy.NAME,
        records,
        extras=[EXTRA],
        there=7,
        kept="some stay",
    )
    return RestorePlan(bytes(32), "alice@host", RestoreOptions(invites=invites), [calendar])


def test_a_plan_has_a_line_for_each_record_that_is_not_identical() -> None:
    answer = planned(plan())
    calendar, *lines = str(answer.body[0]).splitlines()
    assert calendar == (
        "/home to 'At home', by its name: 1 to create, 1 there already, 1 there in another version, to be skipped, 1 to"
        " be held back, 1 that cannot be written, 1 to replace, 1 of the 7 that are there to be removed (some stay)"
    )
    assert lines == [
        "  create a.ics (Dentist): 3 guests; VALARM will not be kept",
        "  conflict c.ics: another version of it is there",
        "  hold d.ics: has guests; 1 guest",
        "  cannot e.ics: larger than the server takes",
        "  replace f.ics",
        "  remove x.ics (Party): 2 guests",
        "2 events with 5 guests in all: the server is asked to mail nobody",
        "2 of 6 events would be written, 1 would be removed",
    ]
    result = checked(answer)
    assert (result["deletions"], result["counts"]["conflict"]) == (1, 1)
    assert result["calendars"][0]["records"][0]["warnings"] == ["VALARM will not be kept"]
    assert result["calendars"][0]["extras"] == [{"name": "x.ics", "uid": "x", "title": "Party", "guests": 2}]


def test_a_person_is_asked_about_what_is_not_merely_created() -> None:
    lines = plan_lines(plan(Invites.ALLOW))
    assert not any("Dentist" in line for line in lines)
    assert "  remove x.ics (Party): 2 guests" in lines
    assert lines[-1] == "2 events with 5 guests in all: the server may mail them"
    many = plan_lines(plan(records=[RecordPlan(f"{number}.ics", Action.REPLACE) for number in range(50)]))
    assert [line for line in many if "more" in line] == ["  31 more; --dry-run lists all"]
