"""The hours, days, weeks, months and years that snapshots fall into, on the clock of whoever prunes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime


def _hour(moment: datetime) -> str:
    # In the night in which clocks go back an hour comes twice, and is two hours.
    return f"{moment:%Y-%m-%d %H:00 %z}"


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def _week(moment: datetime) -> str:
    year, week, _ = moment.isocalendar()
    return f"{year}-W{week:02}"


def _month(moment: datetime) -> str:
    return f"{moment:%Y-%m}"


def _year(moment: datetime) -> str:
    return f"{moment:%Y}"


#: By the name of the rule: what the bucket of a local moment is called. Weeks are those of ISO 8601, from Monday on.
BUCKETS: Mapping[str, Callable[[datetime], str]] = {
    "hourly": _hour,
    "daily": _day,
    "weekly": _week,
    "monthly": _month,
    "yearly": _year,
}
