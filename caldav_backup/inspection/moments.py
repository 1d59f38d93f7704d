"""Moments as people write them, in nanoseconds since the Unix epoch."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from caldav_backup.inspection.errors import NotASnapshot

_AGO = re.compile(r"(\d{1,6})(s|m|h|d|w)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SECOND = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE_LENGTH = len("2026-05-01")
_EARLIEST = int((datetime(2, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds())
_LATEST = int((datetime(9998, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds())


def moment_ns(text: str, now_ns: int) -> int:
    """`2026-05-01` (its local midnight), `2026-05-01T12:30` (local unless it says otherwise), or `7d` before now."""
    ago = _AGO.fullmatch(text)
    if ago:
        return now_ns - int(timedelta(**{_UNITS[ago[2]]: int(ago[1])}).total_seconds()) * _SECOND
    return _nanoseconds(_parsed(text, "2026-05-01, 2026-05-01T12:30 or 7d"))


def end_ns(text: str) -> int:
    """The first nanosecond after the local day `2026-05-01`, or the moment itself where a time is given."""
    moment = _parsed(text, "2026-05-01 or 2026-05-01T12:30")
    if len(text) == _DATE_LENGTH:
        # Local days have 23 to 25 hours, so the next midnight is asked for and not added.
        moment = datetime.combine(moment.date() + timedelta(days=1), datetime.min.time()).astimezone()
    return _nanoseconds(moment)


def local_text(timestamp_ns: int) -> str:
    """`2026-05-01 12:30` in local time, for people."""
    return _datetime(timestamp_ns).astimezone().strftime("%Y-%m-%d %H:%M")


def utc_text(timestamp_ns: int) -> str:
    """RFC 3339 in UTC with all nine digits, for programs."""
    return f"{_datetime(timestamp_ns):%Y-%m-%dT%H:%M:%S}.{timestamp_ns % _SECOND:09d}Z"


def _datetime(timestamp_ns: int) -> datetime:
    # A store may claim any time; beyond these years the calendar arithmetic of `datetime` ends.
    seconds = min(max(timestamp_ns // _SECOND, _EARLIEST), _LATEST)
    return _EPOCH + timedelta(seconds=seconds)


def _parsed(text: str, forms: str) -> datetime:
    try:
        parsed = date.fromisoformat(text) if len(text) == _DATE_LENGTH else datetime.fromisoformat(text)
        if not 1900 <= parsed.year <= 9000:
            raise ValueError(text)
        moment = parsed if isinstance(parsed, datetime) else datetime.combine(parsed, datetime.min.time())
        return moment.astimezone()
    except (ValueError, OverflowError, OSError):
        raise NotASnapshot(f"{text!r} is no date such as {forms}") from None


def _nanoseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(seconds=1) * _SECOND
