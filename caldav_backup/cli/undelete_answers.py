"""Vanished events as people and programs get them, and the numbers by which people choose among them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from caldav_backup.cli.answer import Table
from caldav_backup.cli.exits import Usage
from caldav_backup.cli.listings import start_text
from caldav_backup.inspection.moments import local_text, utc_text

if TYPE_CHECKING:
    from caldav_backup.inspection.vanished_events import Vanished

#: Events that are listed for people; the JSON document has all.
SHOWN = 50
#: What choosing all is called.
ALL = "all"

_DAY = len("2026-05-01")
_RANGE = re.compile(r"(\d{1,6})(?:-(\d{1,6}))?")


def table(events: Sequence[Vanished], *, with_uids: bool) -> Table:
    """The first of them, numbered from 1. UIDs are for those who cannot answer with a number."""
    rows = []
    for number, event in enumerate(events[:SHOWN], 1):
        start = start_text(event.start, event.timezone)
        row = [str(number), when(event), event.missing.calendar.displayname, start, event.title or ""]
        rows.append([*row, event.uid or ""] if with_uids else row)
    headings = ["#", "vanished", "calendar", "date", "title"]
    return Table([*headings, "uid"] if with_uids else headings, rows, frozenset({"#"}))


def more(events: Sequence[Vanished]) -> Sequence[str]:
    """What is not in the table."""
    left_out = len(events) - SHOWN
    return [f"{left_out} more; --since or words narrow it"] if left_out > 0 else []


def when(event: Vanished) -> str:
    """Between which days it vanished, as far as the snapshots tell: `between 2026-05-01 and 2026-05-02`."""
    last = local_text(event.missing.header.timestamp_ns)[:_DAY]
    if event.missing.gone_ns is None:
        return f"after {last}"
    gone = local_text(event.missing.gone_ns)[:_DAY]
    return f"on {gone}" if gone == last else f"between {last} and {gone}"


def document(event: Vanished) -> Mapping[str, Any]:
    """One event in the JSON document."""
    missing = event.missing
    return {
        "uid": event.uid,
        "title": event.title,
        "kinds": list(event.kinds),
        "start": event.start,
        "timezone": event.timezone,
        "calendar": missing.calendar.displayname,
        "snapshot": missing.header.identifier.hex(),
        "path": event.path,
        "last_seen": utc_text(missing.header.timestamp_ns),
        "gone_at": None if missing.gone_ns is None else utc_text(missing.gone_ns),
    }


def chosen(answer: str, count: int) -> list[int]:
    """`1,3-5` or `all` as places from 0 up, each once, ascending; none for an empty answer. Usage for anything else."""
    if answer.strip().lower() == ALL:
        return list(range(count))
    places: set[int] = set()
    for word in answer.replace(",", " ").split():
        found = _RANGE.fullmatch(word)
        first = int(found[1]) if found else 0
        last = int(found[2] or first) if found else 0
        if not 1 <= first <= last <= count:
            raise Usage(f"{word!r} is none of the numbers 1 to {count}; 1,3-5 are several, {ALL} is all of them")
        places.update(range(first - 1, last))
    return sorted(places)
