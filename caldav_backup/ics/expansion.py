"""Series expanded by the recurring-ical-events library, within bounds.

Owns the bounds: how many steps a rule may take, and how far into the future an endless series is followed. Imported
only when a series must be expanded, since the library and icalendar below it take a third of a second to load.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import icalendar
import recurring_ical_events

from caldav_backup.ics.cutting import all_pieces, cut
from caldav_backup.ics.lines import unfold
from caldav_backup.ics.meaning import zone_digest
from caldav_backup.ics.moments import Properties, Span
from caldav_backup.ics.zones import with_renamed_zones, with_zone_name

_STEPS = {"SECONDLY": 1, "MINUTELY": 60, "HOURLY": 3600, "DAILY": 86_400, "WEEKLY": 604_800, "MONTHLY": 2_419_200}
_YEAR = 31_536_000
#: A rule that needs more steps than this to reach the span is not followed: a second or two of work.
_MOST_STEPS = 100_000
#: What a rule of every day, week, month or year describes happens within forty years (a 29th of February that is a
#: Monday, around 2100) or never. With longer intervals: the calendar repeats itself after four hundred years.
_LONGEST_GAP, _CYCLE = timedelta(days=16_000), timedelta(days=146_097)
_LONGEST_MONTHS = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
_DAY = timedelta(days=1)
_FIRST, _LAST = datetime(1, 1, 9, tzinfo=UTC), datetime(9999, 12, 20, tzinfo=UTC)
_WINDOWS = (timedelta(days=62), timedelta(days=731), timedelta(days=5_844), timedelta(days=46_752))
_COMPONENTS = ("VEVENT", "VTODO", "VJOURNAL")


def expanded_within(
    content: bytes,
    components: Sequence[Properties],
    spans: Sequence[Span],
    since: datetime | None,
    until: datetime | None,
) -> bool:
    """True when an occurrence touches the span, or when that cannot be told and the series may be going on then.

    `components` and `spans` are what a look at the lines of `content` found.
    """
    starts = [_within_calendar(span.start) for span in spans]
    first = _within_calendar(since) if since is not None else min(starts, default=_FIRST) - _DAY
    rules = [_parts(line.value) for component in components for line in component.get("RRULE", ())]
    reach = _CYCLE if any(_interval(rule) > 1 for rule in rules) else _LONGEST_GAP
    last = _within_calendar(until) if until is not None else min(max([first, *starts]), _LAST - reach) + reach
    if any(_is_impossible(rule) for rule in rules):
        return any(span.touches(since, until) for span in spans)
    if any(_steps(rule, spans, last) > _MOST_STEPS for rule in rules):
        return _may_be_going_on(components, spans, since, until)
    try:
        with warnings.catch_warnings(action="ignore"):
            return _is_found(_query(content), spans, first, last)
    except Exception:  # noqa: BLE001 - two libraries at the bytes of strangers: whatever they raise, they did not answer
        return _may_be_going_on(components, spans, since, until)


def _within_calendar(moment: datetime) -> datetime:
    return min(max(moment, _FIRST), _LAST)


def _parts(rule: str) -> dict[str, str]:
    return dict(part.partition("=")[::2] for part in rule.upper().replace(" ", "").split(";"))


def _interval(rule: dict[str, str]) -> int:
    told = rule.get("INTERVAL", "1")
    return int(told) if told.isdecimal() and 0 < len(told) < 12 else 1


def _steps(rule: dict[str, str], spans: Sequence[Span], last: datetime) -> float:
    """How many times a rule is applied from the beginning of its series until `last`."""
    every = _STEPS.get(rule.get("FREQ", ""), _YEAR) * max(_interval(rule), 1)
    start = min((span.start for span in spans), default=last)
    end = last
    if (match := re.match(r"[0-9]{8}", rule.get("UNTIL", ""))) is not None:
        end = min(last, _day(match[0]) + _DAY)
    return (end - start).total_seconds() / every


def _is_impossible(rule: dict[str, str]) -> bool:
    """True for a rule of days that its months do not have: dateutil 2.9 would look for one until the year 9999."""
    try:
        months = [int(month) for month in rule.get("BYMONTH", "").split(",")]
        days = [abs(int(day)) for day in rule.get("BYMONTHDAY", "").split(",")]
    except ValueError:
        return False
    return all(day > _LONGEST_MONTHS.get(month, 31) for month in months for day in days)


def _day(digits: str) -> datetime:
    try:
        return _within_calendar(datetime.strptime(digits, "%Y%m%d").replace(tzinfo=UTC))
    except ValueError:
        return _LAST


def _query(content: bytes) -> recurring_ical_events.CalendarQuery:
    calendar = icalendar.Calendar.from_ical(_with_own_zones(content))
    return recurring_ical_events.of(calendar, components=_COMPONENTS)


def _with_own_zones(content: bytes) -> bytes:
    """The object with its END lines, and with names of zones that no other definition has had.

    icalendar 7.3 keeps the first definition that it reads of each name, for all calendars of the process.
    """
    texts: list[bytes] = []
    renamed: dict[str, str] = {}
    for piece in all_pieces(cut(content).calendars):
        tzid, digest = zone_digest(b"\n".join(unfold(piece.text))) if piece.kind == "VTIMEZONE" else ("", b"")
        if digest:
            renamed[tzid] = f"{tzid} {digest.hex()}"
            texts.append(with_zone_name(piece.text, renamed[tzid]))
        else:
            texts.append(piece.text)
    if renamed:
        texts = [with_renamed_zones(text, renamed) for text in texts]
    return b"".join([b"BEGIN:VCALENDAR\n", *texts, b"END:VCALENDAR\n"]).replace(b"\n", b"\r\n")


def _is_found(
    query: recurring_ical_events.CalendarQuery, spans: Sequence[Span], first: datetime, last: datetime
) -> bool:
    is_local = any(span.is_local for span in spans)
    for window in _windows(first, last):
        start, end = (_as_told(moment, is_local=is_local) for moment in window)
        # Not `query.between`, which makes a component of every instance where one is enough to know.
        if any(True for series in query.series for _ in series.between(start, end)):
            return True
    return False


def _windows(first: datetime, last: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The span in pieces, each longer than the one before: what recurs is mostly found in the first."""
    for length in _WINDOWS:
        if last - first <= length:
            break
        yield first, first + length
        first += length
    yield first, last


def _as_told(moment: datetime, *, is_local: bool) -> datetime:
    """As the clock on the wall here for series of all-day and floating times, which the library compares by it."""
    return moment.astimezone().replace(tzinfo=None) if is_local else moment


def _may_be_going_on(
    components: Sequence[Properties], spans: Sequence[Span], since: datetime | None, until: datetime | None
) -> bool:
    if not spans:
        return False
    if until is not None and min(span.start for span in spans) - _DAY >= until:
        return False
    if since is None or any("RDATE" in component for component in components):
        return True
    rules = [line.value for component in components for line in component.get("RRULE", ())]
    ends = [match for rule in rules if (match := re.search(r"UNTIL=([0-9]{8})", rule, re.IGNORECASE))]
    longest = max(span.end - span.start for span in spans) + 2 * _DAY
    if len(ends) < len(rules):
        return True
    return any(_within_calendar(_day(match[1])) + longest >= since for match in ends) or any(
        span.end + _DAY >= since for span in spans
    )
