"""Durations and shares as people write them on a command line."""

from __future__ import annotations

import math
import re

from caldav_backup.cli.exits import Usage

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d)?", re.ASCII)
_SECONDS = {None: 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_MOST = 100 * 366 * 86400.0


def seconds(text: str, option: str) -> float:
    """`15m`, `90s`, `0` in seconds; Usage for anything else, and for more than a hundred years."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise Usage(f"{option} takes a duration such as 15m, 90s or 0, not {text!r}")
    found = float(match[1]) * _SECONDS[match[2]]
    if found > _MOST:
        raise Usage(f"{option} takes a hundred years at most, 36600d")
    return found


def seconds_with_unit(text: str, option: str) -> float:
    """The same for a time after which something is deleted: neither `30`, which may be meant as days, nor `6m`."""
    found = seconds(text, option)
    if found and text[-1] not in "shd":
        raise Usage(f"{option} takes hours or days, such as 12h or 30d; {text} could be taken for something shorter")
    return found


def share(text: str, option: str) -> float:
    """`10%` as 0.1; Usage for anything that is not above 0 and at most 100 %."""
    try:
        value = float(text.removesuffix("%")) / 100
    except ValueError:
        value = math.nan
    if not text.endswith("%") or not 0 < value <= 1:
        raise Usage(f"{option} takes a share such as 10%, not {text!r}")
    return value
