"""Which of two versions of an object is the newer one.

Owns the order in which an object's own marks of time are believed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from caldav_backup.ics.lines import parse_line
from caldav_backup.ics.outline import Outline, lines_called, outlines

_LINES = lines_called("SEQUENCE", "LAST-MODIFIED", "DTSTAMP", "RECURRENCE-ID")
_UTC = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_SEQUENCE = re.compile(r"\+?[0-9]{1,15}")


def is_newer(stored: bytes, there: bytes) -> bool | None:
    """True when `stored` is newer than `there`, False when it is older, None when nothing in them tells.

    By SEQUENCE (RFC 5545 §3.8.7.4), then LAST-MODIFIED, then DTSTAMP, each of the main component: of a series, not of
    its overrides. Where LAST-MODIFIED of both is the same, that of the newest override counts, since programs that
    change one instance leave the series as it is. Servers that write DTSTAMP anew make it the weakest of the three.
    """
    one, other = outlines(stored, _LINES), outlines(there, _LINES)
    sequences = [_sequence(_main(components)) for components in (one, other)]
    if sequences[0] != sequences[1]:
        return sequences[0] > sequences[1]
    for name in ("LAST-MODIFIED", "DTSTAMP"):
        for mine, theirs in (
            (_stamp([_main(one)], name), _stamp([_main(other)], name)),
            (_stamp(one, name), _stamp(other, name)),
        ):
            if mine and theirs and mine != theirs:
                return mine > theirs
    return None


def _main(components: Sequence[Outline]) -> Outline:
    alone: Outline = components[0] if components else {}
    return next((component for component in components if "RECURRENCE-ID" not in component), alone)


def _values(component: Outline, name: str) -> list[str]:
    lines = (parse_line(line) for line in component.get(name, ()))
    return [line.value.strip().upper() for line in lines if line is not None]


def _stamp(components: Sequence[Outline], name: str) -> str:
    """The newest of the components' moments of that name, which are all UTC; "" when there is none."""
    values = (value for component in components for value in _values(component, name))
    return max((value for value in values if _UTC.fullmatch(value)), default="")


def _sequence(component: Outline) -> int:
    return next((int(value) for value in _values(component, "SEQUENCE") if _SEQUENCE.fullmatch(value)), 0)
