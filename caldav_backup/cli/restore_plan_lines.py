"""A restore's plan in words: a line for each calendar, one for each record, and who would hear of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from caldav_backup.cli.counting import counted
from caldav_backup.cli.grouping import labelled

if TYPE_CHECKING:
    from caldav_backup.restorer import CalendarPlan, RecordPlan, RestorePlan

#: Records that a person is asked about one by one.
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

#: Why a calendar goes where it goes, in words.
_MATCHED = {
    "into": "as --into says",
    "map": "as --map says",
    "href": "by its address",
    "address": "by the destination's address",
    "name": "by its name",
    "new": "a new calendar",
}

#: What becomes of guests, by `--invites`.
_GUESTS = {
    "suppress": "the server is asked to mail nobody",
    "strip": "they are taken out of what is sent",
    "allow": "the server may mail them",
}


def in_short(plan: RestorePlan) -> list[str]:
    """What a person is asked about: the calendars, and the first of those records that are not merely created."""
    lines = [_calendar_line(calendar) for calendar in plan.calendars]
    records = [line for calendar in plan.calendars for line in _record_lines(plan, calendar, but="create")]
    lines += records[:SHOWN]
    if len(records) > SHOWN:
        lines.append(f"  {len(records) - SHOWN} more; --dry-run lists all")
    return lines + _guest_lines(plan)


def in_full(plan: RestorePlan) -> list[str]:
    """Each calendar with every record that is not identical, then what it comes to."""
    lines = []
    for calendar in plan.calendars:
        lines += [_calendar_line(calendar), *_record_lines(plan, calendar)]
    removed = f", {plan.to_delete} would be removed" if plan.to_delete else ""
    return [*lines, *_guest_lines(plan), f"{plan.to_write} of {counted(plan.total, 'event')} would be written{removed}"]


def _calendar_line(calendar: CalendarPlan) -> str:
    counts: dict[str, int] = {}
    for record in calendar.records:
        action = _PLANNED[record.action.value]
        counts[action] = counts.get(action, 0) + 1
    if calendar.extras:
        counts[f"of the {calendar.there} that are there to be removed"] = len(calendar.extras)
    told = ", ".join(f"{count} {action}" for action, count in counts.items()) or "no events"
    where = _MATCHED["new" if calendar.is_new else calendar.matched_by.value]
    reasons = "".join(f" ({why})" for why in (calendar.reason, calendar.kept) if why)
    return f"{calendar.stored.path} to {calendar.name!r}, {where}: {told}{reasons}"


def _record_lines(plan: RestorePlan, calendar: CalendarPlan, but: str = "") -> Iterator[str]:
    """A line for each record that is not identical, and for each that is to be removed."""
    for record in calendar.records:
        action = record.action.value
        if action not in ("identical", but):
            details = [record.reason] if record.reason != calendar.reason else []
            details += [_guests(plan, record), *record.warnings]
            yield _record_line(action, labelled(record.name, record.title), details)
    for extra in calendar.extras:
        guests = counted(extra.guests, "guest") if extra.guests else ""
        yield _record_line("remove", labelled(extra.version.leaf, extra.title), [guests])


def _record_line(action: str, label: str, details: Sequence[str]) -> str:
    told = "; ".join(detail for detail in details if detail)
    return f"  {action} {label}: {told}" if told else f"  {action} {label}"


def _guests(plan: RestorePlan, record: RecordPlan) -> str:
    is_concerned = plan.writes(record) or record.action.value == "hold"
    return counted(record.guests, "guest") if record.guests and is_concerned else ""


def _guest_lines(plan: RestorePlan) -> list[str]:
    """Who would hear of it."""
    written = [record.guests for calendar in plan.calendars for record in calendar.records if plan.writes(record)]
    removed = [extra.guests for calendar in plan.calendars for extra in calendar.extras]
    concerned = [guests for guests in (*written, *removed) if guests]
    if not concerned:
        return []
    what = _GUESTS[plan.options.invites.value]
    return [f"{counted(len(concerned), 'event')} with {counted(sum(concerned), 'guest')} in all: {what}"]
