"""The few facts that listing, selecting and restoring need of an object, read without parsing the rest.

Owns what counts as a calendar object, its UID, its kinds of components, and its main component's title, start and
version. The main component is the first that is no time zone and, where there is one, no override of a single instance.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from caldav_backup.ics.lines import BOM, TOP_LEVEL, component_kind, line_name, parse_named_line, unescape, unfolded

_BEGIN = b"BEGIN:VCALENDAR"
_BLANKS = b" \t\r\n"
_LINES = re.compile(
    rb"^(?:BEGIN|END|UID|SUMMARY|DTSTART|RECURRENCE-ID|LAST-MODIFIED|SEQUENCE|ATTENDEE|ORGANIZER)[:;].*$",
    re.MULTILINE | re.IGNORECASE,
)


class Glance(NamedTuple):
    """What a first look at an object shows; None where the property is not there.

    `kinds` are the component kinds in order of appearance, each once, time zones apart. `dtstart` and `last_modified`
    are raw values (`20260501`, `20260501T090000Z`), `timezone` is the TZID that `dtstart` is told in. `has_guests`: an
    event, task or journal (not merely an alarm) names an organizer or an attendee.
    """

    uid: str | None
    kinds: tuple[str, ...]
    summary: str | None
    dtstart: str | None
    timezone: str | None
    last_modified: str | None
    sequence: int
    has_guests: bool


def is_calendar(content: bytes) -> bool:
    """True when `content` begins with BEGIN:VCALENDAR, after a byte order mark and blanks; the rest is not read."""
    return content[:4096].removeprefix(BOM).lstrip(_BLANKS)[: len(_BEGIN)].upper() == _BEGIN


def glance(content: bytes) -> Glance:
    """The facts of one calendar object; never raises, whatever `content` is."""
    kinds: list[str] = []
    components: list[dict[str, bytes]] = []
    depth = 0
    for match in _LINES.finditer(unfolded(content)):
        line = match[0]
        if line[:6].upper() == b"BEGIN:":
            kind = component_kind(line)
            depth = _depth_inside(kind, depth)
            if depth == 1:
                kinds.append(kind)
                components.append({})
        elif line[:4].upper() == b"END:":
            depth = _depth_after(component_kind(line), depth)
        elif depth == 1:
            components[-1].setdefault(line_name(line), line)
    return _facts(tuple(dict.fromkeys(kinds)), components)


#: A depth that no nesting inside a time zone brings back to one.
_TIMEZONE = 1_000_000_000


def _depth_inside(kind: str, depth: int) -> int:
    if kind == "VCALENDAR":
        return 0
    if kind == "VTIMEZONE":
        return _TIMEZONE
    return 1 if kind in TOP_LEVEL else depth + 1


def _depth_after(kind: str, depth: int) -> int:
    return 0 if kind in TOP_LEVEL else max(depth - 1, 0)


def _facts(kinds: tuple[str, ...], components: list[dict[str, bytes]]) -> Glance:
    main = next((component for component in components if "RECURRENCE-ID" not in component), None)
    main = main if main is not None else (components[0] if components else {})
    with_uid = next((component for component in components if _value(component, "UID")), {})
    return Glance(
        uid=_value(with_uid, "UID"),
        kinds=kinds,
        summary=_text(main, "SUMMARY"),
        dtstart=_value(main, "DTSTART"),
        timezone=_parameter(main, "DTSTART", "TZID"),
        last_modified=_value(main, "LAST-MODIFIED"),
        sequence=_number(_value(main, "SEQUENCE")),
        has_guests=any("ATTENDEE" in component or "ORGANIZER" in component for component in components),
    )


def _value(component: dict[str, bytes], name: str) -> str | None:
    line = parse_named_line(name, component[name]) if name in component else None
    return (line.value.strip() or None) if line is not None else None


def _text(component: dict[str, bytes], name: str) -> str | None:
    value = _value(component, name)
    return unescape(value) if value is not None else None


def _parameter(component: dict[str, bytes], name: str, parameter: str) -> str | None:
    line = parse_named_line(name, component[name]) if name in component else None
    if line is None:
        return None
    return next((values[0] for key, values in line.parameters if key == parameter and values), None)


def _number(value: str | None) -> int:
    digits = (value or "").lstrip("+")
    return int(digits) if digits.isdecimal() and digits.isascii() and len(digits) < 16 else 0


def uid(content: bytes) -> str | None:
    """The UID of the object's first component that has one."""
    return glance(content).uid


def component_kinds(content: bytes) -> tuple[str, ...]:
    """The kinds of components in the object (`("VEVENT",)`), time zones apart, in order of appearance."""
    return glance(content).kinds


def summary(content: bytes) -> str | None:
    """The main component's title, as a person reads it."""
    return glance(content).summary


def dtstart(content: bytes) -> str | None:
    """The main component's start as it is written there: `20260501` or `20260501T090000Z`."""
    return glance(content).dtstart
