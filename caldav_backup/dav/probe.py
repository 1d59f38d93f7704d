"""What a server is and what it can do, seen from one account: the questions behind `source ping`.

Owns those questions: discovery, OPTIONS, the reports of a calendar, one event. Changes nothing on the server.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from caldav_backup.dav import hrefs, names, requests
from caldav_backup.dav.discovery import discover
from caldav_backup.dav.errors import BadAnswer, Forbidden, NotFound, Refused
from caldav_backup.dav.listing import PROPERTIES, is_calendar_object
from caldav_backup.dav.multistatus import Parser
from caldav_backup.dav.responses import iter_responses

if TYPE_CHECKING:
    from caldav_backup.dav.answer import Answer, Encryption
    from caldav_backup.dav.client import Client
    from caldav_backup.dav.models import Calendar, Discovery
    from caldav_backup.dav.service import Resolver

#: What is worth telling of the classes in the `DAV` header, and the standard or document that defines them.
_CLASSES = {
    "calendar-auto-schedule": "RFC 6638",
    "extended-mkcol": "RFC 5689",
    "calendar-proxy": "Apple's caldav-proxy.txt",
    "calendarserver-sharing": "Apple's caldav-sharing.txt",
    "calendar-managed-attachments": "RFC 8607",
}
#: The same of the reports of a calendar.
_REPORTS = {"calendar-multiget": "RFC 4791", "sync-collection": "RFC 6578"}
_UNANSWERED = (NotFound, Refused, BadAnswer, Forbidden)
#: Calendars that are looked into for an event to read.
_MOST_CALENDARS = 5


class OneRead(NamedTuple):
    """One event: its path, its size in bytes and the seconds that it took to come; or why it did not come."""

    href: str
    size: int
    seconds: float
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """What was found. `server` is the `Server` header; `supports` are names from standards; `round_trip` is in seconds.

    `url` is where the server was asked; `event` is None where no calendar has one.
    """

    found: Discovery
    url: str
    encryption: Encryption | None
    server: str
    supports: tuple[str, ...]
    event: OneRead | None
    round_trip: float


class _Greeting(NamedTuple):
    """What the headers of an answer say."""

    encryption: Encryption | None
    server: str
    classes: frozenset[str]
    methods: frozenset[str]
    seconds: float


async def probe(
    client: Client,
    url: str,
    *,
    resolver: Resolver | None = None,
    of_others: bool = True,
    clock: Callable[[], float] = time.monotonic,
) -> Probe:
    """All of it; `resolver` and `of_others` are `discover`'s.

    Raises what `discover` raises, and what ends a run; one event that cannot be read does not end it.
    """
    found = await discover(client, url, resolver=resolver, of_others=of_others)
    place = next(iter((*found.homes, *(each.url for each in found.calendars))), url)
    greeting = await _greet(client, place, clock)
    reports = await _reports(client, found.calendars[0]) if found.calendars else frozenset[str]()
    return Probe(
        found,
        place,
        greeting.encryption,
        greeting.server,
        tuple(_supports(greeting, reports, found.calendars)),
        await _read_one(client, found.calendars[:_MOST_CALENDARS], clock),
        greeting.seconds,
    )


async def _greet(client: Client, url: str, clock: Callable[[], float]) -> _Greeting:
    """By OPTIONS; a server that refuses those is asked for a property."""

    async def read(answer: Answer) -> _Greeting:
        seconds = clock() - begins
        encryption = answer.encryption
        await answer.beginning(client.transport.limits.refusal)
        server, classes, methods = (answer.headers.get(name, "") for name in ("server", "dav", "allow"))
        return _Greeting(encryption, server, _words(classes), _words(methods), seconds)

    begins = clock()
    try:
        return await client.transport.exchange_once(requests.options(url), read)
    except _UNANSWERED:
        begins = clock()
        question = requests.propfind(url, (names.RESOURCETYPE,), requests.ITSELF)
        return await client.transport.exchange(question, read)


def _words(header: str) -> frozenset[str]:
    return frozenset(word.strip() for word in header.split(",") if word.strip())


async def _reports(client: Client, calendar: Calendar) -> frozenset[str]:
    """The local names of the reports that the calendar answers (RFC 3253 §3.1.5)."""
    try:
        _, response = await client.describe(calendar.url, (names.SUPPORTED_REPORT_SET,))
    except _UNANSWERED:
        return frozenset()
    told = response.found.get(names.SUPPORTED_REPORT_SET)
    parts = told.walk() if told is not None else ()
    return frozenset(
        names.local_name(child.name) for part in parts if part.name == names.REPORT for child in part.children
    )


def _supports(greeting: _Greeting, reports: frozenset[str], calendars: tuple[Calendar, ...]) -> list[str]:
    return [
        *(name for name in _REPORTS if name in reports),
        *(["ctag"] if any(calendar.ctag for calendar in calendars) else []),
        *(["mkcalendar"] if "MKCALENDAR" in greeting.methods else []),
        *(name for name in _CLASSES if name in greeting.classes),
    ]


async def _read_one(client: Client, calendars: tuple[Calendar, ...], clock: Callable[[], float]) -> OneRead | None:
    """The first event of the first calendar that has one and can be listed; None where there is none."""
    failed: OneRead | None = None
    for calendar in calendars:
        try:
            href = await _find_member(client, calendar)
        except _UNANSWERED as error:
            failed = failed or OneRead(calendar.href, 0, 0.0, str(error))
            continue
        if href is not None:
            return await _get(client, hrefs.resolve(calendar.url, href), clock)
    return failed


async def _find_member(client: Client, calendar: Calendar) -> str | None:
    """The path of the first event; the rest of a long listing is not waited for."""

    async def read(answer: Answer) -> str | None:
        async with aclosing(iter_responses(answer, Parser(client.transport.limits))) as responses:
            async for response in responses:
                path = hrefs.member(answer.url, response.href)
                if response.status is None and is_calendar_object(path, response):
                    return path
        return None

    question = requests.propfind(calendar.url, PROPERTIES, requests.MEMBERS)
    return await client.transport.exchange(question, read)


async def _get(client: Client, url: str, clock: Callable[[], float]) -> OneRead:
    path, begins = hrefs.path_of(url), clock()
    try:
        resource = await client.get(url)
    except _UNANSWERED as error:
        return OneRead(path, 0, clock() - begins, str(error))
    return OneRead(path, len(resource.content), clock() - begins)
