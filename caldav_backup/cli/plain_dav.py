"""A calendar program in miniature: plain requests to a server that is known, without any of `dav`.

Owns what `demo` and the tests do to a server from the outside, so that our client is judged by another one. It trusts
its server, holds answers whole and repeats nothing: it is no client for anybody's calendars.
"""

from __future__ import annotations

import base64
import re
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit
from xml.sax.saxutils import escape, unescape

from caldav_backup.cli.invented_events import Event, wrap

TIMEOUT = 60.0  # seconds
_XML = {"Content-Type": "application/xml; charset=utf-8"}
_CALENDAR = {"Content-Type": "text/calendar; charset=utf-8"}
_HREF = re.compile(r"<(?:\w+:)?href>\s*([^<]+?)\s*<")
_NAMESPACES = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:A="http://apple.com/ns/ical/"'


class RefusedRequest(Exception):
    """The server did not do what it was asked; the message has the request, the status and the answer's beginning."""


class Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


class PlainClient(NamedTuple):
    """Requests as `user` (empty: as nobody); hrefs are relative to `home`, which ends with a slash, or whole URLs."""

    home: str
    user: str = ""
    password: str = ""

    def request(
        self, method: str, href: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """One request; any status is an answer."""
        url = urljoin(self.home, href)
        request = urllib.request.Request(url, body, dict(headers or {}), method=method)  # noqa: S310 - our own server
        if self.user:
            credentials = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            request.add_header("Authorization", f"Basic {credentials}")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=TIMEOUT) as answer:
                return Reply(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, dict(error.headers), error.read())

    def expect(
        self, method: str, href: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """The same, where anything but success raises RefusedRequest."""
        reply = self.request(method, href, body, headers)
        if not 200 <= reply.status < 300:
            raise RefusedRequest(f"{method} {href}: {reply.status} {reply.body[:300]!r}")
        return reply

    def make_calendar(self, calendar: str, *, displayname: str = "", color: str = "") -> str:
        """MKCALENDAR `calendar`, a name below the home; returns its URL."""
        body = f"<C:mkcalendar {_NAMESPACES}>{_set(displayname or calendar, color)}</C:mkcalendar>"
        self.expect("MKCALENDAR", f"{calendar}/", body.encode(), _XML)
        return urljoin(self.home, f"{calendar}/")

    def set_properties(self, calendar: str, *, displayname: str, color: str = "") -> None:
        body = f"<D:propertyupdate {_NAMESPACES}>{_set(displayname, color)}</D:propertyupdate>"
        self.expect("PROPPATCH", f"{calendar}/", body.encode(), _XML)

    def put(self, calendar: str, event: Event) -> None:
        """Writes one object, new or not, at `<calendar>/<event.name>`."""
        self.expect("PUT", f"{calendar}/{event.name}", event.content, _CALENDAR)

    def put_whole(self, calendar: str, events: Sequence[Event]) -> None:
        """All objects in one request, in place of what the calendar holds. Only Radicale takes that.

        It names them `<UID>.ics`, which are the names that invented events have, and forgets the calendar's properties.
        One by one it would take 58 a second, falling to 16, since each PUT looks through all UIDs (Radicale 3.9).
        """
        self.expect("PUT", f"{calendar}/", one_calendar(events), _CALENDAR)

    def delete(self, href: str) -> None:
        self.expect("DELETE", href)

    def members(self, href: str = "") -> list[str]:
        """The hrefs below a collection (the home unless told otherwise), as the server writes them."""
        body = f"<D:propfind {_NAMESPACES}><D:prop><D:resourcetype/></D:prop></D:propfind>"
        listing = self.expect("PROPFIND", href, body.encode(), {"Depth": "1", **_XML}).body.decode()
        own = urlsplit(urljoin(self.home, href)).path
        found = [unescape(href) for href in _HREF.findall(listing)]
        return [href for href in found if urlsplit(href).path != own]


def one_calendar(events: Sequence[Event]) -> bytes:
    """The components of all objects in one VCALENDAR."""
    begin, end = wrap([]).split(b"END:VCALENDAR")
    inner = [event.content.removeprefix(begin).removesuffix(b"END:VCALENDAR" + end) for event in events]
    return begin + b"".join(inner) + b"END:VCALENDAR" + end


def _set(displayname: str, color: str) -> str:
    colored = f"<A:calendar-color>{escape(color)}</A:calendar-color>" if color else ""
    return f"<D:set><D:prop><D:displayname>{escape(displayname)}</D:displayname>{colored}</D:prop></D:set>"
