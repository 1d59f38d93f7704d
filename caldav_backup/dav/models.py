"""What a CalDAV account consists of, as frozen values named by the standards.

Owns the values that leave the package. How they are read from XML is `multistatus`' and `calendars`' business.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

#: What compressing proxies put into an ETag: Apache `-gzip`, `-br`, Jetty `--gzip`, lighttpd and nginx modules `;gzip`.
_COMPRESSION = re.compile(r"(?:--?|;)(?:gzip|br|zstd|deflate)(?=\"?$)")


@dataclass(frozen=True, slots=True)
class Principal:
    """Who the server takes us for (RFC 3744 §2); `addresses` are calendar user addresses (`mailto:…`)."""

    href: str
    url: str
    displayname: str | None = None
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Calendar:
    """A calendar collection (RFC 4791 §4.2). None means that the server does not give the property.

    `href` is the path as the server wrote it, percent-encoding kept; `url` is what to send requests to. `components`
    are names such as `VEVENT`, empty when the server names none; `transp` is `opaque` or `transparent`; `owner` is an
    href; `privileges` are local names such as `read`; `source` is the URL of a subscribed feed. `home` is the URL whose
    listing shows the calendar, its own where it was asked alone; `date` is that answer's Date header (empty: none
    given), and `ctag` and `sync_token` are as old as that.
    """

    href: str
    url: str
    displayname: str | None = None
    color: str | None = None
    order: str | None = None
    description: str | None = None
    timezone: str | None = None
    components: tuple[str, ...] = ()
    transp: str | None = None
    owner: str | None = None
    privileges: tuple[str, ...] = ()
    ctag: str | None = None
    sync_token: str | None = None
    source: str | None = field(default=None, repr=False)  # private feeds have their secret in the address
    home: str = ""
    date: str = ""


class Version(NamedTuple):
    """One member of a calendar without its content.

    `href` is an absolute path, percent-encoded as the server wrote it. `etag` is as the server wrote it, quotes
    included (empty: none given), `last_modified` is an HTTP date (empty: none given), `content_length` is in bytes
    (-1: not given).
    """

    href: str
    etag: str = ""
    last_modified: str = ""
    content_length: int = -1


class Listing(NamedTuple):
    """All members of a calendar; `date` is the answer's Date header (empty: none given)."""

    versions: list[Version]
    date: str = ""


class Changes(NamedTuple):
    """What a calendar's change log says since a sync-token (RFC 6578).

    `changed` are members that are there; a server may leave out what is as before in their versions (Xandikos 0.4).
    `removed` are hrefs of members that are not there, also of such as nobody ever saw. `token` is where to go on from;
    `date` is the Date header of the first answer (empty: none given).
    """

    changed: list[Version]
    removed: list[str]
    token: str
    date: str = ""


class Resource(NamedTuple):
    """A calendar object resource: its bytes as received, and the version they belong to."""

    version: Version
    content: bytes


class Gone(NamedTuple):
    """A listed member that answers 404 or 410."""

    href: str


class Failed(NamedTuple):
    """A member that cannot be read, and why."""

    href: str
    reason: str


Fetched = Resource | Gone | Failed


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A collection in a calendar home that is no calendar to read; `source` is the URL of a subscribed feed."""

    href: str
    name: str
    reason: str
    source: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Discovery:
    """What an address leads to. `homes` are URLs; `principal` is None where the server names none.

    `unreadable` are homes that could not be read beside others that could: their calendars are missing. `hint` is what
    makes the way shorter the next time (`discover`); empty where nothing does.
    """

    principal: Principal | None
    homes: tuple[str, ...]
    calendars: tuple[Calendar, ...]
    left_out: tuple[LeftOut, ...]
    unreadable: tuple[LeftOut, ...] = ()
    hint: str = ""


def comparable_etag(etag: str) -> str:
    """The part of an ETag that tells versions apart: without `W/` and without the suffix of a compressing proxy."""
    return _COMPRESSION.sub("", etag.strip().removeprefix("W/"))
