"""Whether two calendar objects mean the same, told without order, folding, and what servers rewrite on their own.

Owns the canonical form: components and properties as unordered collections, values in one spelling, defaults left out.
What is no difference (measured on Radicale 3.9, Xandikos 0.4, sabre/dav 1.8 and 4.7, Cyrus 3.6, DAViCal 1.1, SOGo 5.8):
order, folding, letter case of names, DTSTAMP, CREATED, LAST-MODIFIED, PRODID, METHOD, defaults written out
(CLASS:PUBLIC, TRANSP:OPAQUE, INTERVAL=1 …), the order of parts in a RRULE, CATEGORIES split or joined, escaping,
SCHEDULE-* parameters, and time zone definitions that were added, dropped or that the zone's name alone defines.
Everything else is a difference. It works on content lines, not on the icalendar library's objects: it takes broken
objects too, and needs a sixth of the time, which counts when 100,000 records of a restore are compared.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple
from zoneinfo import ZoneInfo

from caldav_backup.ics.lines import TOP_LEVEL, component_kind, line_name, parse_named_line, unfolded
from caldav_backup.ics.values import canonical_properties

_DIGEST_SIZE = 16
# Up to its END, never over the beginning of another component whose own END is elsewhere.
_ZONE = re.compile(
    rb"^BEGIN:VTIMEZONE[ \t]*\n(?:(?!BEGIN:V|END:VTIMEZONE)[^\n]*\n)*END:VTIMEZONE[ \t]*(?:\n|\Z)",
    re.MULTILINE | re.IGNORECASE,
)
_IGNORED = frozenset({"DTSTAMP", "CREATED", "LAST-MODIFIED"})
#: Around the components: written by whoever handled the object last, or about the calendar it came from.
_IGNORED_IN_CALENDAR = frozenset({"PRODID", "VERSION", "METHOD", "X-WR-CALNAME", "X-WR-TIMEZONE", "X-WR-CALDESC"})
_IGNORED_IN_ZONE = frozenset({"LAST-MODIFIED", "TZURL", "X-LIC-LOCATION", "TZNAME"})


class Meaning(NamedTuple):
    """What an object says, as two digests: `content` of its components, `zones` of the time zones only it can define.

    Small enough to keep one for each record of a calendar. Equal objects have equal digests (128 bit each).
    """

    content: bytes
    zones: bytes

    def matches(self, other: Meaning) -> bool:
        """True when both say the same; time zone definitions count only where both have them."""
        return self.content == other.content and (self.zones == other.zones or not self.zones or not other.zones)


@dataclass(slots=True)
class _Component:
    kind: str
    properties: set[str] = field(default_factory=set)
    children: list[_Component] = field(default_factory=list)

    def digest(self) -> bytes:
        state = blake2b(self.kind.encode("utf-8", "surrogateescape"), digest_size=_DIGEST_SIZE)
        for text in sorted(self.properties):
            state.update(b"\0" + text.encode("utf-8", "surrogateescape"))
        for child in sorted(child.digest() for child in self.children):
            state.update(b"\1" + child)
        return state.digest()

    def claims(self, path: str = "") -> Iterator[tuple[str, str]]:
        """(path of the property, canonical text) for every property here and below, and one for each component."""
        here = f"{path}{self.kind}"
        yield here, ""
        for text in self.properties:
            yield f"{here} {text.partition(';')[0].partition(':')[0]}", text
        for child in self.children:
            yield from child.claims(f"{here}/")


def meaning_of(content: bytes) -> Meaning:
    """The meaning of one calendar object; never raises, a broken line counts as a property of its own."""
    plain, zones = _without_zones(unfolded(content))
    return Meaning(_parse(plain).digest(), _zones_digest(zones, plain))


def same_meaning(first: bytes, second: bytes) -> bool:
    """True when two calendar objects say the same."""
    return first == second or meaning_of(first).matches(meaning_of(second))


def differences(first: bytes, second: bytes) -> Sequence[str]:
    """What differs: sorted paths of components and properties (`VEVENT SUMMARY`, `VEVENT/VALARM`), none if the same."""
    one, other = (Counter(claims(content)) for content in (first, second))
    different = {path for path, _ in (one - other) | (other - one)}
    if not different and not same_meaning(first, second):
        different = {"VTIMEZONE"}
    return sorted(different)


def claims(content: bytes) -> Iterator[tuple[str, str]]:
    """(path, canonical text) of everything an object says, time zones apart; the text of a component is ""."""
    plain, _ = _without_zones(unfolded(content))
    tree = _parse(plain)
    yield from (("VCALENDAR " + text.partition(":")[0], text) for text in tree.properties)
    for child in tree.children:
        yield from child.claims()


def _without_zones(plain: bytes) -> tuple[bytes, Sequence[bytes]]:
    zones: list[bytes] = _ZONE.findall(plain)
    return (_ZONE.sub(b"", plain) if zones else plain), zones


def _parse(plain: bytes) -> _Component:
    """The tree below a root that stands for all VCALENDARs of the object; unbalanced BEGIN and END are tolerated."""
    root = _Component("VCALENDAR")
    stack = [root]
    for line in plain.split(b"\n"):
        name = line_name(line)
        if name == "BEGIN":
            _open(stack, line)
        elif name == "END":
            _close(stack, line)
        elif line.strip():
            stack[-1].properties.update(_canonical(line, name, in_calendar=len(stack) == 1))
    return root


def _open(stack: list[_Component], line: bytes) -> None:
    kind = component_kind(line)
    if kind in TOP_LEVEL:
        del stack[1:]
    if kind != "VCALENDAR":
        component = _Component(kind)
        stack[-1].children.append(component)
        stack.append(component)


def _close(stack: list[_Component], line: bytes) -> None:
    kind = component_kind(line)
    for depth in range(len(stack) - 1, 0, -1):
        if stack[depth].kind == kind:
            del stack[depth:]
            return


def _canonical(line: bytes, name: str, *, in_calendar: bool) -> Iterator[str]:
    if name in _IGNORED or (in_calendar and name in _IGNORED_IN_CALENDAR):
        return iter(())
    return canonical_properties(parse_named_line(name, line), line)


def _zones_digest(zones: Sequence[bytes], plain: bytes) -> bytes:
    """Digest of the definitions that are used and that the time zone database does not know by name; b"" if none."""
    defined = (zone_digest(zone) for zone in zones)
    digests = {digest for tzid, digest in defined if digest and tzid.encode("utf-8", "surrogateescape") in plain}
    return blake2b(b"".join(sorted(digests)), digest_size=_DIGEST_SIZE).digest() if digests else b""


@lru_cache(maxsize=256)
def zone_digest(block: bytes) -> tuple[str, bytes]:
    """TZID and digest of an unfolded VTIMEZONE; b"" for a zone that the time zone database knows by its name."""
    tree = _Component("VTIMEZONE")
    tzid = ""
    body = [line for line in block.split(b"\n") if line_name(line) not in _IGNORED_IN_ZONE]
    for child in _parse(b"\n".join(body)).children:
        tree.children.extend(child.children)
        tree.properties |= child.properties
    for text in tree.properties:
        if text.startswith("TZID:"):
            tzid = text.removeprefix("TZID:")
    return tzid, b"" if is_known_zone(tzid) else tree.digest()


@lru_cache(maxsize=1024)
def is_known_zone(tzid: str) -> bool:
    """True when the time zone database knows `tzid`: then its definition inside an object adds nothing."""
    try:
        ZoneInfo(tzid)
    except (OSError, ValueError):
        # ZoneInfoNotFoundError is a KeyError; a name that is a directory or no path at all is one of these.
        return False
    except KeyError:
        return False
    return True
