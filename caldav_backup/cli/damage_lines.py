"""Damage as people read it: which events of which calendars, and how to get good copies.

Owns words and the shape in JSON. What is damaged is found out in `inspection`.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from caldav_backup.cli.counting import counted
from caldav_backup.cli.terminal import PROGRAM

if TYPE_CHECKING:
    from caldav_backup.inspection.damage import DamagedCalendar, DamagedEvent, DamageReport

#: Events of a calendar that are told one by one; the JSON document has all of them.
SHOWN = 10
#: Snapshots that are named as those with good copies.
PLACES = 3
#: Hexadecimal digits of a snapshot's id.
SHORT = 8


def damage_lines(report: DamageReport) -> list[str]:
    """Calendars with the most recent damage first."""
    lines: list[str] = []
    for calendar in report.calendars:
        lines += _calendar_lines(calendar)
    if report.snapshots:
        names = ", ".join(identifier.hex()[:SHORT] for identifier in report.snapshots[:SHOWN])
        more = f" and {len(report.snapshots) - SHOWN} more" if len(report.snapshots) > SHOWN else ""
        lines.append(f"{counted(len(report.snapshots), 'snapshot')} cannot be read at all: {names}{more}")
    return lines


def _calendar_lines(calendar: DamagedCalendar) -> Iterator[str]:
    snapshots = counted(len(calendar.snapshots), "snapshot")
    name = f"{calendar.source}:{calendar.path}" if calendar.source else calendar.path
    total = len(calendar.events) + calendar.more
    if total:
        verb = "is" if total == 1 else "are"
        where = f"; {_where_good(calendar.events)}" if calendar.events else ""
        yield f"{name}: {counted(total, 'event')} {verb} damaged in {snapshots}{where}"
    if calendar.is_unlisted:
        yield f"{name}: the list of its events is damaged in {snapshots}, so some may be missing that have no name here"
    elif not total:
        yield f"{name}: the directory is damaged in {snapshots}"
    for event in calendar.events[:SHOWN]:
        yield f"  {_event_line(event)}"
    if len(calendar.events) > SHOWN:
        yield f"  and {len(calendar.events) - SHOWN} more; --json lists all"


def _where_good(events: Sequence[DamagedEvent]) -> str:
    """`2 of them are good in 1a2b3c4d, 1 is good in no snapshot`."""
    good = Counter(event.good.snapshot for event in events if event.good is not None)
    nowhere = sum(event.good is None for event in events)
    most = good.most_common(PLACES)
    rest = good.total() - sum(count for _, count in most)
    parts = [(count, f"in {snapshot.hex()[:SHORT]}") for snapshot, count in most]
    parts += [(rest, "in other snapshots")] if rest else []
    parts += [(nowhere, "in no snapshot")] if nowhere else []
    if len(parts) == 1:
        return f"{'it is' if len(events) == 1 else 'they are'} good {parts[0][1]}"
    return ", ".join(f"{_some(count, is_first=not number)} good {where}" for number, (count, where) in enumerate(parts))


def _some(count: int, *, is_first: bool) -> str:
    return f"{count}{' of them' if is_first else ''} {'is' if count == 1 else 'are'}"


def _event_line(event: DamagedEvent) -> str:
    name = event.path.rpartition("/")[2]
    if event.good is None:
        return f"{name}: no snapshot has a good copy"
    summary = f" ({event.good.summary})" if event.good.summary else ""
    return f"{name}{summary}: {PROGRAM} cat {shlex.quote(f'{event.good.snapshot.hex()[:SHORT]}:{event.path}')}"


def damage_document(report: DamageReport) -> dict[str, Any]:
    """The same for programs."""
    return {
        "calendars": [
            {
                "source": calendar.source,
                "path": calendar.path,
                "snapshots": [identifier.hex() for identifier in calendar.snapshots],
                "events": [_event_document(event) for event in calendar.events],
                "more_events": calendar.more,
                "unlisted": calendar.is_unlisted,
            }
            for calendar in report.calendars
        ],
        "unreadable_snapshots": [identifier.hex() for identifier in report.snapshots],
    }


def _event_document(event: DamagedEvent) -> dict[str, Any]:
    good = event.good
    return {
        "path": event.path,
        "snapshots": event.snapshots,
        "good": None if good is None else good.snapshot.hex(),
        "summary": None if good is None else good.summary,
        "uid": None if good is None else good.uid,
    }
