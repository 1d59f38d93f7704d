"""Properties of calendars that clients have put there and that nobody knows beforehand (RFC 4918 §4.2).

Owns how they are asked for: two requests for each home, so not in every run. Which of them are worth keeping is said by
`calendars`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldav_backup.dav import calendars, hrefs
from caldav_backup.dav.errors import BadAnswer, Forbidden, NotFound, Refused
from caldav_backup.dav.requests import ITSELF, MEMBERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from caldav_backup.dav.client import Client
    from caldav_backup.dav.models import Calendar
    from caldav_backup.dav.properties import Property
    from caldav_backup.dav.responses import Multistatus

#: More names of further properties than this are not asked for.
_MOST_FURTHER = 64


#: What a server may say instead of an answer to such a question; the calendars themselves are not in doubt by it.
_CANNOT_SAY = (NotFound, Forbidden, Refused, BadAnswer)


async def further_properties(client: Client, found: Iterable[Calendar]) -> dict[str, Mapping[str, bytes]]:
    """What else can be set again of the calendars `found`: by normalised path, the whole element for each name.

    A calendar that has nothing of the kind is not in it.
    """
    calendars_by_home: dict[str, list[Calendar]] = {}
    for calendar in found:
        calendars_by_home.setdefault(calendar.home, []).append(calendar)
    properties: dict[str, Mapping[str, bytes]] = {}
    for home, below in calendars_by_home.items():
        is_alone = len(below) == 1 and hrefs.same_resource(home, below[0].url)
        elements = await _of_home(client, home, ITSELF if is_alone else MEMBERS)
        for path in (hrefs.normalise(calendar.href) for calendar in below):
            if of_calendar := elements.get(path.rstrip("/")):
                properties[path] = {name: each._replace(tail="").to_xml() for name, each in sorted(of_calendar.items())}
    return properties


async def _of_home(client: Client, home: str, depth: str) -> dict[str, dict[str, Property]]:
    """The elements of each resource, by its normalised path without a final slash."""
    try:
        multistatus = await client.propname(home, depth)
        if not any(response.found for response in multistatus.responses):
            # DAViCal 1.1.12 takes `propname` for the name of a property, which nothing has.
            return _all_further(await client.allprop(home, depth))
    except _CANNOT_SAY:
        return {}
    further = _names(multistatus)
    if not further:
        return {}
    try:
        return await _values(client, home, further, depth)
    except _CANNOT_SAY:
        return await _one_by_one(client, home, further, depth)


def _names(multistatus: Multistatus) -> list[str]:
    found = {name for response in multistatus.responses for name in response.found}
    return sorted(filter(calendars.is_further_property, found))[:_MOST_FURTHER]


def _all_further(multistatus: Multistatus) -> dict[str, dict[str, Property]]:
    further = set(_names(multistatus))
    return {
        hrefs.normalise(multistatus.path(each)).rstrip("/"): {
            name: value for name, value in each.found.items() if name in further
        }
        for each in multistatus.responses
    }


async def _values(client: Client, home: str, further: Iterable[str], depth: str) -> dict[str, dict[str, Property]]:
    multistatus = await client.propfind(home, further, depth)
    return {hrefs.normalise(multistatus.path(each)).rstrip("/"): each.found for each in multistatus.responses}


async def _one_by_one(client: Client, home: str, further: Iterable[str], depth: str) -> dict[str, dict[str, Property]]:
    """The same, so that one that the server fails at does not take the others with it."""
    found: dict[str, dict[str, Property]] = {}
    for name in further:
        try:
            values = await _values(client, home, [name], depth)
        except _CANNOT_SAY:
            continue
        for path, elements in values.items():
            found.setdefault(path, {}).update(elements)
    return found
