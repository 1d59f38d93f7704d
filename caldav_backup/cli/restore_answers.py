"""Plans and reports of restores as answers: what people read, and the exit code.

Owns the words for what was done. Those for a plan are `restore_plan_lines`', what programs get is `restore_documents`',
the telling of many events in one line `grouping`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from caldav_backup.cli import restore_documents, restore_plan_lines
from caldav_backup.cli.answer import Answer, Table
from caldav_backup.cli.counting import counted
from caldav_backup.cli.exits import Exit, exit_of, worst
from caldav_backup.cli.grouping import Told, grouped, labelled
from caldav_backup.cli.render import error_message

if TYPE_CHECKING:
    from caldav_backup.restorer import (
        CalendarReport,
        RecordResult,
        RestorePlan,
        RestoreReport,
    )

#: Reasons that are told one by one; the JSON document has all.
SHOWN = 20

#: What is told of a result, and the heading of its column.
_HEADINGS = {"held": "held back"}
#: Results that a person must hear of, and what of the reasons of the others is worth knowing.
_TROUBLES = ("failed", "held", "skipped")

_HINTS = {
    "failed": "the same command tries again what failed, and leaves alone what is there by then",
    "held": "--invites strip restores what was held back without its guests; --invites allow as it is,"
    " and then the server may mail them",
}
#: What `restore` takes for events that are there in another version.
CHOICES = "replace, newer, duplicate, or skip, which leaves them"


def plan_lines(plan: RestorePlan) -> list[str]:
    """What a person is asked about."""
    return restore_plan_lines.in_short(plan)


def planned(plan: RestorePlan) -> Answer:
    """A dry run's answer."""
    return Answer(restore_documents.plan_document(plan), ["\n".join(restore_plan_lines.in_full(plan))])


def done(
    report: RestoreReport, *, skip_chosen: bool, choices: str = CHOICES, to_stdout: bool = False, undo: str = ""
) -> Answer:
    """What came of a restore.

    `skip_chosen`: skipped events were to be skipped; `choices` are what else could be said of them. `to_stdout`: the
    events went there. `undo` is the command that takes it back, "" where there is none.
    """
    made = sorted({repr(calendar.target) for calendar in report.calendars if calendar.created})
    return Answer(
        restore_documents.report_document(report, undo),
        summary=[
            *([] if to_stdout else _table(report)),
            *grouped(_notes(report), SHOWN),
            _line("standard output" if to_stdout else report.destination, report),
            *([f"to undo this: {undo}"] if undo else []),
            *([f"which leaves what was made for it: {', '.join(made)}"] if undo and made else []),
        ],
        trouble=list(_troubles(report, choices="" if skip_chosen else choices)),
        raw=() if to_stdout else None,
        exit=_exit(report, skip_chosen=skip_chosen),
    )


def _exit(report: RestoreReport, *, skip_chosen: bool) -> Exit:
    counts = {result.value: count for result, count in report.counts().items()}
    erasures = {result.value: count for result, count in report.erasures().items()}
    codes = [Exit.DONE if report.stopped_by is None else exit_of(report.stopped_by)]
    if counts["failed"] or report.differing or report.unread or (counts["skipped"] and not skip_chosen):
        codes.append(Exit.PARTIAL)
    if erasures["failed"] or erasures["skipped"]:
        codes.append(Exit.PARTIAL)
    if counts["held"] or erasures["held"]:
        codes.append(Exit.GUARD)
    return worst(codes)


# What was done


def _line(where: str, report: RestoreReport) -> str:
    counts = {result.value: count for result, count in report.counts().items()}
    counts["deleted"] = _deleted(report.calendars)
    told = ", ".join(f"{count} {_heading(name)}" for name, count in counts.items() if count) or "nothing to restore"
    return f"{where}: {told}{_read_back(report)}"


def _read_back(report: RestoreReport) -> str:
    """How what was read back looks, where that is worth a word."""
    is_written = any(record.result.value in ("created", "replaced") for record in _records(report))
    if not report.verified or not is_written:
        return ""
    rewritten = [record for record in _records(report) if record.read_back.value == "rewritten"]
    kinds = ", ".join(dict.fromkeys(kind for record in rewritten for kind in record.rewritten))
    named = f" ({kinds})" if kinds else ""
    said = f", {len(rewritten)} of them rewritten by the server in their form only{named}" if rewritten else ""
    return f", read back and compared{said}"


def _table(report: RestoreReport) -> list[Table]:
    """Results by calendar, where that is more than the one line says; columns without any number are left out."""
    from caldav_backup.restorer.applying import NOT_REACHED

    if len(report.calendars) < 2 or all(record.reason == NOT_REACHED for record in _records(report)):
        return []
    rows = [_numbers([calendar]) for calendar in report.calendars]
    total = _numbers(report.calendars)
    shown = [name for name, count in total.items() if count]
    headings = ("calendar", *map(_heading, shown))
    names = [*_calendar_names(report), "total"]
    lines = [[name, *(str(row[each]) for each in shown)] for name, row in zip(names, [*rows, total], strict=True)]
    return [Table(headings, lines, frozenset(headings[1:]))] if shown else []


def _calendar_names(report: RestoreReport) -> list[str]:
    """What each is called where it is now; where it came from, if several went to the same one."""
    targets = [calendar.target for calendar in report.calendars]
    return [
        calendar.target if targets.count(calendar.target) == 1 else calendar.stored.displayname
        for calendar in report.calendars
    ]


def _numbers(calendars: Sequence[CalendarReport]) -> dict[str, int]:
    from caldav_backup.restorer import Result

    found = {result.value: 0 for result in Result}
    for calendar in calendars:
        for record in calendar.records:
            found[record.result.value] += 1
    return {**found, "deleted": _deleted(calendars)}


def _deleted(calendars: Sequence[CalendarReport]) -> int:
    return sum(extra.result.value == "deleted" for calendar in calendars for extra in calendar.extras)


def _heading(name: str) -> str:
    return _HEADINGS.get(name, name)


# What else is to be known


def _notes(report: RestoreReport) -> Iterator[Told]:
    """What is to be known of records that nothing is wrong with: how what was sent differs from what is stored."""
    for calendar in report.calendars:
        for record in calendar.records:
            if record.result.value not in _TROUBLES and record.reason and not _is_unread(record):
                yield _told(calendar, record, record.result.value, record.reason)


def _troubles(report: RestoreReport, *, choices: str) -> Iterator[str]:
    from caldav_backup.restorer.applying import NOT_REACHED

    if report.stopped_by is not None:
        yield f"stopped: {error_message(report.stopped_by)}"
    for calendar in report.calendars:
        yield from (f"{calendar.target}: {why}" for why in (calendar.reason, calendar.kept) if why)
        yield from (f"warning: {calendar.target}: {what}" for what in calendar.not_kept)
    yield from grouped(_record_troubles(report), SHOWN)
    counts = {result.value: count for result, count in report.counts().items()}
    missed = sum(record.reason == NOT_REACHED for record in _records(report))
    missed += sum(extra.reason == NOT_REACHED for calendar in report.calendars for extra in calendar.extras)
    if missed:
        yield f"{counted(missed, 'event')} not reached; once that is mended, the same command does the rest"
    elif counts["failed"]:
        yield _HINTS["failed"]
    if counts["held"]:
        yield _HINTS["held"]
    if counts["skipped"] and choices:
        yield f"--on-conflict says what becomes of events that are there in another version: {choices}"


def _record_troubles(report: RestoreReport) -> Iterator[Told]:
    """The worst first."""
    from caldav_backup.restorer.applying import NOT_REACHED

    for trouble in _TROUBLES:
        for calendar in report.calendars:
            known = (NOT_REACHED, calendar.reason)
            for record in calendar.records:
                if record.result.value == trouble and record.reason not in known:
                    yield _told(calendar, record, _heading(trouble), record.reason)
                elif trouble == "failed" and (what := _difference(record)):
                    yield _told(calendar, record, *what)
            for extra in calendar.extras:
                if extra.result.value == trouble and extra.reason not in known:
                    path = f"{calendar.target}/{extra.leaf}"
                    yield Told(extra.leaf, labelled(path, extra.title), f"not removed, {trouble}", extra.reason)


def _difference(record: RecordResult) -> tuple[str, str] | None:
    """What reading it back brought to light of a record that was written."""
    if record.read_back.value == "changed":
        return "kept otherwise than it was sent", ", ".join(record.differs)
    return ("written", record.reason) if _is_unread(record) else None


def _is_unread(record: RecordResult) -> bool:
    from caldav_backup.restorer.verifying import NOT_READABLE

    return NOT_READABLE in record.reason


def _told(calendar: CalendarReport, record: RecordResult, what: str, reason: str) -> Told:
    path = f"{calendar.stored.path.rstrip('/')}/{record.name}"
    return Told(record.name, labelled(path, record.title), what, reason)


def _records(report: RestoreReport) -> Iterator[RecordResult]:
    return (record for calendar in report.calendars for record in calendar.records)
