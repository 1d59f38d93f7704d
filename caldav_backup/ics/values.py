"""One spelling for each value that iCalendar allows to be written in several ways.

Owns defaults, lists and number formats by property name (RFC 5545 §3.8, RFC 7986). What it does not know is text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from caldav_backup.ics.lines import ContentLine, split_unescaped, to_text, unescape

_DATES = frozenset({"DTSTART", "DTEND", "DUE", "COMPLETED", "RECURRENCE-ID", "EXDATE", "RDATE", "ACKNOWLEDGED"})
_DATE_LISTS = frozenset({"EXDATE", "RDATE", "FREEBUSY"})
_TEXT_LISTS = frozenset({"CATEGORIES", "RESOURCES"})
_UPPER = frozenset({"STATUS", "CLASS", "TRANSP", "ACTION", "BUSYTYPE"})
_NUMBERS = frozenset({"SEQUENCE", "PRIORITY", "PERCENT-COMPLETE", "REPEAT"})
_DURATIONS = frozenset({"DURATION", "TRIGGER", "REFRESH-INTERVAL", "GRACE-PERIOD"})
_ADDRESSES = frozenset({"ATTENDEE", "ORGANIZER", "CALENDAR-ADDRESS"})
_URIS = frozenset({"URL", "TZURL", "SOURCE", "IMAGE", "CONFERENCE", "ATTACH"})

#: A property with this value says what its absence says.
_DEFAULT_PROPERTIES = frozenset(
    {"CLASS:PUBLIC", "TRANSP:OPAQUE", "SEQUENCE:0", "PRIORITY:0", "REPEAT:0", "CALSCALE:GREGORIAN"}
)
_DEFAULT_PARAMETERS = frozenset(
    {
        "CUTYPE=INDIVIDUAL",
        "ENCODING=8BIT",
        "FBTYPE=BUSY",
        "PARTSTAT=NEEDS-ACTION",
        "RELATED=START",
        "RELTYPE=PARENT",
        "ROLE=REQ-PARTICIPANT",
        "RSVP=FALSE",
    }
)
_ENUMERATED = frozenset(
    {
        "CUTYPE",
        "ENCODING",
        "FBTYPE",
        "PARTSTAT",
        "RANGE",
        "RELATED",
        "RELTYPE",
        "ROLE",
        "RSVP",
        "VALUE",
        "DISPLAY",
        "FEATURE",
    }
)
_DEFAULT_TYPES = (
    (_DATES, "DATE-TIME"),
    (frozenset({"FREEBUSY"}), "PERIOD"),
    (_DURATIONS, "DURATION"),
    (_ADDRESSES, "CAL-ADDRESS"),
    (_URIS, "URI"),
    (_NUMBERS, "INTEGER"),
    (frozenset({"RRULE", "EXRULE"}), "RECUR"),
    (frozenset({"GEO"}), "FLOAT"),
)
_DAYS = re.compile(r"[0-9]{8}(?: *, *[0-9]{8})*")
_TIMES = re.compile(r"[0-9]{8}T[0-9]{6}(?:,[0-9]{8}T[0-9]{6})*")
_UTC_NAMES = frozenset({"UTC", "ETC/UTC"})
_CARET = re.compile(r"\^([n'^])")
_DURATION = re.compile(r"([+-]?)P(?:(\d{1,9})W)?(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?")


def canonical_properties(line: ContentLine | None, raw: bytes) -> Iterator[str]:
    """The canonical texts of one unfolded line: none for a default, several for a list, all of it when broken."""
    if line is None:
        yield "?" + to_text(raw).strip()
        return
    if line.name in _DATES:
        line = _dated(line)
    head = line.name + _canonical_parameters(line)
    for value in _canonical_values(line):
        text = f"{head}:{value}"
        if value and text not in _DEFAULT_PROPERTIES:
            yield text


def _canonical_parameters(line: ContentLine) -> str:
    kept: list[str] = []
    for name, values in line.parameters:
        if name.startswith("SCHEDULE-") or (name == "CN" and _is_address(line, values)):
            continue
        spelled = [value.upper() if name in _ENUMERATED else _address(_without_carets(value)) for value in values]
        text = f"{name}={','.join(sorted(spelled))}"
        if text not in _DEFAULT_PARAMETERS and text != f"VALUE={_default_type(line.name)}":
            kept.append(text)
    return "".join(f";{text}" for text in sorted(kept))


def _dated(line: ContentLine) -> ContentLine:
    """A date with the type that its form shows, dates without a zone (RFC 5545 §3.2.19), and UTC told as `Z`."""
    value = line.value.strip().upper()
    names = {name: values for name, values in line.parameters if name in ("VALUE", "TZID")}
    if not names and not _DAYS.fullmatch(value):
        return line
    parameters = line.parameters
    if _DAYS.fullmatch(value):
        parameters = (*(pair for pair in parameters if pair[0] not in names), ("VALUE", ("DATE",)))
    elif names.get("TZID", ("",))[0].upper() in _UTC_NAMES and _TIMES.fullmatch(value):
        # SOGo 5.8 and Google tell UTC in both ways.
        parameters = tuple(pair for pair in parameters if pair[0] != "TZID")
        value = ",".join(f"{moment}Z" for moment in value.split(","))
    return ContentLine(line.name, parameters, value)


def _is_address(line: ContentLine, names: tuple[str, ...]) -> bool:
    """True for a name that only says the address again: SOGo 5.8 gives such a CN to those who have none."""
    address = line.value.strip().casefold().removeprefix("mailto:")
    return line.name in _ADDRESSES and len(names) == 1 and names[0].casefold() == address


def _without_carets(value: str) -> str:
    """RFC 6868 §3.2: `^n` is a line end, `^'` a double quote, `^^` a caret."""
    if "^" not in value:
        return value
    return _CARET.sub(lambda match: {"n": "\n", "'": '"', "^": "^"}[match[1]], value)


def _default_type(name: str) -> str:
    return next((value_type for names, value_type in _DEFAULT_TYPES if name in names), "TEXT")


def _canonical_values(line: ContentLine) -> list[str]:
    name, value = line.name, line.value.strip()
    if name in _TEXT_LISTS:
        return [unescape(item).strip() for item in split_unescaped(value, ",")]
    if name in _DATE_LISTS:
        return [item.strip().upper() for item in value.split(",")]
    for names, spell in _SPELLINGS:
        if name in names:
            return [spell(value)]
    return [unescape(value).strip()]


def _recurrence(value: str) -> str:
    parts = []
    for part in value.upper().replace(" ", "").split(";"):
        key, _, listed = part.partition("=")
        # Cyrus 3.6 writes BYDAY=+3WE as 3WE.
        text = f"{key}={','.join(sorted(item.removeprefix('+') for item in listed.split(',')))}"
        if part and text not in ("INTERVAL=1", "WKST=MO"):
            parts.append(text)
    return ";".join(sorted(parts))


def _duration(value: str) -> str:
    """Weeks as days, hours and minutes as seconds; days stay apart, for not all have 24 hours (RFC 5545 §3.3.6)."""
    match = _DURATION.fullmatch(value.upper())
    if match is None:
        return value.upper()
    weeks, days, hours, minutes, seconds = (int(group or 0) for group in match.groups()[1:])
    sign = "-" if match[1] == "-" and any((weeks, days, hours, minutes, seconds)) else ""
    return f"{sign}P{weeks * 7 + days}DT{hours * 3600 + minutes * 60 + seconds}S"


def _number(value: str) -> str:
    try:
        return str(int(value)) if len(value) < 20 else value
    except ValueError:
        return value


def _position(value: str) -> str:
    try:
        return ";".join(f"{float(number):.6f}" for number in unescape(value).split(";"))
    except ValueError:
        return value


def _address(value: str) -> str:
    return value.casefold() if value[:7].casefold() == "mailto:" else value


_SPELLINGS: tuple[tuple[frozenset[str], Callable[[str], str]], ...] = (
    (_DATES, str.upper),
    (_UPPER, str.upper),
    (frozenset({"RRULE", "EXRULE"}), _recurrence),
    (_DURATIONS, _duration),
    (_NUMBERS, _number),
    (frozenset({"GEO"}), _position),
    (_ADDRESSES, _address),
    (_URIS, lambda value: "".join(value.split())),
)
