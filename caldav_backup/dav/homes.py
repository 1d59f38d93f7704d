"""What lies in a calendar home: one PROPFIND for the properties that are known.

Owns the reading of homes. What counts as a calendar is said by `calendars`; what clients have put there besides is
`further`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from caldav_backup.dav import calendars, hrefs
from caldav_backup.dav.errors import BadAnswer
from caldav_backup.dav.requests import ITSELF

if TYPE_CHECKING:
    from collections.abc import Collection

    from caldav_backup.dav.client import Client
    from caldav_backup.dav.models import Calendar, LeftOut


class Home(NamedTuple):
    """The calendars of one home, and its other collections."""

    calendars: list[Calendar]
    left_out: list[LeftOut]


async def read_home(client: Client, url: str, depth: str, scheduling: Collection[str]) -> Home:
    """The collections below `url`, or with `depth` "0" itself alone; `scheduling` as in `calendars.why_left_out`.

    Raises BadAnswer when the answer names nothing at all: a home that lists not even itself is not an empty one.
    """
    multistatus = await client.propfind(url, calendars.PROPERTIES, depth)
    if not multistatus.responses:
        raise BadAnswer(
            "the server lists nothing, not even the home itself", method="PROPFIND", href=hrefs.path_of(url)
        )
    home = Home([], [])
    for response in multistatus.responses:
        path = multistatus.path(response)
        reason = calendars.why_left_out(response, path, scheduling)
        if reason is None:
            home.calendars.append(calendars.calendar(multistatus.url, response, date=multistatus.date))
        elif calendars.is_collection(response) and (depth == ITSELF or not hrefs.same_resource(path, multistatus.url)):
            home.left_out.append(calendars.left_out(path, response, reason))
    return home
