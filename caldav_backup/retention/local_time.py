"""Moments on the user's clock: where days, weeks and months begin and end. Pure but for this machine's time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

_SECOND = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A store may claim any time; beyond these years the arithmetic of `datetime` ends.
_EARLIEST = int((datetime(2, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds())
_LATEST = int((datetime(9998, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds())


def local_time(timestamp_ns: int, zone: tzinfo | None) -> datetime:
    """The moment on the clocks of `zone`, None for this machine's, without fractions of a second."""
    seconds = min(max(timestamp_ns // _SECOND, _EARLIEST), _LATEST)
    return (_EPOCH + timedelta(seconds=seconds)).astimezone(zone)


def timestamp_ns(wall: datetime, zone: tzinfo | None) -> int:
    """When clocks of `zone` show the naive `wall`, in nanoseconds since the Unix epoch."""
    moment = wall.astimezone() if zone is None else wall.replace(tzinfo=zone)
    return (moment - _EPOCH) // timedelta(seconds=1) * _SECOND
