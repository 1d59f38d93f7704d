from __future__ import annotations

from collections.abc import Sequence

import pytest

from caldav_backup.cli.exits import Exit
from caldav_backup.cli.restore_answers import SHOWN, done
from caldav_backup.connectors.destination import DestinationUnreachable
from caldav_backup.restorer import CalendarReport, RecordResult, RestoreReport, Result
from caldav_backup.restorer.selection import StoredCalendar
from tests.cli.schemas import check_document

CREATED = RecordResult("a.ics", Result.CREATED)
SKIPPED = RecordResult("b.ics", Result.SKIPPED, "another version of it is there")
HELD = RecordResult("c.ics", Result.HELD, "it has guests")
FAILED = RecordResult("d.ics", Result.FAILED, "413 too large")
DIFFERENT = RecordResult("e.ics", Result.CREATED, "", ["VEVENT GEO"])


def report(
    *records: RecordResult, stopped_by: Exception | None = None, not_kept: Sequence[str] = (), reason: str = ""
) -> RestoreReport:
    stored = StoredCalendar("/home", "home")
    calendar = CalendarReport(stored, "Home", "/alice/home/", False, records, not_kept, reason)
    return RestoreReport(bytes(32), "alice@host", [calendar], verified=True, stopped_by=stopped_by)


@pytest.mark.parametrize(
    ("records", "code"),
    [
        ([CREATED], Exit.DONE),
        ([CREATED, SKIPPED], Exit.PARTIAL),
        ([CREATED, FAILED], Exit.PARTIAL),
        ([DIFFERENT], Exit.PARTIAL),
        ([CREATED, HELD], Exit.GUARD),
        ([FAILED, HELD], Exit.GUARD),
    ],
)
def test_the_exit_code_is_that_of_the_worst_record(records: list[RecordResult], code: Exit) -> None:
    answer = done(report(*records), skip_chosen=False)
    assert answer.exit is code
    check_document({"version": 1, "command": "restore", "ok": code == 0, "exit": int(code), "result": answer.result})


def test_skipping_that_was_chosen_is_no_partial_end() -> None:
    assert done(report(CREATED, SKIPPED), skip_chosen=True).exit is Exit.DONE


def test_what_stopped_a_restore_decides_how_it_ends() -> None:
    answer = done(report(FAILED, stopped_by=DestinationUnreachable("the server is gone")), skip_chosen=False)
    assert answer.exit is Exit.UNAVAILABLE
    assert answer.trouble[0] == "stopped: the server is gone"


def test_every_trouble_is_told() -> None:
    whole = report(CREATED, SKIPPED, HELD, FAILED, DIFFERENT, not_kept=["color: 403"], reason="read-only")
    assert done(whole, skip_chosen=False).trouble == [
        "Home: read-only",
        "warning: Home: color: 403",
        "/home/b.ics: skipped: another version of it is there",
        "/home/c.ics: held: it has guests",
        "/home/d.ics: failed: 413 too large",
        "/home/e.ics: kept otherwise than it was sent: VEVENT GEO",
    ]


def test_many_troubles_are_counted() -> None:
    answer = done(report(*[FAILED] * (SHOWN + 5)), skip_chosen=False)
    assert len(answer.trouble) == SHOWN + 1
    assert answer.trouble[-1] == "5 more; --json lists all"
