"""Whether two calendar objects mean the same, told without order, folding, and what servers rewrite on their own.

Owns the canonical form: components and properties as unordered collections, values in one spelling, defaults left out.
What is no difference (measured on Radicale 3.9, Xandikos 0.4, sabre/dav 1.8 and 4.7, Cyrus 3.6, DAViCal 1.1, SOGo 5.8):
order, folding, letter case of names, DTSTAMP, CREATED, LAST-MODIFIED, PRODID, METHOD, defaults written out
(CLASS:PUBLIC, TRANSP:OPAQUE, INTERVAL=1, an all-day event's one day …), an end told as DURATION or as DTEND of the same
moment, the order of parts in a RRULE, CATEGORIES split or joined, escaping, SCHEDULE-* parameters, names of alarms, and
time zone definitions that were added, dropped or that the zone's name alone defines.
Everything else is a difference. It works on content lines, not on the icalendar library's objects: it takes broken
objects too, and needs a sixth of the time, which counts when 100,000 records of a restore are compared.
docs/design/meaning.md says the same for users.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from caldav_backup.ics.components import DIGEST_SIZE, Component, parse_components
from caldav_backup.ics.lines import line_name, unfolded
from caldav_backup.ics.zones import is_known_zone, without_zones

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


def meaning_of(content: bytes) -> Meaning:
    """The meaning of one calendar object; never raises, a broken line counts as a property of its own."""
    plain, zones = without_zones(unfolded(content))
    return Meaning(parse_components(plain).digest(), _zones_digest(zones, plain))


def same_meaning(first: bytes, second: bytes) -> bool:
    """True when two calendar objects say the same."""
    return first == second or meaning_of(first).matches(meaning_of(second))


def _zones_digest(zones: Sequence[bytes], plain: bytes) -> bytes:
    """Digest of the definitions that are used and that the time zone database does not know by name; b"" if none."""
    defined = (zone_digest(zone) for zone in zones)
    digests = {digest for tzid, digest in defined if digest and tzid.encode("utf-8", "surrogateescape") in plain}
    return blake2b(b"".join(sorted(digests)), digest_size=DIGEST_SIZE).digest() if digests else b""


@lru_cache(maxsize=256)
def zone_digest(block: bytes) -> tuple[str, bytes]:
    """TZID and digest of an unfolded VTIMEZONE; b"" for a zone that the time zone database knows by its name."""
    tree = Component("VTIMEZONE")
    tzid = ""
    body = [line for line in block.split(b"\n") if line_name(line) not in _IGNORED_IN_ZONE]
    for child in parse_components(b"\n".join(body)).children:
        tree.children.extend(child.children)
        tree.properties |= child.properties
    for text in tree.properties:
        if text.startswith("TZID:"):
            tzid = text.removeprefix("TZID:")
    return tzid, b"" if is_known_zone(tzid) else tree.digest()
