"""A few lines of each component of an object, found without looking at the rest.

Owns which component a line belongs to, where BEGIN and END are unbalanced too. What the lines say is their reader's.
"""

from __future__ import annotations

import re

from caldav_backup.ics.lines import TOP_LEVEL, component_kind, line_name, unfolded

#: The unfolded lines of one component by property name, in order of appearance.
Outline = dict[str, list[bytes]]


def lines_called(*names: str) -> re.Pattern[bytes]:
    """What finds the lines of these properties for `outlines`."""
    return re.compile(
        f"^(?:BEGIN|END|{'|'.join(map(re.escape, names))})[:;].*$".encode("ascii"), re.MULTILINE | re.IGNORECASE
    )


def outlines(content: bytes, wanted: re.Pattern[bytes]) -> list[Outline]:
    """The wanted lines of every event, task, journal …, not of their alarms, and not of time zones."""
    found: list[Outline] = []
    kinds: list[str] = []
    for match in wanted.finditer(unfolded(content)):
        name = line_name(match[0])
        if name == "BEGIN":
            kind = component_kind(match[0])
            kinds = [] if kind in TOP_LEVEL else kinds
            if kind != "VCALENDAR":
                kinds.append(kind)
                if len(kinds) == 1 and kind != "VTIMEZONE":
                    found.append({})
        elif name == "END":
            kind = component_kind(match[0])
            kinds = kinds[: kinds.index(kind)] if kind in kinds else kinds
        elif len(kinds) == 1 and kinds[0] != "VTIMEZONE":
            found[-1].setdefault(name, []).append(match[0])
    return found
