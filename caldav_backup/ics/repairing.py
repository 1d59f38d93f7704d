"""A copy of an object in a form that strict servers take, where its meaning is untouched.

Owns which forms servers refuse, and what says the same in a form that they take (docs/design/meaning.md has the list
with servers and versions). Only ever for a copy that is sent, never for what is stored. What would need another meaning
(an alarm without its trigger, a rule that nobody knows, an end before its start) is not repaired.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from caldav_backup.ics.cutting import CutCalendar, Piece, all_pieces, cut
from caldav_backup.ics.lines import BOM, fold, iter_folded, line_name, parse_line, split_head, unfold, unfolded
from caldav_backup.ics.meaning import meaning_of, zone_digest
from caldav_backup.ics.mending import mended_piece, plain_value, without_blanks
from caldav_backup.ics.merging import PRODUCT
from caldav_backup.ics.uids import derived_uid

_BARE_LINE_END = re.compile(rb"(?<!\r)\n|\r(?!\n)")
_BLANK_LINE = re.compile(rb"(?:\A|\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)")
_HAS_UID = frozenset({"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VAVAILABILITY"})
_FRAME = re.compile(rb"^(?:BEGIN|END):.*$", re.MULTILINE | re.IGNORECASE)


class Repaired(NamedTuple):
    """The objects to send instead, and what was done to get them, each in words ("METHOD dropped")."""

    contents: tuple[bytes, ...]
    done: tuple[str, ...]


class _Part(NamedTuple):
    """One object to be: the VCALENDAR that it comes from, and its components, time zones apart."""

    calendar: CutCalendar
    pieces: Sequence[Piece]


def repaired(content: bytes) -> Repaired | None:
    """What strict servers take instead of `content`, which means the same; None when there is nothing to repair.

    Several UIDs become one object each, a series with its overrides together, in order of appearance. Values that are
    missing are made of the content, so that repairing it again gives the same bytes. Never raises.
    """
    pieces = cut(content)
    calendars = [calendar for calendar in pieces.calendars if any(_is_main(piece) for piece in calendar.pieces)]
    if not calendars:
        return None
    done = dict.fromkeys(_said_of_form(content, mended=pieces.mended))
    if pieces.strays:
        done[f"{' and '.join(pieces.strays)} outside of the calendar dropped"] = None
    for calendar in calendars:
        calendar.lines = list(_mended_lines(calendar.lines, done))
        calendar.pieces = [_mended(piece, done) for piece in _with_uids(calendar.pieces, done)]
    parts = _parts(calendars)
    if len(parts) > 1:
        done[f"split into {len(parts)} objects, one for each UID"] = None
    zones = [piece for piece in all_pieces(pieces.calendars) if piece.kind == "VTIMEZONE"]
    contents = tuple(_written(part, _zones_of(part, zones, is_all=len(parts) == 1)) for part in parts)
    return Repaired(contents, tuple(done)) if done else None


def _is_main(piece: Piece) -> bool:
    return piece.kind != "VTIMEZONE"


def _said_of_form(content: bytes, *, mended: bool) -> Iterator[str]:
    # A byte order mark is refused by Radicale 3.9, Xandikos 0.4, sabre/dav 1.8 and DAViCal 1.1; CR as line end by
    # Radicale, Xandikos, DAViCal and SOGo 5.8; Latin-1 by Xandikos and SOGo, and DAViCal fails on it.
    if content.startswith(BOM):
        yield "byte order mark taken out"
    body = content.removeprefix(BOM)
    if _BARE_LINE_END.search(body):
        yield "line ends written as CRLF"
    if _BLANK_LINE.search(body):
        yield "blank lines taken out"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        yield "written in UTF-8"
    if any(match[0] != match[0].upper().rstrip() for match in _FRAME.finditer(unfolded(content))):
        # sabre/dav 1.8: 'expected: "END:VCALENDAR" got: "END:vcalendar"'.
        yield "BEGIN and END written in capitals"
    if mended:
        yield "missing END added"


def _mended_lines(lines: Iterable[bytes], done: dict[str, None]) -> Iterator[bytes]:
    """The lines of a VCALENDAR itself, VERSION and PRODID first; RFC 5545 §3.6 demands both."""
    names = {line_name(b"".join(unfold(line))) for line in lines}
    for name, value in (("VERSION", b"2.0"), ("PRODID", PRODUCT)):
        if name not in names:
            done[f"{name} added"] = None
            yield name.encode() + b":" + value + b"\n"
    for line in lines:
        # RFC 4791 §4.1: an object that is stored must not have one. Refused by Cyrus 3.6 (403), sabre/dav 4.7 (415).
        unfolded_line = b"".join(unfold(line))
        if line_name(unfolded_line) == "METHOD":
            done["METHOD dropped"] = None
        else:
            yield without_blanks(unfolded_line, line, done)


def _mended(piece: Piece, done: dict[str, None]) -> Piece:
    text, words = mended_piece(piece)
    done.update(dict.fromkeys(words))
    return Piece(piece.kind, text)


def _with_uids(pieces: Sequence[Piece], done: dict[str, None]) -> Iterator[Piece]:
    """Components that lack a UID with one; those of a series share it."""
    lacking = [piece for piece in pieces if _lacks_uid(piece)]
    is_series = any(plain_value(piece, "RECURRENCE-ID") for piece in lacking)
    of_all = [_said(piece) for piece in lacking] if is_series else []
    for piece in pieces:
        if _lacks_uid(piece):
            done["UID added"] = None
            words = of_all or [_said(piece)]
            yield _with_line(_without_line(piece, "UID"), b"UID:" + derived_uid("no UID", *words).encode())
        else:
            yield piece


def _lacks_uid(piece: Piece) -> bool:
    return piece.kind in _HAS_UID and not plain_value(piece, "UID")


def _said(piece: Piece) -> str:
    return meaning_of(piece.text).content.hex()


def _with_line(piece: Piece, line: bytes) -> Piece:
    begin, _, rest = piece.text.partition(b"\n")
    return Piece(piece.kind, begin + b"\n" + fold(line) + b"\n" + rest)


def _without_line(piece: Piece, name: str) -> Piece:
    depth = 0
    kept: list[bytes] = []
    for folded in iter_folded(piece.text):
        called = line_name(b"".join(unfold(folded)))
        depth += (called == "BEGIN") - (called == "END")
        if depth != 1 or called != name:
            kept.append(folded)
    return Piece(piece.kind, b"".join(kept))


def _parts(calendars: Sequence[CutCalendar]) -> Sequence[_Part]:
    """What belongs together: the components of one kind that have one UID, or none (RFC 4791 §4.1)."""
    parts: dict[tuple[str, str], tuple[CutCalendar, list[Piece]]] = {}
    for calendar in calendars:
        for piece in filter(_is_main, calendar.pieces):
            key = (piece.kind, plain_value(piece, "UID"))
            parts.setdefault(key, (calendar, []))[1].append(piece)
    return [_Part(calendar, pieces) for calendar, pieces in parts.values()]


def _zones_of(part: _Part, zones: Sequence[Piece], *, is_all: bool) -> Sequence[Piece]:
    """The definitions that go with a part: all of them where nothing was split, else those that it names."""
    own = {id(piece) for piece in part.calendar.pieces}
    near_first = sorted(zones, key=lambda zone: id(zone) not in own)
    if is_all:
        return near_first
    named = {tzid for piece in part.pieces for tzid in _named_zones(piece)}
    chosen: dict[str, Piece] = {}
    for zone in near_first:
        tzid = zone_digest(b"\n".join(unfold(zone.text)))[0]
        if tzid in named:
            chosen.setdefault(tzid, zone)
    return list(chosen.values())


def _named_zones(piece: Piece) -> Iterator[str]:
    for line in unfold(piece.text):
        parts = split_head(line)
        parsed = parse_line(line) if parts is not None and b"TZID" in parts[0].upper() else None
        if parsed is not None:
            yield from (values[0] for name, values in parsed.parameters if name == "TZID" and values)


def _written(part: _Part, zones: Sequence[Piece]) -> bytes:
    texts = [piece.text for piece in (*zones, *part.pieces)]
    plain = b"".join([b"BEGIN:VCALENDAR\n", *part.calendar.lines, *texts, b"END:VCALENDAR\n"])
    return plain.replace(b"\n", b"\r\n")
