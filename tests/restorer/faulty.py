"""A way to a real server on which some requests go wrong, and what the server holds afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

import httpx

from caldav_backup import ics
from tests.servers.server import Server, calendars, members

Fault = Callable[[httpx.AsyncBaseTransport, httpx.Request], Awaitable[httpx.Response]]


async def cut_before(way: httpx.AsyncBaseTransport, request: httpx.Request) -> httpx.Response:
    """The connection ends before the server gets anything."""
    del way
    raise httpx.ReadError("cut", request=request)


async def cut_after(way: httpx.AsyncBaseTransport, request: httpx.Request) -> httpx.Response:
    """The server does what it is asked, and the connection ends before it can say so."""
    await (await way.handle_async_request(request)).aread()
    raise httpx.ReadError("cut", request=request)


async def too_many(way: httpx.AsyncBaseTransport, request: httpx.Request) -> httpx.Response:
    """429 and a while to wait for."""
    del way, request
    return httpx.Response(429, headers={"retry-after": "3"})


async def unavailable(way: httpx.AsyncBaseTransport, request: httpx.Request) -> httpx.Response:
    """503 and a while to wait for."""
    del way, request
    return httpx.Response(503, headers={"retry-after": "3"})


async def full(way: httpx.AsyncBaseTransport, request: httpx.Request) -> httpx.Response:
    """Nothing more is taken: 507 for what is written."""
    if request.method == "PUT":
        return httpx.Response(507)
    return await way.handle_async_request(request)


class FaultyWay(httpx.AsyncBaseTransport):
    """`fault` happens to `times` requests from the one numbered `first`, which counts from 1; all others arrive.

    `requests` is how many there were.
    """

    def __init__(self, fault: Fault, first: int, times: float) -> None:
        self.requests = 0
        self._fault = fault
        self._hit = range(first, 1 + first + int(min(times, 10**9)) - 1)
        self._way = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        if self.requests in self._hit:
            return await self._fault(self._way, request)
        return await self._way.handle_async_request(request)

    async def aclose(self) -> None:
        await self._way.aclose()


class Held(NamedTuple):
    """What an account holds: calendars by the last segment of their paths, each UID with how many objects have it."""

    uids: Mapping[str, Counter[str]]
    objects: Mapping[str, bytes]


def held(server: Server) -> Held:
    """By plain requests."""
    uids: dict[str, Counter[str]] = {}
    objects: dict[str, bytes] = {}
    for calendar in calendars(server):
        bodies = {href: server.expect("GET", href).body for href in members(server, calendar)}
        uids[calendar.rstrip("/").rpartition("/")[2]] = Counter(
            uid for body in bodies.values() for uid in ics.uids(body)
        )
        objects |= bodies
    return Held(uids, objects)
