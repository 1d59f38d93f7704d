"""Whether a record happens within a span of time, its recurrences expanded.

Owns which occurrences touch a span (RFC 4791 §9.9), decided by a look at a few lines where nothing recurs. Expanding is
the recurring-ical-events library's (`expansion`), asked only about series, and about times in zones that only the
object itself defines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum

from caldav_backup.ics.lines import parse_line
from caldav_backup.ics.moments import Properties, Span, span_of
from caldav_backup.ics.outline import lines_called, outlines

_LINES = lines_called("DTSTART", "DTEND", "DUE", "DURATION", "COMPLETED", "RRULE", "RDATE")
#: How far a local time may be from UTC, on either side.
_FARTHEST_ZONE = timedelta(hours=15)


class _Look(Enum):
    INSIDE = "touches the span"
    OUTSIDE = "does not"
    UNSURE = "depends on a time zone that only the object defines"


def occurs_within(content: bytes, since: datetime | None, until: datetime | None) -> bool:
    """True when any occurrence of the object's events, tasks, journals or free/busy times touches the span.

    `since` is inclusive, `until` exclusive, both aware; None is open. What has no date never occurs; a task has its
    start, its due date, or the time of its completion. All-day and floating times are of this machine's time zone.
    A series whose expansion has no reasonable end (every second for years), or that no parser understands, counts as
    happening all the time from its start to its UNTIL: rather one record too many than one too few. Never raises.
    """
    components = _components(content)
    spans = [span for component in components if (span := span_of(component)) is not None]
    if not spans:
        return False
    looks = [_look(span, since, until) for span in spans]
    if not any("RRULE" in component or "RDATE" in component for component in components):
        if _Look.UNSURE in looks and _Look.INSIDE not in looks:
            return _expanded(content, components, spans, since, until)
        return _Look.INSIDE in looks
    if _Look.UNSURE not in looks and _is_over(components, spans, since, until):
        return _Look.INSIDE in looks
    return _expanded(content, components, spans, since, until)


def _components(content: bytes) -> Sequence[Properties]:
    """The lines of each component that tell of times, by property name."""
    return [
        {
            name: [parsed for line in lines if (parsed := parse_line(line)) is not None]
            for name, lines in outline.items()
        }
        for outline in outlines(content, _LINES)
    ]


def _look(span: Span, since: datetime | None, until: datetime | None) -> _Look:
    if span.is_sure:
        return _Look.INSIDE if span.touches(since, until) else _Look.OUTSIDE
    wide = Span(span.start - _FARTHEST_ZONE, span.end + _FARTHEST_ZONE)
    return _Look.UNSURE if wide.touches(since, until) else _Look.OUTSIDE


def _is_over(
    components: Sequence[Properties], spans: Sequence[Span], since: datetime | None, until: datetime | None
) -> bool:
    """True when the whole series, with every moment that could be of it, lies before or after the span."""
    if any("RDATE" in component for component in components):
        return False
    if until is not None and min(span.start for span in spans) - _FARTHEST_ZONE >= until:
        return True
    if since is None:
        return False
    rules = [line.value.upper() for component in components for line in component.get("RRULE", ())]
    lasts = [re.search(r"UNTIL=([0-9]{8})", rule) for rule in rules]
    longest = max(span.end - span.start for span in spans) + timedelta(days=2)
    try:
        return all(
            last is not None and datetime.strptime(last[1], "%Y%m%d").replace(tzinfo=since.tzinfo) + longest < since
            for last in lasts
        )
    except (ValueError, OverflowError):
        return False


def _expanded(
    content: bytes,
    components: Sequence[Properties],
    spans: Sequence[Span],
    since: datetime | None,
    until: datetime | None,
) -> bool:
    from caldav_backup.ics.expansion import expanded_within

    return expanded_within(content, components, spans, since, until)
