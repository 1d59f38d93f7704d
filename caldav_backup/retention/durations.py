"""Lengths of time by the calendar: `30d`, `1y6m`. A month is a month, however many days it has."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from caldav_backup.retention.local_time import local_time, timestamp_ns

FORM = "such as 30d, 2w, 6m or 1y6m (hours h, days d, weeks w, months m, years y)"

_PARTS = re.compile(r"(\d{1,5})([hdwmy])")
_WHOLE = re.compile(r"(?:\d{1,5}[hdwmy])+", re.ASCII)
_EARLIEST_YEAR = 2
_HOUR = 3_600_000_000_000
#: Before anything that a header can tell: its seconds have 64 bits at most.
_EVER = -(1 << 63) * 1_000_000_000


class Duration(NamedTuple):
    """So many months, days and hours; `text` is how it was written."""

    months: int = 0
    days: int = 0
    hours: int = 0
    text: str = ""

    @classmethod
    def parse(cls, text: str) -> Duration:
        """`2w` and the like; a unit may come several times. ValueError for anything else, and for no time at all."""
        if not _WHOLE.fullmatch(text):
            raise ValueError(f"a duration {FORM}, not {text!r}")
        sums = dict.fromkeys("hdwmy", 0)
        for count, unit in _PARTS.findall(text):
            sums[unit] += int(count)
        if not any(sums.values()):
            raise ValueError(f"a duration above nothing, not {text!r}")
        return cls(sums["y"] * 12 + sums["m"], sums["w"] * 7 + sums["d"], sums["h"], text)

    def before(self, moment_ns: int, zone: tzinfo | None) -> int:
        """The moment so much earlier, both in Unix ns, by the clocks and the calendar of `zone` (None: this machine's).

        A month before the 31st is the last day of a shorter month. Hours are hours, whatever clocks show meanwhile.
        """
        wall = local_time(moment_ns, zone).replace(tzinfo=None)
        years, month = divmod(wall.year * 12 + wall.month - 1 - self.months, 12)
        try:
            earlier = _same_day(wall, years, month + 1) - timedelta(days=self.days)
            return timestamp_ns(earlier, zone) - self.hours * _HOUR
        except (OverflowError, ValueError):
            return _EVER


def _same_day(wall: datetime, year: int, month: int) -> datetime:
    if year < _EARLIEST_YEAR:
        raise OverflowError(year)
    return wall.replace(year=year, month=month, day=min(wall.day, monthrange(year, month)[1]))
