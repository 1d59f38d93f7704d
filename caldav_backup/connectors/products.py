"""Which server a destination is, as far as its own words tell it, and the ways of each that a restore has to heed.

Owns the recognition and the table of what writing there is like. Does not own what follows for guests (`invitations`)
or for single records (`calendar_limits`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from caldav_backup import dav
from caldav_backup.dav import hrefs, requests
from caldav_backup.dav.answer import Answer

#: What says that there is no answer, and nothing else about the server.
_NO_ANSWER = (dav.Refused, dav.Forbidden, dav.NotFound, dav.BadAnswer)


@dataclass(frozen=True, slots=True)
class Ways:
    """How a server takes what is written. `source` is the server and version that showed it, or whose report it is.

    `heeds_preconditions`: `If-Match` and `If-None-Match: *` keep it from overwriting and from deleting.
    `has_account_wide_uids`: it takes a UID only once in all calendars of an account. `rewrites`: it gives back other
    bytes than it was given.
    """

    source: str
    heeds_preconditions: bool = True
    has_account_wide_uids: bool = False
    rewrites: bool = True


#: Of a server that nobody knows nothing is expected that would save a look.
_UNKNOWN = Ways("no server in particular")

_WAYS: Mapping[str, Ways] = MappingProxyType(
    {
        "radicale": Ways("Radicale 3.9.0, measured"),
        "xandikos": Ways("Xandikos 0.4.10, measured"),
        "sabredav": Ways("sabre/dav 1.8.12 and 4.7, measured", rewrites=False),
        "davical": Ways("DAViCal 1.1.12, measured", rewrites=False),
        "cyrus": Ways("Cyrus IMAP 3.6.1, measured", has_account_wide_uids=True),
        # If-None-Match: * overwrites, If-Match is ignored by DELETE and by a PUT to where nothing is.
        "sogo": Ways("SOGo 5.8.0, measured", heeds_preconditions=False),
        # A UID that another calendar of the account has is taken; in the same one it is not.
        "nextcloud": Ways("sabre/dav 4.7, measured; Nextcloud 23 to 31, its issues 30096 and 37605", rewrites=False),
        "owncloud": Ways("sabre/dav 4.7, measured; ownCloud 10, reported", rewrites=False),
        "fastmail": Ways("Cyrus IMAP 3.6.1, measured; Fastmail, reported", has_account_wide_uids=True),
        # Its guide names If-Match only: https://developers.google.com/workspace/calendar/caldav/v2/guide
        "google": Ways("Google, reported", heeds_preconditions=False, has_account_wide_uids=True),
        "icloud": Ways("iCloud, reported", has_account_wide_uids=True),
        "open-xchange": Ways("mailbox.org, reported", has_account_wide_uids=True),
        "zimbra": Ways("Zimbra 8 to 10, reported", has_account_wide_uids=True),
        "davmail": Ways("DavMail 6, reported"),
    }
)


class Product(NamedTuple):
    """A server: its host and path, and the compliance classes of its `DAV` header (RFC 4918 §10.1), None if untold.

    `name` is a word of `_WAYS`, or of one whose ways nobody knows; "" when nothing tells it.
    """

    host: str
    path: str
    features: frozenset[str] | None
    name: str = ""

    @property
    def ways(self) -> Ways:
        """All that is known of how it writes."""
        return _WAYS.get(self.name, _UNKNOWN)

    @property
    def heeds_preconditions(self) -> bool:
        """False when nothing but a look beforehand keeps it from overwriting and deleting what has changed."""
        return self.ways.heeds_preconditions

    @property
    def has_account_wide_uids(self) -> bool:
        """True when a UID that any other calendar of the account has is taken."""
        return self.ways.has_account_wide_uids

    @property
    def rewrites(self) -> bool:
        """True when other bytes may come back than were sent."""
        return self.ways.rewrites


async def recognise(client: dav.Client, url: str) -> Product:
    """What the server at `url` tells of itself by OPTIONS; a server that tells nothing has its address only."""

    async def read(answer: Answer) -> Mapping[str, str]:
        await answer.beginning(0)
        return answer.headers

    host = re.split(r"[/:]", hrefs.origin_of(url).partition("://")[2])[0].lower()
    try:
        headers = await client.transport.exchange(requests.options(url), read)
    except _NO_ANSWER:
        headers = {}
    told = frozenset(word.strip().lower() for word in headers.get("dav", "").split(",") if word.strip())
    product = Product(host, hrefs.path_of(url), told or None)
    return product._replace(name=_name(product, headers))


def _name(product: Product, headers: Mapping[str, str]) -> str:
    """The first that fits; headers come before paths, since anybody may call a path anything."""
    hosted = (name for domain, name in _HOSTS.items() if product.host == domain or product.host.endswith(f".{domain}"))
    by_headers = (name for name, says in _HEADERS if says(product.features or frozenset(), headers))
    by_path = (name for pattern, name in _PATHS if pattern.match(product.path))
    return next((name for names in (hosted, by_headers, by_path) for name in names), "")


_HOSTS: Mapping[str, str] = MappingProxyType(
    {
        "googleusercontent.com": "google",
        "google.com": "google",
        "icloud.com": "icloud",
        "fastmail.com": "fastmail",
        "messagingengine.com": "fastmail",
        "mailbox.org": "open-xchange",
        # Of its addresses, which look like Zimbra's, nothing is concluded.
        "yahoo.com": "yahoo",
    }
)


def _has_header(name: str) -> Callable[[frozenset[str], Mapping[str, str]], bool]:
    return lambda _, headers: name in headers


def _has_class(*words: str) -> Callable[[frozenset[str], Mapping[str, str]], bool]:
    return lambda told, _: any(each.startswith(word) for each in told for word in words)


def _is_server(*beginnings: str) -> Callable[[frozenset[str], Mapping[str, str]], bool]:
    return lambda _, headers: headers.get("server", "").startswith(beginnings)


#: What Radicale 3.9.0 says; its `Server` is its web server's, or a proxy's.
_RADICALE = frozenset({"1", "2", "3", "calendar-access", "addressbook", "extended-mkcol"})

#: Nextcloud and ownCloud hide the version of the sabre/dav they are made of, and show it when they are told to.
_HEADERS = (
    ("nextcloud", _has_class("nextcloud-", "nc-calendar-", "nc-enable-")),
    ("owncloud", _has_class("oc-resource-sharing")),
    ("sabredav", _has_header("x-sabre-version")),
    ("davical", _has_header("x-davical-version")),
    ("cyrus", _is_server("Cyrus-HTTP/")),
    ("open-xchange", _is_server("Openexchange WebDAV")),
    ("davmail", _is_server("DavMail Gateway")),
    # SOGo 5.8.0 tells its `Server` of PROPFIND only; this class is of Apple's server and of SOGo, with others each.
    ("sogo", lambda told, headers: _is_server("SOPE ")(told, headers) or _is_sogo(told)),
    ("xandikos", lambda told, _: {"add-member", "sync-collection"} <= told),
    ("radicale", lambda told, _: told == _RADICALE),
)


def _is_sogo(told: frozenset[str]) -> bool:
    return {"calendar-query-extended", "calendar-proxy"} <= told and "calendarserver-sharing" not in told


_PATHS = (
    (re.compile(r"/SOGo/dav/", re.IGNORECASE), "sogo"),
    (re.compile(r"(?:/[^/]+)*/remote\.php/"), "nextcloud"),
    (re.compile(r"(?:/[^/]+)*/caldav\.php/"), "davical"),
    (re.compile(r"(?:/[^/]+)*/(?:dav|cal)\.php/"), "sabredav"),
    (re.compile(r"/dav/[^/]+(?:@|%40)[^/]+/"), "zimbra"),
)
