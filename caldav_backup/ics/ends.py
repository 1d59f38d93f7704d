"""The one spelling of a component's end: DTEND (DUE) and DURATION are two ways to say it, and some ends go without.

Owns which ends are equal: only where both spellings name the same moment for everybody. A nominal day is no 24 hours
where clocks are put forward, and a floating hour is not the same everywhere; such ends stay as they are written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from caldav_backup.ics.zones import is_known_zone

_END_NAMES = {"VEVENT": "DTEND", "VTODO": "DUE"}
_START = re.compile(r"DTSTART((?:;[^:]*)?):([0-9]{8})(?:T([0-9]{6})(Z?))?")
_DURATION = re.compile(r"DURATION:P([0-9]+)DT([0-9]+)S")
_ZONE = re.compile(r";TZID=([^;,]+)")


def settled_end(kind: str, properties: Mapping[str, str]) -> dict[str, str] | None:
    """Canonical `properties` with DURATION written as the end that it leads to, and without an event's default end.

    None where nothing is to be written otherwise. RFC 5545 §3.6.1: an event that says nothing of its end takes one day
    when it starts on a date, else no time.
    """
    end_name = _END_NAMES.get(kind)
    names = properties.values()
    if end_name is None or not ("DURATION" in names or end_name in names):
        return None
    start = next((match for text in properties if text[:7] == "DTSTART" and (match := _START.fullmatch(text))), None)
    if start is None:
        return None
    settled: dict[str, str] | None = None
    duration = None
    if "DURATION" in names:
        duration = next((match for text in properties if (match := _DURATION.fullmatch(text))), None)
    if duration is not None and (end := _end(start, int(duration[1]), int(duration[2]))) is not None:
        settled = dict(properties)
        settled.setdefault(end_name + end, settled.pop(duration[0]))
    default = _end(start, 1 if start[3] is None else 0, 0)
    if kind == "VEVENT" and default is not None and f"DTEND{default}" in (settled or properties):
        settled = dict(settled or properties)
        del settled[f"DTEND{default}"]
    return settled


def _end(start: re.Match[str], days: int, seconds: int) -> str | None:
    """Parameters and value of the end, spelled as the start is; None where it cannot be told exactly."""
    head = f"{start[1]}:"
    try:
        if start[3] is None:
            day = date(int(start[2][:4]), int(start[2][4:6]), int(start[2][6:])) + timedelta(days=days)
            return f"{head}{_day(day)}" if not seconds else None
        moment = _moment(start[2], start[3])
        if not days and not seconds:
            return start[0][7:]
        if start[4]:
            return f"{head}{_clock(moment + timedelta(days=days, seconds=seconds))}Z"
        zone = _ZONE.fullmatch(start[1])
        return None if zone is None or days else _end_in_zone(head, zone[1], moment, seconds)
    except (ValueError, OverflowError):
        return None


def _end_in_zone(head: str, tzid: str, moment: datetime, seconds: int) -> str | None:
    if not is_known_zone(tzid):
        return None
    zone = ZoneInfo(tzid)
    start = moment.replace(tzinfo=zone)
    end = (start.astimezone(UTC) + timedelta(seconds=seconds)).astimezone(zone)
    # A local time that a clock leaves out is not exact, nor is the second of two hours of the same name.
    if end.fold or start.astimezone(UTC).astimezone(zone) != start:
        return None
    return f"{head}{_clock(end)}"


def _moment(day: str, clock: str) -> datetime:
    # strptime would take a tenth of the time that a whole event takes.
    hour, minute, second = int(clock[:2]), int(clock[2:4]), int(clock[4:])
    return datetime(int(day[:4]), int(day[4:6]), int(day[6:]), hour, minute, second, tzinfo=UTC)


def _day(day: date) -> str:
    return f"{day.year:04}{day.month:02}{day.day:02}"


def _clock(moment: datetime) -> str:
    return f"{_day(moment)}T{moment.hour:02}{moment.minute:02}{moment.second:02}"
