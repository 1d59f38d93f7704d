"""How long a packfile stays after nothing needs it any more.

Owns the default, and the way in which plakar is told another one: the variable PLAKAR_GRACEPERIOD, in the syntax of
Go's durations (plakar 1.1.4, `subcommands/maintenance/maintenance.go`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

DAY = 86_400 * 10**9
"""Nanoseconds."""
DEFAULT_GRACE = 7 * DAY
VARIABLE = "PLAKAR_GRACEPERIOD"

# Go's `time.ParseDuration`: a sequence of numbers, each with a unit.
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_MOST = (1 << 63) - 1


def parse_go_duration(text: str) -> int | None:
    """Nanoseconds of `168h` or `1h30m0.5s`; None for what Go does not take."""
    sign, unsigned = (-1, text[1:]) if text[:1] == "-" else (1, text.removeprefix("+"))
    if unsigned == "0":
        return 0
    total, place = 0, 0
    while place < len(unsigned):
        part = _PART.match(unsigned, place)
        if part is None or not part[1].isascii():
            return None
        total += int(Fraction(f"0{part[1]}" if part[1][0] == "." else part[1].rstrip(".")) * _UNITS[part[2]])
        place = part.end()
    return sign * total if place and total <= _MOST else None


def grace_period(environment: Mapping[str, str]) -> int:
    """What plakar would take, in nanoseconds: the default where the variable is unset or cannot be read.

    A negative one, which plakar takes for "at once", is none as well.
    """
    given = parse_go_duration(environment.get(VARIABLE, ""))
    return DEFAULT_GRACE if given is None or given < 0 else given


def is_understood(environment: Mapping[str, str]) -> bool:
    """Whether what the variable says counts; so it does when it says nothing."""
    if not environment.get(VARIABLE):
        return True
    given = parse_go_duration(environment[VARIABLE])
    return given is not None and given >= 0
