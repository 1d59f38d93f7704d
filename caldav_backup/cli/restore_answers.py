"""Plans and reports of restores as answers: what people read, what programs get, and the exit code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from caldav_backup.cli.answer import Answer
from caldav_backup.cli.counting import counted
from caldav_backup.cli.exits import Exit, exit_of, worst
from caldav_backup.cli.render import error_message

if TYPE_CHECKING:
    from caldav_backup.restorer import CalendarPlan, RestorePlan, RestoreReport

#: Records that are told one by one; the JSON document has all of them.
SHOWN = 20

#: What a plan says of records, in words.
_PLANNED = {
    "create": "to create",
    "identical": "there already",
    "replace": "to replace",
    "duplicate": "to create beside what is there",
    "conflict": "there in another version, to be skipped",
    "hold": "to be held back",
    "cannot": "that cannot be written",
}

#: Results that a person must hear of.
_TROUBLES = ("skipped", "held", "failed")


def plan_lines(plan: RestorePlan) -> list[str]:
    """One line for each calendar."""
    return [_plan_line(calendar) for calendar in plan.calendars]


def planned(plan: RestorePlan) -> Answer:
    """A dry run's answer."""
    result = {
        "dry_run": True,
        "snapshot": plan.snapshot.hex(),
        "destination": plan.destination,
        "counts": {action.value: count for action, count in plan.counts().items()},
        "calendars": [
            {
                "path": calendar.stored.path,
                "target": calendar.name,
                "matched_by": calendar.matched_by.value,
                "reason": calendar.reason,
                "new": calendar.is_new,
                "records": [
                    {"name": record.name, "action": record.action.value, "reason": record.reason}
                    for record in calendar.records
                ],
            }
            for calendar in plan.calendars
        ],
    }
    return Answer(
        result, ["\n".join(plan_lines(plan)), f"{plan.to_write} of {counted(plan.total, 'event')} would be written"]
    )


def done(report: RestoreReport, *, skip_chosen: bool, to_stdout: bool = False) -> Answer:
    """What came of a restore. `skip_chosen`: skipped events were to be skipped. `to_stdout`: the events went there."""
    counts = {result.value: count for result, count in report.counts().items()}
    told = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing to restore"
    verified = ", read back and compared" if report.verified else ""
    return Answer(
        _result(report, counts),
        summary=[f"{'standard output' if to_stdout else report.destination}: {told}{verified}"],
        trouble=list(_troubles(report)),
        raw=() if to_stdout else None,
        exit=_exit(report, counts, skip_chosen=skip_chosen),
    )


def _exit(report: RestoreReport, counts: dict[str, int], *, skip_chosen: bool) -> Exit:
    codes = [Exit.DONE if report.stopped_by is None else exit_of(report.stopped_by)]
    if counts["failed"] or report.differing or (counts["skipped"] and not skip_chosen):
        codes.append(Exit.PARTIAL)
    if counts["held"]:
        codes.append(Exit.GUARD)
    return worst(codes)


def _result(report: RestoreReport, counts: dict[str, int]) -> dict[str, Any]:
    return {
        "dry_run": False,
        "snapshot": report.snapshot.hex(),
        "destination": report.destination,
        "verified": report.verified,
        "stopped_by": None if report.stopped_by is None else error_message(report.stopped_by),
        "counts": counts,
        "calendars": [
            {
                "path": calendar.stored.path,
                "target": calendar.target,
                "key": calendar.key,
                "created": calendar.created,
                "not_kept": list(calendar.not_kept),
                "reason": calendar.reason,
                "records": [
                    {
                        "name": record.name,
                        "result": record.result.value,
                        "reason": record.reason,
                        "differs": list(record.differs),
                    }
                    for record in calendar.records
                ],
            }
            for calendar in report.calendars
        ],
    }


def _troubles(report: RestoreReport) -> Iterator[str]:
    from caldav_backup.restorer.applying import NOT_REACHED

    if report.stopped_by is not None:
        yield f"stopped: {error_message(report.stopped_by)}"
    for calendar in report.calendars:
        if calendar.reason:
            yield f"{calendar.target}: {calendar.reason}"
        yield from (f"warning: {calendar.target}: {what}" for what in calendar.not_kept)
    records = [record for calendar in report.calendars for record in calendar.records]
    lines = list(_record_troubles(report))
    yield from lines[:SHOWN]
    if len(lines) > SHOWN:
        yield f"{len(lines) - SHOWN} more; --json lists all"
    if missed := sum(record.reason == NOT_REACHED for record in records):
        yield f"{counted(missed, 'event')} not reached; once that is mended, the same command does the rest"


def _record_troubles(report: RestoreReport) -> Iterator[str]:
    from caldav_backup.restorer.applying import NOT_REACHED

    for calendar in report.calendars:
        for record in calendar.records:
            name = f"{calendar.stored.path.rstrip('/')}/{record.name}"
            if record.result.value in _TROUBLES and record.reason != NOT_REACHED:
                yield f"{name}: {record.result.value}: {record.reason}"
            elif record.differs:
                yield f"{name}: kept otherwise than it was sent: {', '.join(record.differs)}"


def _plan_line(calendar: CalendarPlan) -> str:
    counts: dict[str, int] = {}
    for record in calendar.records:
        action = _PLANNED[record.action.value]
        counts[action] = counts.get(action, 0) + 1
    told = ", ".join(f"{count} {action}" for action, count in counts.items()) or "no events"
    where = "a new calendar" if calendar.is_new else f"by {calendar.matched_by.value}"
    reason = f" ({calendar.reason})" if calendar.reason else ""
    return f"{calendar.stored.path} to {calendar.name!r}, {where}: {told}{reason}"
