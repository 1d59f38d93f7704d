"""A resource on the way to calendars: what it says of itself, and where it points to.

Owns what is asked there, and that nothing is asked of hosts which the credentials do not belong to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from caldav_backup.dav import calendars, hrefs, names
from caldav_backup.dav.errors import OtherHost, Unauthorized

if TYPE_CHECKING:
    from caldav_backup.dav.client import Client
    from caldav_backup.dav.multistatus import Response

#: Asked of places that are not yet known to be calendars; nothing else, since asking the wrong place hurts: Cyrus 3.6
#: ends the connection for `schedule-calendar-transp` above the homes, DAViCal 1.1 fails for `sync-token` at its root.
_PROPERTIES = (
    names.RESOURCETYPE,
    names.DISPLAYNAME,
    names.CURRENT_USER_PRINCIPAL,
    names.CALENDAR_HOME_SET,
    names.CALENDAR_USER_ADDRESS_SET,
    names.SCHEDULE_INBOX_URL,
    names.SCHEDULE_OUTBOX_URL,
    names.CALENDAR_PROXY_READ_FOR,
    names.CALENDAR_PROXY_WRITE_FOR,
)


class Place(NamedTuple):
    """A resource that answered: its URL after redirections, and what it says of itself."""

    url: str
    response: Response

    def targets(self, name: str) -> list[str]:
        """The URLs in a property of hrefs."""
        return [hrefs.resolve(self.url, href) for href in calendars.all_hrefs(self.response, name)]

    @property
    def homes(self) -> list[str]:
        """The URLs of the calendar homes (RFC 4791 §6.2.1), each once."""
        return list(dict.fromkeys(self.targets(names.CALENDAR_HOME_SET)))

    @property
    def principal_url(self) -> str | None:
        """Who the server takes us for (RFC 5397 §3)."""
        return next(iter(self.targets(names.CURRENT_USER_PRINCIPAL)), None)

    @property
    def is_calendar(self) -> bool:
        """True for a calendar collection."""
        return names.CALENDAR in calendars.kinds(self.response)

    @property
    def is_principal(self) -> bool:
        """True for a principal (RFC 3744 §4)."""
        return names.PRINCIPAL in calendars.kinds(self.response)

    @property
    def is_ourselves(self) -> bool:
        """True for the principal that the server takes us for."""
        return self.principal_url is not None and _same_place(self.url, self.principal_url)


def _same_place(one: str, other: str) -> bool:
    return hrefs.origin_of(one) == hrefs.origin_of(other) and hrefs.same_resource(one, other)


async def visit(client: Client, url: str) -> Place:
    """The resource at `url`. Raises OtherHost for one at a host that is not shown the credentials, unasked."""
    require_own_host(client, url)
    place = Place(*await client.describe(url, _PROPERTIES))
    _require_login(place)
    return place


def require_own_host(client: Client, url: str) -> None:
    """A server may name other hosts at will, so that only a person can say that the password belongs there."""
    if not hrefs.may_see_credentials(client.transport.base_url, url):
        origin = hrefs.origin_of(url)
        reason = f"it lies at {origin}, which is not shown the password; if that is right, make {origin} the location"
        raise OtherHost(reason, method="PROPFIND", href=hrefs.path_of(url))


def _require_login(place: Place) -> None:
    """Cyrus 3.6 answers strangers with 207 and `DAV:unauthenticated` in the place of a principal (RFC 5397 §3)."""
    principal = place.response.found.get(names.CURRENT_USER_PRINCIPAL)
    if principal is not None and principal.find(names.UNAUTHENTICATED) is not None:
        reason = "the server takes us for a stranger; give a user name and a password"
        raise Unauthorized(reason, method="PROPFIND", href=hrefs.path_of(place.url))
