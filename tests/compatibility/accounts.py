"""What plain requests see of an account: every object by GET, the calendars' properties, what reached other people.

Nothing of our client is used, so that it is judged by another one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes, urljoin, urlsplit
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from caldav_backup.connectors.naming import record_name
from tests.servers.server import Server, calendars, members

_ASKED = (
    b'<propfind xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:A="http://apple.com/ns/ical/"><prop>'
    b"<displayname/><A:calendar-color/><C:supported-calendar-component-set/><resourcetype/></prop></propfind>"
)
_MULTIGET = (
    b'<C:calendar-multiget xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><prop><C:calendar-data/></prop>'
    b"<href>%s</href></C:calendar-multiget>"
)
_XML = {"Content-Type": "application/xml; charset=utf-8"}
_C = "{urn:ietf:params:xml:ns:caldav}"
#: DAViCal 1.1 lists these as plain calendars. They hold what other people sent.
_NO_CALENDARS = frozenset({"Inbox", "Outbox", ".in", ".out"})
#: SOGo 5.8 writes an emoji in a calendar's name as references to the halves of a pair, which no XML parser takes.
_PAIR = re.compile(rb"&#(55\d{3}|56[0-2]\d\d);&#(5[67]\d{3});")


class Properties(NamedTuple):
    """What a person sees of a calendar: its name, `#rrggbb` in lower case, and the kinds of components it takes."""

    displayname: str
    color: str
    components: frozenset[str]


class Held(NamedTuple):
    """One calendar: its path, its properties, and its objects by the names that they have in a snapshot."""

    path: str
    properties: Properties
    objects: Mapping[str, bytes]


def account(server: Server) -> dict[str, Held]:
    """Every calendar of the home and all that can be had of it, by the last segment of its path."""
    found = {}
    for href in calendars(server._replace(built_in=_NO_CALENDARS)):
        path = _decoded(href).rstrip("/")
        found[path.rsplit("/", 1)[1]] = Held(path, _properties(server, href), _objects(server, href))
    return found


def _objects(server: Server, calendar: str) -> dict[str, bytes]:
    found = {}
    for href in members(server, calendar):
        if href.endswith("/"):
            continue
        path = _decoded(href if "/" in href else calendar + href)  # Xandikos 0.4 leaves it out before a colon
        reply = server.request("GET", quote(path, safe="/", errors="surrogateescape"))
        if reply.status == 200:
            found[record_name(path.rsplit("/", 1)[1])] = reply.body
    return found


def as_reported(server: Server, held: Held, name: str) -> bytes:
    """An object as a multiget gives it (RFC 4791 §7.9), with CRLF as line ends; b"" when it gives none."""
    href = quote(f"{held.path}/{name}", safe="/", errors="surrogateescape")
    answer = server.request("REPORT", f"{quote(held.path)}/", _MULTIGET % escape(href).encode(), {"Depth": "1", **_XML})
    if answer.status != 207:
        return b""
    found = (one.text or "" for one in ET.fromstring(answer.body).iter(f"{_C}calendar-data"))
    return next(found, "").replace("\r\n", "\n").replace("\n", "\r\n").encode()


def _properties(server: Server, calendar: str) -> Properties:
    answer = server.expect("PROPFIND", calendar, _ASKED, {"Depth": "0", **_XML})
    root = ET.fromstring(_PAIR.sub(_character, answer.body))
    displayname = next((one.text or "" for one in root.iter("{DAV:}displayname")), "")
    color = next((one.text or "" for one in root.iter("{http://apple.com/ns/ical/}calendar-color")), "")
    components = frozenset(one.attrib["name"] for one in root.iter(f"{_C}comp") if "name" in one.attrib)
    return Properties(displayname.strip(), color.strip().lower()[:7], components)


def reached(server: Server) -> tuple[frozenset[str], frozenset[str]]:
    """What other people have of the account: the names of mails, and every object below the other user's home."""
    mails = server.mail_directory
    return frozenset(one.name for one in mails.iterdir()) if mails else frozenset(), _of_the_other(server)


def _of_the_other(server: Server) -> frozenset[str]:
    if not server.other_user:
        return frozenset()
    home = server.home.replace(f"/{server.user}/", f"/{server.other_user}/")
    other = server._replace(home=home, user=server.other_user)
    if other.request("PROPFIND", "", _ASKED, {"Depth": "1", **_XML}).status != 207:
        return frozenset()  # Radicale 3.9: a user who never came has no home
    collections = [href for href in members(other) if href.endswith("/")]
    below = (urljoin(collection, href) for collection in collections for href in _members_if_any(other, collection))
    return frozenset(below)


def _members_if_any(server: Server, collection: str) -> list[str]:
    reply = server.request("PROPFIND", collection, _ASKED, {"Depth": "1", **_XML})
    return members(server, collection) if reply.status == 207 else []


def _character(pair: re.Match[bytes]) -> bytes:
    return b"&#%d;" % (0x10000 + ((int(pair[1]) - 0xD800) << 10) + (int(pair[2]) - 0xDC00))


def _decoded(href: str) -> str:
    """Its path; an href may be a whole URL, and a `?` in it is a character (Cyrus 3.6 does not escape it)."""
    path = href if href.startswith("/") or "://" not in href else urlsplit(href).path
    return unquote_to_bytes(path).decode("utf-8", "surrogateescape")
