"""One component in the form that strict servers take: what must stand in it, and what stands there for nothing.

Owns the repairs inside a component; those of the object as a whole are `repairing`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from caldav_backup.ics.cutting import Piece
from caldav_backup.ics.lines import fold, iter_folded, line_name, parse_line, unfold

_UTC = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_DATE = re.compile(r"[0-9]{8}")
_MOMENT = re.compile(r"[0-9]{8}T[0-9]{6}Z?")
_NEVER = "19700101T000000Z"
_WITH_DTSTAMP = frozenset({"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VAVAILABILITY"})
#: Properties that say nothing when they have no value, and that Cyrus 3.6 then refuses ("No value for RDATE property").
_EMPTY_IS_NOTHING = frozenset(
    "RDATE EXDATE RRULE EXRULE DTEND DUE DURATION COMPLETED GEO PRIORITY SEQUENCE PERCENT-COMPLETE STATUS CLASS TRANSP"
    " URL LAST-MODIFIED CREATED".split()
)
_NO_TEXT = _EMPTY_IS_NOTHING | {
    "VERSION",
    "CALSCALE",
    "DTSTART",
    "DTSTAMP",
    "RECURRENCE-ID",
    "TRIGGER",
    "ACTION",
    "REPEAT",
    "ATTENDEE",
    "ORGANIZER",
}
_DAY, _NO_TIME = "length of one day written out", "length of no time written out"


def mended_piece(piece: Piece) -> tuple[bytes, Sequence[str]]:
    """The component's text, and what was done to it in words; a time zone stays as it is."""
    if piece.kind == "VTIMEZONE":
        return piece.text, ()
    done: dict[str, None] = {}
    kept = _without_empty(piece, done)
    added = []
    if piece.kind in _WITH_DTSTAMP and not plain_value(piece, "DTSTAMP"):
        # Refused by Cyrus 3.6 ("Failed iTIP restrictions for DTSTAMP property") where the object has a METHOD too.
        added.append(f"DTSTAMP:{_stamp(piece)}")
        done["DTSTAMP added"] = None
    added.extend(_length(piece, done))
    if not done:
        return piece.text, ()
    begin, *rest = kept
    return b"".join([begin, *(line.encode() + b"\n" for line in added), *rest]), tuple(done)


def plain_value(piece: Piece, name: str) -> str:
    """The value of the component's first property of that name as it is written there; "" when there is none."""
    for called, line in piece.lines():
        parsed = parse_line(line) if called == name else None
        if parsed is not None:
            return parsed.value.strip()
    return ""


def _without_empty(piece: Piece, done: dict[str, None]) -> list[bytes]:
    kept = []
    for folded in iter_folded(piece.text):
        line = b"".join(unfold(folded))
        name = line_name(line)
        parsed = parse_line(line) if name in _EMPTY_IS_NOTHING or name == "DTSTAMP" else None
        if parsed is not None and not parsed.value.strip():
            done[f"{name} without a value dropped"] = None
        else:
            kept.append(without_blanks(line, folded, done))
    return kept


def without_blanks(line: bytes, folded: bytes, done: dict[str, None]) -> bytes:
    """A line whose value is no text without blanks at its end: sabre/dav 1.8 answers 500 to `DTSTART:20260501 `."""
    if line[-1:] not in (b" ", b"\t") or line_name(line) not in _NO_TEXT:
        return folded
    done["blanks at line ends taken out"] = None
    return fold(line.rstrip(b" \t")) + b"\n"


def _stamp(piece: Piece) -> str:
    """RFC 5545 §3.8.7.2: without a METHOD, DTSTAMP says when the object was last revised."""
    values = (plain_value(piece, name) for name in ("LAST-MODIFIED", "CREATED"))
    return next((value for value in values if _UTC.fullmatch(value)), _NEVER)


def _length(piece: Piece, done: dict[str, None]) -> Iterator[str]:
    """RFC 5545 §3.6.1: an event that says nothing of its end takes its day, or no time where it starts at a moment.

    iCloud refuses events without an end (reported), and SOGo 5.8 gives them an hour. Cyrus 3.6 takes an event of no
    length in no form at all ("DTEND must occur after DTSTART", also with DURATION:PT0S); all others take this one.
    """
    if piece.kind != "VEVENT" or plain_value(piece, "DTEND") or plain_value(piece, "DURATION"):
        return
    start = plain_value(piece, "DTSTART")
    if _DATE.fullmatch(start):
        done[_DAY] = None
        yield "DURATION:P1D"
    elif _MOMENT.fullmatch(start):
        done[_NO_TIME] = None
        yield "DURATION:PT0S"
