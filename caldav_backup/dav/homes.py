"""What lies in a calendar home: one PROPFIND for the properties that are known, one beside it for the names of others.

Owns the reading of homes. What counts as a calendar is said by `calendars`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from caldav_backup.dav import calendars, hrefs
from caldav_backup.dav.errors import BadAnswer, Forbidden, NotFound, Refused
from caldav_backup.dav.requests import ITSELF
from caldav_backup.dav.tasks import together

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from caldav_backup.dav.client import Client
    from caldav_backup.dav.models import Calendar, LeftOut
    from caldav_backup.dav.properties import Property

#: More names of further properties than this are not asked for.
_MOST_FURTHER = 64


class Home(NamedTuple):
    """The calendars of one home, and its other collections."""

    calendars: list[Calendar]
    left_out: list[LeftOut]


async def read_home(client: Client, url: str, depth: str, scheduling: Collection[str]) -> Home:
    """The collections below `url`, or with `depth` "0" itself alone; `scheduling` as in `calendars.why_left_out`.

    Raises BadAnswer when the answer names nothing at all: a home that lists not even itself is not an empty one.
    """
    async with together() as group:
        listing = group.create_task(client.propfind(url, calendars.PROPERTIES, depth))
        further_names = group.create_task(_further_names(client, url, depth))
    multistatus = listing.result()
    if not multistatus.responses:
        raise BadAnswer(
            "the server lists nothing, not even the home itself", method="PROPFIND", href=hrefs.path_of(url)
        )
    further = await _further(client, url, depth, further_names.result())
    home = Home([], [])
    for response in multistatus.responses:
        path = multistatus.path(response)
        reason = calendars.why_left_out(response, path, scheduling)
        if reason is None:
            home.calendars.append(calendars.calendar(multistatus.url, response, further.get(hrefs.normalise(path))))
        elif calendars.is_collection(response) and (depth == ITSELF or not hrefs.same_resource(path, multistatus.url)):
            home.left_out.append(calendars.left_out(path, response, reason))
    return home


async def _further_names(client: Client, url: str, depth: str) -> list[str]:
    """Properties that clients have put there and that nobody knows beforehand."""
    try:
        multistatus = await client.propname(url, depth)
    except (NotFound, Forbidden, Refused, BadAnswer):
        return []  # a server that cannot say it; the properties that are known come without it
    found = {name for response in multistatus.responses for name in response.found}
    return sorted(filter(calendars.is_further_property, found))[:_MOST_FURTHER]


async def _further(
    client: Client, url: str, depth: str, properties: Collection[str]
) -> Mapping[str, Mapping[str, Property]]:
    """The values of these properties, by normalised path."""
    if not properties:
        return {}
    multistatus = await client.propfind(url, properties, depth)
    return {hrefs.normalise(multistatus.path(response)): response.found for response in multistatus.responses}
