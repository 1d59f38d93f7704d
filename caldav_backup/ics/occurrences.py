"""Whether a record happens within a span of time, its recurrences expanded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def occurs_within(content: bytes, since: datetime | None, until: datetime | None) -> bool:
    """True when any occurrence of the object's events, tasks or journals touches the span.

    `since` is inclusive, `until` exclusive, both aware; None is open. What has no date never occurs. All-day and
    floating times are of this machine's time zone.
    """
    import icalendar
    import recurring_ical_events

    first = since if since is not None else datetime(1900, 1, 1, tzinfo=UTC)
    last = until if until is not None else first + timedelta(days=366 * 200)
    try:
        calendar = icalendar.Calendar.from_ical(content)
    except ValueError:
        return False
    query = recurring_ical_events.of(calendar, components=["VEVENT", "VTODO", "VJOURNAL"], skip_bad_series=True)
    return bool(query.between(first, last))
