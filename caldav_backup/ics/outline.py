"""A few lines of each component of an object, found without looking at the rest.

Owns which component a line belongs to, where BEGIN and END are unbalanced too. What the lines say is their reader's.
"""

from __future__ import annotations

import re

from caldav_backup.ics.lines import TOP_LEVEL, component_kind, line_name, unfolded

#: The unfolded lines of one component by property name, in order of appearance.
Outline = dict[str, list[bytes]]


class Place:
    """Where in an object a line stands, for those who pass by all its BEGIN and END lines in order."""

    def __init__(self) -> None:
        self._kinds: list[str] = []

    @property
    def is_component(self) -> bool:
        """True directly inside an event, task, journal or another component that is no time zone."""
        return len(self._kinds) == 1 and self._kinds[0] != "VTIMEZONE"

    def pass_by(self, name: str, line: bytes) -> None:
        """Note an unfolded line that is called BEGIN or END."""
        kind = component_kind(line)
        if name == "BEGIN":
            if kind in TOP_LEVEL:
                self._kinds.clear()
            if kind != "VCALENDAR":
                self._kinds.append(kind)
        elif kind in self._kinds:
            del self._kinds[self._kinds.index(kind) :]


def lines_called(*names: str) -> re.Pattern[bytes]:
    """What finds the lines of these properties for `outlines`."""
    return re.compile(
        f"^(?:BEGIN|END|{'|'.join(map(re.escape, names))})[:;].*$".encode("ascii"), re.MULTILINE | re.IGNORECASE
    )


def outlines(content: bytes, wanted: re.Pattern[bytes]) -> list[Outline]:
    """The wanted lines of every event, task, journal …, not of their alarms, and not of time zones."""
    found: list[Outline] = []
    place = Place()
    for match in wanted.finditer(unfolded(content)):
        name = line_name(match[0])
        if name in ("BEGIN", "END"):
            place.pass_by(name, match[0])
            if name == "BEGIN" and place.is_component:
                found.append({})
        elif place.is_component:
            found[-1].setdefault(name, []).append(match[0])
    return found
