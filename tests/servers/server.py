"""A CalDAV server as a test sees it: addresses and credentials, and plain requests that ask nothing of our client."""

from __future__ import annotations

import base64
import re
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin, urlsplit

from tests.events import collection

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from caldav_backup.cli.invented_events import Event

_MKCALENDAR = """<?xml version="1.0" encoding="utf-8"?>
<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:A="http://apple.com/ns/ical/">
<D:set><D:prop><D:displayname>{displayname}</D:displayname>{color}</D:prop></D:set></C:mkcalendar>"""
_ONE_BY_ONE = 40  # up to here Radicale is given events one by one, at the names that the test chose


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


class Server(NamedTuple):
    """A running server with a home that is empty at the start of the test; every address ends with a slash.

    `user` and `password` are empty where the server asks for none.
    """

    name: str
    url: str
    home: str
    user: str
    password: str

    def request(
        self, method: str, href: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request; `href` is relative to the home, a path, or a whole URL. Any status is an answer."""
        request = urllib.request.Request(
            urljoin(self.home, href), data=body, method=method, headers=dict(headers or {})
        )
        if self.user:
            credentials = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            request.add_header("Authorization", f"Basic {credentials}")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read())

    def expect(
        self, method: str, href: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """The same, where anything but success is a broken test."""
        answer = self.request(method, href, body, headers)
        assert 200 <= answer.status < 300, f"{method} {href}: {answer.status} {answer.body[:300]!r}"
        return answer


def members(server: Server, href: str = "") -> list[str]:
    """The hrefs below a collection (the home unless told otherwise), as the server writes them."""
    body = b'<D:propfind xmlns:D="DAV:"><D:prop><D:resourcetype/></D:prop></D:propfind>'
    listing = server.expect("PROPFIND", href, body, {"Depth": "1", "Content-Type": "application/xml"}).body.decode()
    own = urlsplit(urljoin(server.home, href)).path
    return [found for found in re.findall(r"href>([^<]+)<", listing) if urlsplit(found).path != own]


def make_calendar(server: Server, calendar: str, *, displayname: str = "", color: str = "") -> str:
    """MKCALENDAR `calendar`, a name below the home; returns its URL."""
    color = f"<A:calendar-color>{color}</A:calendar-color>" if color else ""
    body = _MKCALENDAR.format(displayname=displayname or calendar, color=color)
    server.expect("MKCALENDAR", f"{calendar}/", body.encode(), {"Content-Type": "application/xml"})
    return urljoin(server.home, f"{calendar}/")


def put(server: Server, calendar: str, event: Event) -> None:
    """Writes one object, new or not, at `<calendar>/<event.name>`."""
    server.expect("PUT", f"{calendar}/{event.name}", event.content, {"Content-Type": "text/calendar; charset=utf-8"})


def seed(server: Server, calendar: str, events: Sequence[Event], *, displayname: str = "", color: str = "") -> str:
    """A new calendar with these objects; returns its URL.

    Many objects go to Radicale in one request (each PUT of its own looks through all UIDs: 58 a second, falling to
    16); it then chooses the names, `<UID>.ics`, which are the names that `tests.events` gives as well.
    """
    url = make_calendar(server, calendar, displayname=displayname, color=color)
    if server.name == "radicale" and len(events) > _ONE_BY_ONE:
        server.expect("PUT", f"{calendar}/", collection(list(events)), {"Content-Type": "text/calendar"})
        set_properties(server, calendar, displayname=displayname or calendar, color=color)
    else:
        for event in events:
            put(server, calendar, event)
    return url


def set_properties(server: Server, calendar: str, *, displayname: str, color: str = "") -> None:
    color = f"<A:calendar-color>{color}</A:calendar-color>" if color else ""
    body = (
        '<D:propertyupdate xmlns:D="DAV:" xmlns:A="http://apple.com/ns/ical/"><D:set><D:prop>'
        f"<D:displayname>{displayname}</D:displayname>{color}</D:prop></D:set></D:propertyupdate>"
    )
    server.expect("PROPPATCH", f"{calendar}/", body.encode(), {"Content-Type": "application/xml"})
