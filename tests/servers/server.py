"""A CalDAV server as a test sees it: addresses and credentials, and plain requests that ask nothing of our client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from caldav_backup.cli.invented_events import Event
from caldav_backup.cli.plain_dav import PlainClient, Reply

_ONE_BY_ONE = 40  # up to here Radicale is given events one by one, in the order of the test


class Server(NamedTuple):
    """A running server with a home that is empty at the start of the test; every address ends with a slash.

    `user` and `password` are empty where the server asks for none.
    """

    name: str
    url: str
    home: str
    user: str
    password: str

    @property
    def client(self) -> PlainClient:
        return PlainClient(self.home, self.user, self.password)

    def request(
        self, method: str, href: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """One request; `href` is relative to the home, a path, or a whole URL. Any status is an answer."""
        return self.client.request(method, href, body, headers)

    def expect(
        self, method: str, href: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """The same, where anything but success is a broken test."""
        return self.client.expect(method, href, body, headers)


def members(server: Server, href: str = "") -> list[str]:
    """The hrefs below a collection (the home unless told otherwise), as the server writes them."""
    return server.client.members(href)


def make_calendar(server: Server, calendar: str, *, displayname: str = "", color: str = "") -> str:
    """MKCALENDAR `calendar`, a name below the home; returns its URL."""
    return server.client.make_calendar(calendar, displayname=displayname, color=color)


def put(server: Server, calendar: str, event: Event) -> None:
    """Writes one object, new or not, at `<calendar>/<event.name>`."""
    server.client.put(calendar, event)


def seed(server: Server, calendar: str, events: Sequence[Event], *, displayname: str = "", color: str = "") -> str:
    """A new calendar with these objects, at their names; returns its URL."""
    client = server.client
    url = client.make_calendar(calendar, displayname=displayname, color=color)
    if server.name == "radicale" and len(events) > _ONE_BY_ONE:
        client.put_whole(calendar, events)
        client.set_properties(calendar, displayname=displayname or calendar, color=color)
    else:
        for event in events:
            client.put(calendar, event)
    return url
