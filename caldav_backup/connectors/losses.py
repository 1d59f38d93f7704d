"""What servers are known to do to objects of certain kinds: refuse them, or keep them without something.

Owns the table and the looks at bytes that tell such objects. Each row was measured at the version named beside it, or
says itself that it is a report. Looks take an object in capital letters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

_ZONE = re.compile(rb"\nBEGIN:VTIMEZONE.*?\nEND:VTIMEZONE", re.DOTALL)
_START = re.compile(rb"\nDTSTART([;:][^\r\n]*)")


class Loss(NamedTuple):
    """`text` says it to a person; `concerns` tells whether an object is of the kind."""

    text: str
    concerns: Callable[[bytes], bool]


def losses_of(product: str) -> Sequence[Loss]:
    """What the product of that name is known to do."""
    return _LOSSES.get(product, ())


def without_zones(upper: bytes) -> bytes:
    """The object without its time zones, whose own dates say nothing of it."""
    return _ZONE.sub(b"", upper) if b"\nBEGIN:VTIMEZONE" in upper else upper


def _has(pattern: bytes) -> Callable[[bytes], bool]:
    """Looks for lines that begin like this."""
    compiled = re.compile(rb"\n(?:" + pattern + rb")")
    return lambda upper: compiled.search(upper) is not None


def _has_in_a_long_line(pattern: bytes, beginning: bytes) -> Callable[[bytes], bool]:
    """The same where the rest of a folded line matters; lines with another `beginning` are none of it."""
    has = _has(pattern)
    hint = b"\n" + beginning

    def look(upper: bytes) -> bool:
        return hint in upper and has(_unfolded(upper))

    return look


def _unfolded(upper: bytes) -> bytes:
    """Without folds (RFC 5545 §3.1), as most objects have them: a substitution would take ten times as long."""
    return upper.replace(b"\r\n ", b"").replace(b"\n ", b"").replace(b"\r\n\t", b"").replace(b"\n\t", b"")


def _has_bare_comma(upper: bytes) -> bool:
    """True for a comma that is neither escaped nor in a property that may have several values."""
    if upper.count(b",") == upper.count(b"\\,"):
        return False
    return any(_BARE_COMMA.match(line) for line in _unfolded(upper).split(b"\n") if b"," in line)


#: Properties that Radicale 3.9.0 gives back whole although their values have commas: lists, addresses, dates.
_WITH_COMMAS = rb"ATTACH|ATTENDEE|CATEGORIES|EXDATE|EXRULE|FREEBUSY|GEO|ORGANIZER|RDATE|RESOURCES|RRULE|URL"
_BARE_COMMA = re.compile(rb"(?!(?:" + _WITH_COMMAS + rb')[;:])[A-Z0-9-]+(?:;(?:[^":]|"[^"]*")*+)?:(?:[^\\,]|\\.)*+,')


def _is_floating(upper: bytes) -> bool:
    """True for an event at a time without a time zone (RFC 5545 §3.3.5, form 1)."""
    start = _START.search(without_zones(upper))
    return start is not None and _FLOATING.search(start[1]) is not None


_FLOATING = re.compile(rb"\A(?:;VALUE=DATE-TIME)?:[0-9]{8}T[0-9]{6}\Z")


def _has_no_end(upper: bytes) -> bool:
    """True for an event at a time that says neither end nor duration: it ends as it begins (RFC 5545 §3.6.1)."""
    if b"\nDTEND" in upper or b"\nDURATION" in upper or b"\nBEGIN:VEVENT" not in upper:
        return False
    start = _START.search(without_zones(upper))
    return start is not None and b"VALUE=DATE:" not in start[1]


def _ends_at_once(upper: bytes) -> bool:
    """True for an event that ends when it begins, whether it says so or not."""
    start = _START.search(without_zones(upper))
    if start is None:
        return False
    end = b"\nDTEND" + start[1]
    return end + b"\r" in upper or end + b"\n" in upper or _has_no_end(upper)


_LINE = rb"[^\r\n]*"
_CYRUS = (
    # Cyrus 3.6.1 with libical 3.0.
    Loss(
        "Cyrus drops components and properties that its library does not know",
        _has(
            rb"BEGIN:(?:X-|PARTICIPANT|VLOCATION)|(?:CONCEPT|DEFAULT-ALARM|LINK|PROXIMITY|REFID|STRUCTURED-DATA)[;:]",
        ),
    ),
    Loss("Cyrus refuses an event that ends when it begins", _ends_at_once),
)
_NO_JOURNALS = rb"BEGIN:VJOURNAL"

_LOSSES: Mapping[str, Sequence[Loss]] = MappingProxyType(
    {
        # Radicale 3.9.0: LOCATION:a,b comes back as LOCATION:a.
        "radicale": (
            Loss("Radicale drops what follows a comma that is not escaped", _has_bare_comma),
            Loss(
                "Radicale refuses periods in RDATE and calendars other than the Gregorian",
                _has(rb"RDATE;VALUE=PERIOD|RRULE:" + _LINE + rb"RSCALE="),
            ),
        ),
        # Xandikos 0.4.10: RESOURCES:a,b comes back as RESOURCES:a\,b.
        "xandikos": (
            Loss(
                "Xandikos makes one resource of several",
                _has_in_a_long_line(rb"RESOURCES[^\r\n]*[^\\\r\n],", b"RESOURCES"),
            ),
        ),
        "cyrus": _CYRUS,
        "fastmail": _CYRUS,
        # SOGo 5.8.0.
        "sogo": (
            Loss("SOGo gives times without a time zone the account's time zone", _is_floating),
            Loss("SOGo makes an event without an end an hour long", _has_no_end),
            Loss("SOGo spoils exception rules", _has(rb"EXRULE[;:]")),
            Loss(
                "SOGo spoils escapes in X- parameters",
                _has_in_a_long_line(rb'X-[^\r\n":]*"[^"\r\n]*\\', b"X-"),
            ),
            Loss("SOGo drops the organizer from the list of guests", _has(rb"ORGANIZER[;:]")),
        ),
        "google": (Loss("Google takes neither tasks nor journals, by report", _has(rb"BEGIN:V(?:TODO|JOURNAL)")),),
        "icloud": (
            Loss("iCloud takes no journals, by report", _has(_NO_JOURNALS)),
            Loss("iCloud refuses an event without an end, by report", _has_no_end),
        ),
        "open-xchange": (
            Loss("Open-Xchange takes no journals, by report", _has(_NO_JOURNALS)),
            Loss(
                "Open-Xchange takes no tasks that recur, by report",
                lambda upper: b"\nBEGIN:VTODO" in upper and b"\nRRULE" in without_zones(upper),
            ),
        ),
        "zimbra": (Loss("Zimbra takes no journals, by report", _has(_NO_JOURNALS)),),
        "davmail": (Loss("Exchange loses attachments that come by DavMail, by report", _has(rb"ATTACH[;:]")),),
    }
)
