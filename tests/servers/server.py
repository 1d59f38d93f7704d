"""A CalDAV server as a test sees it: addresses and credentials, and plain requests that ask nothing of our client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from caldav_backup.cli.invented_events import Event
from caldav_backup.cli.plain_dav import PlainClient, Reply

PASSWORD = "a test's password"
_ONE_BY_ONE = 40  # up to here events are given one by one, in the order of the test
_ONE_PROCESS = ("radicale", "xandikos")
_RESOURCE_TYPES = b'<propfind xmlns="DAV:"><prop><resourcetype/></prop></propfind>'
_CALENDAR = "{DAV:}propstat/{DAV:}prop/{DAV:}resourcetype/{urn:ietf:params:xml:ns:caldav}calendar"


class Server(NamedTuple):
    """A running server with a home that is as empty as it can be at the start of the test; addresses end with a slash.

    `user` and `password` are empty where the server asks for none. `other_user` has the same password, and a fresh home
    too. `mail_directory` gets each invitation that the server sends as one file (None: it sends none; emptied before
    the test). `built_in` are the collections that a fresh home has and keeps, by name. Below `digest_url` is the same
    server, but asking for Digest ("": there is no such thing).
    """

    name: str
    url: str
    home: str
    user: str
    password: str
    other_user: str = ""
    mail_directory: Path | None = None
    built_in: frozenset[str] = frozenset()
    digest_url: str = ""

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


def calendars(server: Server) -> list[str]:
    """The hrefs of the calendars of the home that were not there at first, as the server writes them."""
    answer = server.expect("PROPFIND", "", _RESOURCE_TYPES, {"Depth": "1", "Content-Type": "application/xml"})
    found = []
    for response in ET.fromstring(answer.body).iter("{DAV:}response"):
        href = response.findtext("{DAV:}href", "").strip()
        if response.find(_CALENDAR) is not None and _last_segment(href) not in server.built_in:
            found.append(href)
    return found


def _last_segment(href: str) -> str:
    return urlsplit(href).path.rstrip("/").rsplit("/", 1)[-1]


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
    if len(events) > _ONE_BY_ONE and server.name == "radicale":
        client.put_whole(calendar, events)
        client.set_properties(calendar, displayname=displayname or calendar, color=color)
    elif len(events) > _ONE_BY_ONE and server.name not in _ONE_PROCESS:
        with ThreadPoolExecutor(4) as four:
            list(four.map(lambda event: client.put(calendar, event), events))
    else:
        for event in events:
            client.put(calendar, event)
    return url


def answers(url: str, *statuses: int) -> bool:
    """Whether a PROPFIND without a login is answered with one of these; for waiting until a server is ready."""
    try:
        return PlainClient(url).request("PROPFIND", "", headers={"Depth": "0"}).status in statuses
    except (OSError, HTTPException):
        return False
