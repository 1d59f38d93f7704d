"""A CalDAV client, usable alone: discovery, listings, contents byte for byte, writes with preconditions.

    async with Client(Transport(url, BasicAuthentication(user, password))) as client:
        for calendar in (await discover(client)).calendars:
            versions = await client.list_versions(calendar)
            contents = await client.fetch(calendar, versions[:100])

Owns the protocol. Knows nothing of stores, snapshots or settings. The names below are the public ones; those that need
httpx, lxml or asyncio are loaded when they are first used, so that programs that only look at errors start fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from caldav_backup.dav.errors import (
    AnswerCut,
    BadAnswer,
    ConnectionLost,
    DavError,
    Forbidden,
    GaveUp,
    InvalidLocation,
    NotCalDAV,
    NotFound,
    OtherHost,
    PreconditionFailed,
    Refused,
    ServerUnreachable,
    TokenRefused,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    UntrustedServer,
)
from caldav_backup.dav.hrefs import Location, normalise, parse_location
from caldav_backup.dav.limits import Limits
from caldav_backup.dav.models import (
    Calendar,
    Changes,
    Discovery,
    Failed,
    Fetched,
    Gone,
    LeftOut,
    Listing,
    Principal,
    Resource,
    Version,
    comparable_etag,
)

if TYPE_CHECKING:
    from caldav_backup.dav.authentication import (
        Authentication,
        BasicAuthentication,
        PasswordAuthentication,
        TokenAuthentication,
    )
    from caldav_backup.dav.client import Client
    from caldav_backup.dav.discovery import discover
    from caldav_backup.dav.further import further_properties
    from caldav_backup.dav.request_line import RequestLine
    from caldav_backup.dav.requests import transparency
    from caldav_backup.dav.retries import Retries
    from caldav_backup.dav.service import Resolver, system_resolver
    from caldav_backup.dav.tls import Tls
    from caldav_backup.dav.transport import Transport

_LOADED_LATER = {
    "Authentication": "authentication",
    "BasicAuthentication": "authentication",
    "Client": "client",
    "PasswordAuthentication": "authentication",
    "RequestLine": "request_line",
    "Retries": "retries",
    "Tls": "tls",
    "TokenAuthentication": "authentication",
    "Transport": "transport",
    "Resolver": "service",
    "discover": "discovery",
    "system_resolver": "service",
    "further_properties": "further",
    "transparency": "requests",
}

__all__ = [
    "AnswerCut",
    "Authentication",
    "BadAnswer",
    "BasicAuthentication",
    "Calendar",
    "Changes",
    "Client",
    "ConnectionLost",
    "DavError",
    "Discovery",
    "Failed",
    "Fetched",
    "Forbidden",
    "GaveUp",
    "Gone",
    "InvalidLocation",
    "LeftOut",
    "Limits",
    "Listing",
    "Location",
    "NotCalDAV",
    "NotFound",
    "OtherHost",
    "PasswordAuthentication",
    "PreconditionFailed",
    "Principal",
    "Refused",
    "RequestLine",
    "Resolver",
    "Resource",
    "Retries",
    "ServerUnreachable",
    "Tls",
    "TokenAuthentication",
    "TokenRefused",
    "TooManyRequests",
    "Transport",
    "Unauthorized",
    "Unavailable",
    "UntrustedServer",
    "Version",
    "comparable_etag",
    "discover",
    "further_properties",
    "normalise",
    "parse_location",
    "system_resolver",
    "transparency",
]


def __getattr__(name: str) -> object:
    if name not in _LOADED_LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_LOADED_LATER[name]}"), name)
    globals()[name] = value
    return value
