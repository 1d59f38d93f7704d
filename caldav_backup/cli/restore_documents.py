"""Plans and reports of restores as programs get them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from caldav_backup.cli.render import error_message

if TYPE_CHECKING:
    from caldav_backup.restorer import CalendarPlan, CalendarReport, RestorePlan, RestoreReport


def plan_document(plan: RestorePlan) -> Mapping[str, Any]:
    """The `result` of a dry run."""
    return {
        "dry_run": True,
        "snapshot": plan.snapshot.hex(),
        "destination": plan.destination,
        "counts": {action.value: count for action, count in plan.counts().items()},
        "deletions": plan.to_delete,
        "calendars": [_planned_calendar(calendar) for calendar in plan.calendars],
    }


def report_document(report: RestoreReport, undo: str) -> Mapping[str, Any]:
    """The `result` of a restore; `undo` is the command that takes it back, "" for none."""
    return {
        "dry_run": False,
        "snapshot": report.snapshot.hex(),
        "destination": report.destination,
        "verified": report.verified,
        "stopped_by": None if report.stopped_by is None else error_message(report.stopped_by),
        "undo": undo or None,
        "counts": {result.value: count for result, count in report.counts().items()},
        "deleted": sum(extra["result"] == "deleted" for extra in _every_extra(report)),
        "calendars": [_reported_calendar(calendar) for calendar in report.calendars],
    }


def _planned_calendar(calendar: CalendarPlan) -> Mapping[str, Any]:
    return {
        "path": calendar.stored.path,
        "target": calendar.name,
        "matched_by": calendar.matched_by.value,
        "reason": calendar.reason,
        "new": calendar.is_new,
        "there": calendar.there,
        "kept": calendar.kept,
        "records": [
            {
                "name": record.name,
                "title": record.title,
                "action": record.action.value,
                "reason": record.reason,
                "guests": record.guests,
                "warnings": list(record.warnings),
            }
            for record in calendar.records
        ],
        "extras": [
            {"name": extra.version.leaf, "uid": extra.uid, "title": extra.title, "guests": extra.guests}
            for extra in calendar.extras
        ],
    }


def _reported_calendar(calendar: CalendarReport) -> Mapping[str, Any]:
    return {
        "path": calendar.stored.path,
        "target": calendar.target,
        "key": calendar.key,
        "created": calendar.created,
        "not_kept": list(calendar.not_kept),
        "reason": calendar.reason,
        "kept": calendar.kept,
        "records": [
            {
                "name": record.name,
                "title": record.title,
                "result": record.result.value,
                "reason": record.reason,
                "read_back": record.read_back.value,
                "differs": list(record.differs),
                "rewritten": list(record.rewritten),
            }
            for record in calendar.records
        ],
        "extras": _extras(calendar),
    }


def _extras(calendar: CalendarReport) -> Sequence[Mapping[str, Any]]:
    return [
        {
            "name": extra.leaf,
            "uid": extra.uid,
            "title": extra.title,
            "result": extra.result.value,
            "reason": extra.reason,
        }
        for extra in calendar.extras
    ]


def _every_extra(report: RestoreReport) -> Sequence[Mapping[str, Any]]:
    return [extra for calendar in report.calendars for extra in _extras(calendar)]
