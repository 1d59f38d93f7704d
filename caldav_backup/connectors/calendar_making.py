"""Making a calendar on a server, with as many of its properties as the server keeps.

Owns the way that works on all servers that were tried: a plain name, MKCALENDAR with display name and components
only, then one PROPPATCH per property, then everything read back. Xandikos 0.4 answers 207 to more and makes nothing;
SOGo 5.8 and DAViCal 1.1 answer 201 and drop or change some.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple
from urllib.parse import unquote

from caldav_backup import dav
from caldav_backup.connectors.destination import CalendarNotMade
from caldav_backup.dav import hrefs, names, requests

#: Attributes that are one property of plain text each.
_TEXTS: Mapping[str, str] = {
    "displayname": names.DISPLAYNAME,
    "color": names.CALENDAR_COLOR,
    "order": names.CALENDAR_ORDER,
    "description": names.CALENDAR_DESCRIPTION,
    "timezone": names.CALENDAR_TIMEZONE,
}
_FURTHER = "prop."
_NOT_PLAIN = re.compile(r"[^a-z0-9]+")
_LONGEST_NAME = 60
#: Names that are tried when one is taken by something that no listing shows, as a calendar in a trash bin.
_ATTEMPTS = 4
_TAKEN = frozenset({405, 409})


class Made(NamedTuple):
    """A new calendar as the server describes it, and the attributes that it did not keep, with its word on each."""

    calendar: dav.Calendar
    not_kept: tuple[str, ...]


async def make_calendar(
    client: dav.Client, home: str, hint: str, attributes: Mapping[str, bytes], taken: Collection[str]
) -> Made:
    """Make a calendar below `home`, called `hint` as far as that is a plain name; `taken` are names in use, folded.

    Raises `CalendarNotMade` with the server's reason.
    """
    wanted = {name: value.decode("utf-8", "surrogateescape") for name, value in attributes.items()}
    components = tuple(part for part in wanted.get("components", "").split(",") if part)
    names_to_try = (name for name in _candidates(plain_name(hint)) if name not in taken)
    urls = (f"{hrefs.collection(home)}{name}/" for name in names_to_try)
    url = await _make(client, urls, wanted.get("displayname"), components)
    statuses = await client.proppatch(url, dict(_properties(wanted)))
    calendar = await _describe(client, url)
    if calendar.displayname != wanted.get("displayname") and wanted.get("displayname"):
        # DAViCal 1.1 escapes the name in MKCALENDAR twice, SOGo 5.8 ignores it in extended MKCOL.
        statuses |= await client.proppatch(url, {names.DISPLAYNAME: wanted["displayname"]})
        calendar = await _describe(client, url)
    return Made(calendar, tuple(_not_kept(wanted, calendar, await _further(client, calendar, wanted), statuses)))


def plain_name(hint: str) -> str:
    """`hint` in `[a-z0-9-]`, which every server takes (Cyrus 3.6 refuses blanks and umlauts)."""
    plain = unicodedata.normalize("NFKD", hint).encode("ascii", "ignore").decode("ascii").lower()
    return _NOT_PLAIN.sub("-", plain)[:_LONGEST_NAME].strip("-") or "calendar"


async def _make(client: dav.Client, urls: Iterator[str], displayname: str | None, components: tuple[str, ...]) -> str:
    """Make the calendar at the first of `urls` where nothing is; its URL."""
    refusal = "the server gives no reason"
    for url in islice(urls, _ATTEMPTS):
        try:
            await _make_with_components(client, url, displayname, components)
        except (dav.Refused, dav.Forbidden, dav.NotFound, dav.PreconditionFailed, dav.BadAnswer) as error:
            refusal = str(error)
            if error.status not in _TAKEN and error.condition != "resource-must-be-null":
                break
        else:
            return url
    raise CalendarNotMade(
        f"no calendar could be made ({refusal}); make one by other means and name it with --map or --into"
    )


async def _make_with_components(
    client: dav.Client, url: str, displayname: str | None, components: tuple[str, ...]
) -> None:
    try:
        await client.mkcalendar(url, displayname, components)
    except (dav.Refused, dav.Forbidden) as error:
        if not components or error.status in _TAKEN:
            raise
        # A server may not let clients choose components; what it then does not take is reported record by record.
        await client.mkcalendar(url, displayname)


def _candidates(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}-{number}"
        number += 1


async def _describe(client: dav.Client, url: str) -> dav.Calendar:
    found = await dav.discover(client, url)
    if not found.calendars:
        raise CalendarNotMade(f"the server says that it made {hrefs.path_of(url)}, but there is no calendar")
    return found.calendars[0]


async def _further(client: dav.Client, calendar: dav.Calendar, wanted: Iterable[str]) -> Container[str]:
    """Names of the further properties that the calendar has; asked only where some were wanted."""
    if not any(attribute.startswith(_FURTHER) for attribute in wanted):
        return ()
    found = await dav.further_properties(client, [calendar])
    return found.get(dav.normalise(calendar.href), {})


def _properties(wanted: Mapping[str, str]) -> Iterator[tuple[str, str | bytes]]:
    for attribute, text in wanted.items():
        if attribute in _TEXTS and attribute != "displayname":
            yield _TEXTS[attribute], text
        elif attribute == "transp":
            yield names.SCHEDULE_CALENDAR_TRANSP, requests.transparency(text)
        elif attribute.startswith(_FURTHER):
            yield unquote(attribute.removeprefix(_FURTHER)), text.encode("utf-8", "surrogateescape")


def _not_kept(
    wanted: Mapping[str, str], made: dav.Calendar, further: Container[str], statuses: Mapping[str, int]
) -> Iterator[str]:
    """`color: refused with 403`, `order: not kept` … for what the new calendar does not show as it was asked for."""
    for attribute, text in wanted.items():
        name = _name_of(attribute)
        if name is None or _shows(made, further, attribute, text):
            continue
        status = statuses.get(name, 200)
        yield f"{attribute}: {'not kept' if status < 300 else f'refused with {status}'}"


def _name_of(attribute: str) -> str | None:
    """The qualified name of the property that an attribute stands for; None where nothing can be set."""
    if attribute.startswith(_FURTHER):
        return unquote(attribute.removeprefix(_FURTHER))
    further = {"transp": names.SCHEDULE_CALENDAR_TRANSP, "components": names.SUPPORTED_CALENDAR_COMPONENT_SET}
    return {**_TEXTS, **further}.get(attribute)


def _shows(made: dav.Calendar, further: Container[str], attribute: str, text: str) -> bool:
    if attribute.startswith(_FURTHER):
        return unquote(attribute.removeprefix(_FURTHER)) in further
    if attribute == "components":
        return not made.components or set(text.split(",")) <= set(made.components)
    if attribute == "timezone":
        # Servers write it anew, and a time zone is known by its name.
        return bool(made.timezone) or not text.strip()
    if attribute == "color":
        # Apple writes #RRGGBBAA, others drop the opacity.
        return (made.color or "").lower()[:7] == text.lower()[:7]
    shown = {
        "displayname": made.displayname,
        "order": made.order,
        "description": made.description,
        "transp": made.transp,
    }
    return (shown[attribute] or "").strip() == text.strip()
