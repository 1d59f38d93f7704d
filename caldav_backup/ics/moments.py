"""When one component happens, read from its lines without any library.

Owns the meaning of dates, local, floating and UTC times, and of a component's end. Zones that the time zone database
does not know are not resolved: such a moment is not sure.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from caldav_backup.ics.lines import ContentLine
from caldav_backup.ics.zones import is_known_zone

#: The lines of a component that tell of times, by property name.
Properties = dict[str, list[ContentLine]]

_VALUE = re.compile(r"([0-9]{8})(?:T([0-9]{6})(Z?))?", re.IGNORECASE)
_DURATION = re.compile(
    r"([+-]?)P(?:([0-9]{1,6})W)?(?:([0-9]{1,6})D)?(?:T(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9})S)?)?",
    re.IGNORECASE,
)
_DAY = timedelta(days=1)


class Span(NamedTuple):
    """From `start` to `end`, aware, `end` exclusive and never before `start`; the same for what takes no time.

    Not `is_sure`: told in a zone that is not known, and read as if it were UTC. `is_local`: of this machine's zone.
    """

    start: datetime
    end: datetime
    is_sure: bool = True
    is_local: bool = False

    def touches(self, since: datetime | None, until: datetime | None) -> bool:
        """True when any of it is within the span from `since` (inclusive) to `until` (exclusive)."""
        if until is not None and self.start >= until:
            return False
        return since is None or self.end > since or self.start >= since


class _Moment(NamedTuple):
    at: datetime
    is_date: bool = False
    is_sure: bool = True
    is_local: bool = False


def span_of(component: Properties) -> Span | None:
    """When the component happens (the first time, if it recurs); None for one without any date that can be read."""
    start = _moment(component, "DTSTART")
    end = _moment(component, "DTEND") or _moment(component, "DUE")
    start = start or end or _moment(component, "COMPLETED")
    if start is None:
        return None
    last = _end(start, end, component)
    is_sure = start.is_sure and (end is None or end.is_sure)
    return Span(start.at, max(start.at, last), is_sure, start.is_local)


def _end(start: _Moment, end: _Moment | None, component: Properties) -> datetime:
    try:
        if end is not None and end is not start:
            # A task that is due on a day may be done on that day.
            return end.at + _DAY if end.is_date and "DUE" in component else end.at
        if (length := _length(component)) is not None:
            return start.at + length
        return start.at + _DAY if start.is_date else start.at
    except OverflowError:
        return start.at


def _length(component: Properties) -> timedelta | None:
    for line in component.get("DURATION", ()):
        match = _DURATION.fullmatch(line.value.strip())
        if match is not None and match[1] != "-":
            weeks, days, hours, minutes, seconds = (int(group or 0) for group in match.groups()[1:])
            return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    return None


def _moment(component: Properties, name: str) -> _Moment | None:
    for line in component.get(name, ()):
        match = _VALUE.fullmatch(line.value.strip())
        if match is None:
            continue
        try:
            return _in_zone(
                _written(match[1], match[2] or "000000"), line, is_date=match[2] is None, is_utc=bool(match[3])
            )
        except (ValueError, OverflowError):
            continue
    return None


def _written(day: str, clock: str) -> datetime:
    # A tenth of the time that strptime takes, and every record of a selection is looked at. A leap second is the 59th.
    year, month, of_month = int(day[:4]), int(day[4:6]), int(day[6:])
    return datetime(year, month, of_month, int(clock[:2]), int(clock[2:4]), min(int(clock[4:]), 59), tzinfo=UTC)


def _in_zone(written: datetime, line: ContentLine, *, is_date: bool, is_utc: bool) -> _Moment:
    if is_utc:
        return _Moment(written)
    tzid = next((values[0] for name, values in line.parameters if name == "TZID" and values), "")
    if is_date or not tzid:
        return _Moment(as_local(written), is_date, is_local=True)
    if is_known_zone(tzid):
        return _Moment(written.replace(tzinfo=ZoneInfo(tzid)))
    return _Moment(written, is_sure=False)


def as_local(written: datetime) -> datetime:
    """What a clock on the wall shows here at the moment when it shows `written`; UTC where no clock goes that far."""
    try:
        return written.replace(tzinfo=None).astimezone()
    except (OverflowError, ValueError, OSError):
        return written
