"""Making a calendar on a server, with as many of its properties as the server keeps.

Owns the way that works on all servers that were tried: a plain name, MKCALENDAR with display name and components
only, then one PROPPATCH per property, then everything read back (`kept_properties` compares). Xandikos 0.4 answers 207
to more and makes nothing; SOGo 5.8 and DAViCal 1.1 answer 201 and drop or change some.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import NamedTuple
from uuid import uuid4

from caldav_backup import dav
from caldav_backup.connectors.destination import CalendarNotMade
from caldav_backup.connectors.kept_properties import FURTHER, TEXTS, lacking, not_kept, qualified_name
from caldav_backup.connectors.products import Product
from caldav_backup.dav import hrefs, names, requests

_NOT_PLAIN = re.compile(r"[^a-z0-9]+")
_LONGEST_NAME = 60
#: Names that are tried when one is taken by something that no listing shows, as a calendar in a trash bin.
_ATTEMPTS = 4
_TAKEN = frozenset({405, 409})
#: What says no to this one calendar, or cannot be understood.
_SAYS_NO = (dav.Refused, dav.Forbidden, dav.NotFound, dav.PreconditionFailed, dav.BadAnswer)
_OTHERWISE = "make one in its web page or with another program, and name it with --map or --into"

#: Nextcloud (apps/dav, RateLimitingPlugin): 429 after 10 new calendars in an hour, 403 for more than 30 in all.
_TOO_MANY_NOW = re.compile(r"too many calendars", re.IGNORECASE)
_TOO_MANY = re.compile(r"calendar limit", re.IGNORECASE)


class Made(NamedTuple):
    """A new calendar as the server describes it, and the attributes that it did not keep, with its word on each."""

    calendar: dav.Calendar
    not_kept: tuple[str, ...]


async def make_calendar(
    client: dav.Client,
    home: str,
    hint: str,
    attributes: Mapping[str, bytes],
    taken: Collection[str],
    *,
    product: Product = Product("", "", None),  # noqa: B008  # frozen
) -> Made:
    """Make a calendar below `home`, called `hint` as far as that is a plain name; `taken` are names in use, folded.

    Raises `CalendarNotMade` with the server's reason.
    """
    wanted = _texts(attributes)
    components = tuple(part for part in wanted.get("components", "").split(",") if part)
    names_to_try = (name for name in _candidates(hint, product) if name.casefold() not in taken)
    urls = (f"{hrefs.collection(home)}{name}/" for name in names_to_try)
    url, refused = await _make(client, urls, wanted.get("displayname"), components, product)
    refused |= await _set(client, url, _properties(wanted))
    calendar = await _describe(client, url)
    if calendar.displayname != wanted.get("displayname") and wanted.get("displayname"):
        # DAViCal 1.1 escapes the name in MKCALENDAR twice and here once, SOGo 5.8 ignores it in extended MKCOL.
        refused |= await _set(client, url, [(names.DISPLAYNAME, wanted["displayname"])])
        calendar = await _describe(client, url)
    further = await _further(client, calendar, wanted)
    return Made(calendar, tuple(not_kept(wanted, calendar, further, refused)))


async def complete_calendar(client: dav.Client, url: str, attributes: Mapping[str, bytes]) -> tuple[str, ...]:
    """Give the calendar at `url` what it lacks of `attributes`, and change nothing that it has.

    What it did not keep, as in `Made`. Raises `CalendarNotMade` when it is not there.
    """
    wanted = _texts(attributes)
    calendar = await _describe(client, url)
    missing = lacking(wanted, calendar, await _further(client, calendar, wanted))
    if not missing:
        return ()
    refused = await _set(client, url, _properties(missing))
    calendar = await _describe(client, url)
    return tuple(not_kept(missing, calendar, await _further(client, calendar, missing), refused))


def _texts(attributes: Mapping[str, bytes]) -> dict[str, str]:
    return {name: value.decode("utf-8", "surrogateescape") for name, value in attributes.items()}


def plain_name(hint: str) -> str:
    """`hint` in `[a-z0-9-]`, which every server takes (Cyrus 3.6 refuses blanks and umlauts)."""
    plain = unicodedata.normalize("NFKD", hint).encode("ascii", "ignore").decode("ascii").lower()
    return _NOT_PLAIN.sub("-", plain)[:_LONGEST_NAME].strip("-") or "calendar"


def _candidates(hint: str, product: Product) -> Iterator[str]:
    if product.name == "icloud":
        # By report only names as Apple's clients choose them work, and a calendar at the address of a deleted one shows
        # what was in that: so always new ones.
        while True:
            yield str(uuid4()).upper()
    name = plain_name(hint)
    yield name
    number = 2
    while True:
        yield f"{name}-{number}"
        number += 1


async def _make(
    client: dav.Client, urls: Iterator[str], displayname: str | None, components: tuple[str, ...], product: Product
) -> tuple[str, dict[str, str]]:
    """Make the calendar at the first of `urls` where nothing is: its URL, and what of it was refused."""
    why = ""
    for url in islice(urls, _ATTEMPTS):
        try:
            return url, await _make_with_components(client, url, displayname, components)
        except dav.TooManyRequests as error:
            if not _TOO_MANY_NOW.search(error.excerpt):
                raise
            raise CalendarNotMade(_why_not(error, product)) from error
        except _SAYS_NO as error:
            why = _why_not(error, product)
            is_taken = error.status in _TAKEN or error.condition == "resource-must-be-null"
            if not is_taken or product.name == "google":
                break
    raise CalendarNotMade(why)


def _why_not(error: dav.DavError, product: Product) -> str:
    if _TOO_MANY_NOW.search(error.excerpt):
        return f"the server makes only so many calendars in an hour, so restore again later what is missing ({error})"
    if _TOO_MANY.search(error.excerpt):
        return (
            f"the account has as many calendars as it may have; delete one, or name one with --map or --into ({error})"
        )
    if product.name == "google":
        return f"Google makes calendars in its web page only; {_OTHERWISE} ({error})"
    if error.status in {403, 405, 501}:
        return f"the server lets no calendar be made; {_OTHERWISE} ({error})"
    return f"no calendar could be made ({error}); {_OTHERWISE}"


async def _make_with_components(
    client: dav.Client, url: str, displayname: str | None, components: tuple[str, ...]
) -> dict[str, str]:
    try:
        await client.mkcalendar(url, displayname, components)
    except (dav.Refused, dav.Forbidden) as error:
        if not components or error.status in _TAKEN or _TOO_MANY.search(error.excerpt):
            raise
        # A server may not let clients choose components; what it then does not take is reported record by record.
        await client.mkcalendar(url, displayname)
        return {names.SUPPORTED_CALENDAR_COMPONENT_SET: f"refused with {error.status}"}
    return {}


async def _set(client: dav.Client, url: str, properties: Iterable[tuple[str, str | bytes]]) -> dict[str, str]:
    """Set the properties, one by one; what became of those that were not."""
    refused: dict[str, str] = {}
    for name, value in properties:
        try:
            status = (await client.proppatch(url, {name: value}))[name]
        except ValueError:
            refused[name] = "not kept, since what is stored of it is no XML"
        except _SAYS_NO as error:
            refused[name] = f"refused with {error.status}" if error.status and error.status >= 300 else "not kept"
        else:
            if status >= 300:
                refused[name] = f"refused with {status}"
    return refused


async def _describe(client: dav.Client, url: str) -> dav.Calendar:
    try:
        found = await dav.discover(client, url)
    except (*_SAYS_NO, dav.NotCalDAV) as error:
        raise CalendarNotMade(
            f"the server says that it made {hrefs.path_of(url)}, but does not show it: {error}"
        ) from error
    if not found.calendars:
        raise CalendarNotMade(f"the server says that it made {hrefs.path_of(url)}, but there is no calendar")
    return found.calendars[0]


async def _further(client: dav.Client, calendar: dav.Calendar, wanted: Iterable[str]) -> Mapping[str, bytes]:
    """The further properties that the calendar has; asked only where some were wanted."""
    if not any(attribute.startswith(FURTHER) for attribute in wanted):
        return {}
    found = await dav.further_properties(client, [calendar])
    return found.get(dav.normalise(calendar.href), {})


def _properties(wanted: Mapping[str, str]) -> Iterator[tuple[str, str | bytes]]:
    """What is set by PROPPATCH, by its qualified name."""
    for attribute, text in wanted.items():
        name = qualified_name(attribute)
        if name is None or attribute in {"displayname", "components"}:
            continue
        if attribute in TEXTS:
            yield name, text
        elif attribute == "transp":
            yield name, requests.transparency(text)
        else:
            yield name, text.encode("utf-8", "surrogateescape")
