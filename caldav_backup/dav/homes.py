"""What lies in a calendar home: one PROPFIND for the properties that are known.

Owns the reading of homes. What counts as a calendar is said by `calendars`; what clients have put there besides is
`further`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from caldav_backup.dav import calendars, hrefs, names
from caldav_backup.dav.errors import BadAnswer, DavError, Forbidden
from caldav_backup.dav.listing import GONE
from caldav_backup.dav.refusals import refusal
from caldav_backup.dav.requests import ITSELF

if TYPE_CHECKING:
    from collections.abc import Collection

    from caldav_backup.dav.client import Client
    from caldav_backup.dav.models import Calendar, LeftOut
    from caldav_backup.dav.multistatus import Response


class Home(NamedTuple):
    """The calendars of one home, its other collections, and what may be a calendar and cannot be looked at."""

    calendars: list[Calendar]
    left_out: list[LeftOut]
    unreadable: list[LeftOut]


async def read_home(client: Client, url: str, depth: str, scheduling: Collection[str]) -> Home:
    """The collections below `url`, or with `depth` "0" itself alone; `scheduling` as in `calendars.why_left_out`.

    Raises BadAnswer when the answer names nothing at all: a home that lists not even itself is not an empty one.
    """
    multistatus = await client.propfind(url, calendars.PROPERTIES, depth)
    if not multistatus.responses:
        raise BadAnswer(
            "the server lists nothing, not even the home itself", method="PROPFIND", href=hrefs.path_of(url)
        )
    home = Home([], [], [])
    for response in multistatus.responses:
        path = multistatus.path(response)
        if (error := _why_unknown(path, response)) is not None:
            # A right that is missing is missing tomorrow too; what the server fails at was a calendar perhaps.
            reported = home.left_out if isinstance(error, Forbidden) else home.unreadable
            reported.append(calendars.left_out(path, response, error.reason))
            continue
        reason = calendars.why_left_out(response, path, scheduling)
        if reason is None:
            home.calendars.append(calendars.calendar(multistatus.url, response, date=multistatus.date))
        elif calendars.is_collection(response) and (depth == ITSELF or not hrefs.same_resource(path, multistatus.url)):
            home.left_out.append(calendars.left_out(path, response, reason))
    return home


def _why_unknown(path: str, response: Response) -> DavError | None:
    """Why not even the kind of a member is told, where it is there at all."""
    status = response.status or response.refused.get(names.RESOURCETYPE) or 200
    return None if status < 400 or status in GONE else refusal("PROPFIND", path, status, {}, b"")
