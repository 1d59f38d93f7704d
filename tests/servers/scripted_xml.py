"""Multistatus answers of the scripted server as values, which a rule may change before they are written.

Owns the XML in both directions. A property is a Clark name and the XML inside its element.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

from lxml import etree

__all__ = ["Asking", "Member", "Multistatus", "escape", "href_in", "read_asking", "text"]

DAV, CALDAV = "{DAV:}", "{urn:ietf:params:xml:ns:caldav}"
CALENDARSERVER, APPLE = "{http://calendarserver.org/ns/}", "{http://apple.com/ns/ical/}"
_PREFIXES = {"DAV:": "d", CALDAV[1:-1]: "c", CALENDARSERVER[1:-1]: "cs", APPLE[1:-1]: "a"}
_ROOT = "".join(f' xmlns:{prefix}="{namespace}"' for namespace, prefix in _PREFIXES.items())
_REASONS = {200: "OK", 403: "Forbidden", 404: "Not Found", 500: "Internal Server Error", 507: "Insufficient Storage"}


class Member(NamedTuple):
    """One response: the properties that were found, the names of those that were not, or one status for all."""

    href: str
    found: Mapping[str, str] = {}
    missing: Sequence[str] = ()
    status: int | None = None

    def with_property(self, name: str, inside: str) -> Member:
        return self._replace(found={**self.found, name: inside})

    def without(self, *names: str) -> Member:
        return self._replace(found={name: inside for name, inside in self.found.items() if name not in names})

    def failing(self, status: int) -> Member:
        """The same member with a status in the place of its properties."""
        return Member(self.href, status=status)


class Multistatus(NamedTuple):
    """A whole answer; `token` is what a sync-collection ends with."""

    members: Sequence[Member]
    token: str = ""

    def to_xml(self) -> bytes:
        members = "".join(map(_member, self.members))
        token = f"<d:sync-token>{escape(self.token)}</d:sync-token>" if self.token else ""
        document = f'<?xml version="1.0" encoding="utf-8"?>\n<d:multistatus{_ROOT}>{members}{token}</d:multistatus>'
        return document.encode("utf-8", "surrogateescape")


class Asking(NamedTuple):
    """What a request body asks for: its root's local name, property names, hrefs, and a sync-token."""

    kind: str
    names: Sequence[str]
    hrefs: Sequence[str]
    token: str

    @property
    def only_names(self) -> bool:
        return self.kind == "propname"


def read_asking(body: bytes) -> Asking:
    """A PROPFIND without a body asks for everything (RFC 4918 §9.1)."""
    if not body:
        return Asking("allprop", (), (), "")
    root = etree.fromstring(body)
    properties = [str(each.tag) for each in root.iterfind(f"{DAV}prop/*")]
    kind = etree.QName(root).localname
    if kind == "propfind" and not properties:
        kind = "propname" if root.find(f"{DAV}propname") is not None else "allprop"
    hrefs = [(each.text or "").strip() for each in root.iterfind(f"{DAV}href")]
    return Asking(kind, properties, hrefs, (root.findtext(f"{DAV}sync-token") or "").strip())


def text(content: bytes) -> str:
    """Bytes as what stands between tags; not well-formed where they are no UTF-8 or hold control characters."""
    return escape(content.decode("utf-8", "surrogateescape"))


def href_in(path: str) -> str:
    """A property's value that is an address."""
    return f"<d:href>{escape(path)}</d:href>"


def _member(member: Member) -> str:
    if member.status is not None:
        inside = _status(member.status)
    else:
        found = "".join(_element(name, value) for name, value in member.found.items())
        inside = _propstat(found, 200) if found or not member.missing else ""
        inside += _propstat(_names(member.missing), 404) if member.missing else ""
    return f"<d:response><d:href>{escape(member.href)}</d:href>{inside}</d:response>"


def _propstat(properties: str, status: int) -> str:
    return f"<d:propstat><d:prop>{properties}</d:prop>{_status(status)}</d:propstat>"


def _status(status: int) -> str:
    return f"<d:status>HTTP/1.1 {status} {_REASONS.get(status, 'Status')}</d:status>"


def _names(names: Iterable[str]) -> str:
    return "".join(_element(name, "") for name in names)


def _element(name: str, inside: str) -> str:
    namespace, _, local = name[1:].partition("}")
    prefix = _PREFIXES.get(namespace)
    if prefix is None:
        return f'<x:{local} xmlns:x="{escape(namespace)}">{inside}</x:{local}>'
    return f"<{prefix}:{local}>{inside}</{prefix}:{local}>"
