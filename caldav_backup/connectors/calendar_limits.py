"""What a server's calendar says that it takes, and what servers are known not to keep, told of a record beforehand.

Owns the properties of RFC 4791 §5.2.3 to §5.2.9. What is known of products is `losses`'. A warning is told by a look at
the bytes, since 100,000 records are looked at before a restore: it may miss what is written in an odd way, and what is
read back after writing says the truth.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from caldav_backup import dav
from caldav_backup.connectors.destination import Limits
from caldav_backup.connectors.losses import Loss, losses_of, without_zones
from caldav_backup.connectors.products import Product
from caldav_backup.dav import names
from caldav_backup.dav.calendars import calendar

_PROPERTIES = (
    names.SUPPORTED_CALENDAR_COMPONENT_SET,
    names.MAX_RESOURCE_SIZE,
    names.MIN_DATE_TIME,
    names.MAX_DATE_TIME,
    names.MAX_INSTANCES,
    names.MAX_ATTENDEES_PER_INSTANCE,
)
_UNTOLD = (dav.NotFound, dav.Forbidden, dav.Refused, dav.BadAnswer)

#: Kinds of components that stand by themselves, and how each begins in an object.
_KINDS = {kind: f"\nBEGIN:{kind}".encode() for kind in ("VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VAVAILABILITY")}
#: Take a task into a calendar for events all the same: Radicale 3.9.0, DAViCal 1.1.12.
_LENIENT = frozenset({"radicale", "davical"})
#: Of all its calendars, whatever was asked for: SOGo 5.8.0.
_ALWAYS = {"sogo": ("VEVENT", "VTODO")}
#: Tells 1901 to 2038 and takes and keeps 1800 and 2099: Cyrus 3.6.1.
_ANY_DATE = frozenset({"cyrus", "fastmail"})


_FIRST_DATE = re.compile(rb"\nDTSTART[^:\r\n]*:([0-9]{8})")
_COUNT = re.compile(rb"\nRRULE[^\r\n]*[:;]COUNT=([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class CalendarLimits(Limits):
    """Limits of a calendar, 0 or "" where there is none.

    `max_guests` are of one event, `max_instances` of one series; `earliest` and `latest` are dates as `19011213`.
    `is_strict`: other components than `components` are refused. `losses` are what the product does to objects.
    """

    max_guests: int = 0
    max_instances: int = 0
    earliest: str = ""
    latest: str = ""
    is_strict: bool = True
    losses: Sequence[Loss] = ()

    def warnings(self, content: bytes) -> Sequence[str]:
        """What of this object the calendar will not take, or is known not to keep; nothing for most objects."""
        upper = content.upper()
        return tuple(self._all_of(upper))

    def _all_of(self, upper: bytes) -> Iterator[str]:
        if self.components:
            yield from self._foreign(upper)
        if self.max_size and len(upper) > self.max_size:
            yield f"larger than the {self.max_size:,} bytes that it takes"
        if self.max_guests and upper.count(b"\nATTENDEE") > self.max_guests:
            yield from self._crowded(upper)
        if self.max_instances or self.earliest or self.latest:
            yield from self._far(upper)
        for loss in self.losses:
            if loss.concerns(upper):
                yield loss.text

    def _foreign(self, upper: bytes) -> Iterator[str]:
        foreign = [kind for kind, begin in _KINDS.items() if kind not in self.components and begin in upper]
        if foreign:
            yield f"this calendar {'takes' if self.is_strict else 'is meant for'} {_listed(self.components)} only"

    def _crowded(self, upper: bytes) -> Iterator[str]:
        """Guests are counted for each instance, of which an object may describe several."""
        most = max(part.count(b"\nATTENDEE") for part in upper.split(b"\nEND:V"))
        if most > self.max_guests:
            yield f"{most} guests, it takes {self.max_guests}"

    def _far(self, upper: bytes) -> Iterator[str]:
        first = _FIRST_DATE.search(without_zones(upper))
        if first is not None and self.earliest and first[1].decode() < self.earliest:
            yield f"begins in {first[1][:4].decode()}, it takes nothing before {self.earliest[:4]}"
        if first is not None and self.latest and first[1].decode() > self.latest:
            yield f"begins in {first[1][:4].decode()}, it takes nothing after {self.latest[:4]}"
        count = _COUNT.search(upper) if self.max_instances else None
        if count is not None and int(count[1]) > self.max_instances:
            yield f"recurs {int(count[1]):,} times, it takes {self.max_instances:,}"


async def limits_of(client: dav.Client, calendar_url: str | None, product: Product) -> CalendarLimits:
    """The calendar's limits, by one PROPFIND; of a calendar that is still to be made (None) what the product does.

    A server that tells nothing has no limits that are known.
    """
    known = CalendarLimits(
        components=_ALWAYS.get(product.name, ()),
        is_strict=product.name not in _LENIENT,
        losses=losses_of(product.name),
    )
    if calendar_url is None:
        return known
    try:
        _, response = await client.describe(calendar_url, _PROPERTIES)
    except _UNTOLD:
        return known
    dated = product.name not in _ANY_DATE
    return replace(
        known,
        components=calendar(calendar_url, response).components or known.components,
        max_size=_number(response.text(names.MAX_RESOURCE_SIZE)),
        max_guests=_number(response.text(names.MAX_ATTENDEES_PER_INSTANCE)),
        max_instances=_number(response.text(names.MAX_INSTANCES)),
        earliest=_date(response.text(names.MIN_DATE_TIME)) if dated else "",
        latest=_date(response.text(names.MAX_DATE_TIME)) if dated else "",
    )


def _number(text: str) -> int:
    """0 for what is no number, which no server means by it."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _date(text: str) -> str:
    return text[:8] if text[:8].isascii() and text[:8].isdigit() and len(text) >= 8 else ""


def _listed(kinds: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(kinds[:-1]), kinds[-1]) if part)
