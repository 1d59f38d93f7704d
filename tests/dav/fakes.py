"""A server that says what a test told it to, and a client that talks to it without a network and without waiting."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Any, TypeVar
from xml.sax.saxutils import escape

import httpx

from caldav_backup import dav

_T = TypeVar("_T")

BASE = "https://dav.example"
CALENDAR = dav.Calendar(href="/cal/", url=f"{BASE}/cal/")
LOGIN = dav.BasicAuthentication("alice", "s3cret-pass")

Reply = Callable[[httpx.Request], httpx.Response]

NAMESPACES = (
    'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:cs="http://calendarserver.org/ns/" '
    'xmlns:a="http://apple.com/ns/ical/" xmlns:nc="http://nextcloud.com/ns"'
)


def run(story: Coroutine[Any, Any, _T]) -> _T:
    """One asynchronous story, from start to end."""
    return asyncio.run(story)


def reply(status: int, body: str | bytes = b"", headers: Mapping[str, str] | None = None) -> Reply:
    """An answer with these bytes."""
    content = body.encode() if isinstance(body, str) else body
    return lambda _: httpx.Response(status, headers=dict(headers or {}), content=content)


def streamed(status: int, *pieces: bytes | Exception, headers: Mapping[str, str] | None = None) -> Reply:
    """An answer that comes in pieces, one of which may be the error that ends it."""

    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    return lambda _: httpx.Response(status, headers=dict(headers or {}), content=body())


def failure(error: Exception) -> Reply:
    """No answer at all."""

    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    return fail


class FakeServer:
    """Answers by method and path as they were given; the last answer of a request stays, what is unknown is 404."""

    def __init__(self) -> None:
        self.seen: list[httpx.Request] = []
        self._replies: defaultdict[tuple[str, str], list[Reply]] = defaultdict(list)

    def on(self, method: str, url: str, *replies: Reply) -> None:
        """`url` is a path, or a whole URL for another host."""
        self._replies[method, url if "://" in url else BASE + url].extend(replies)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        replies = self._replies.get((request.method, str(request.url)), [])
        if not replies:
            return httpx.Response(404)
        return (replies.pop(0) if len(replies) > 1 else replies[0])(request)

    def asked(self, method: str | None = None) -> list[str]:
        """`METHOD path` of all requests, in order."""
        return [f"{each.method} {_path(each)}" for each in self.seen if method in {None, each.method}]


def _path(request: httpx.Request) -> str:
    return request.url.raw_path.decode()


class Waits(list[float]):
    """Stands for `asyncio.sleep` and keeps how long it was to be; `clock` shows the time passed by then."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)

    def clock(self) -> float:
        return time.monotonic() + sum(self)


def transport(
    server: Callable[[httpx.Request], httpx.Response],
    *,
    base: str = BASE + "/",
    waits: Waits | None = None,
    authentication: dav.Authentication | None = LOGIN,
    limits: dav.Limits | None = None,
    **options: Any,
) -> dav.Transport:
    waits = Waits() if waits is None else waits
    return dav.Transport(
        base,
        authentication,
        retries=dav.Retries(sleep=waits, chance=lambda: 0.0, clock=waits.clock),
        limits=limits or dav.Limits(),
        network=httpx.MockTransport(server),
        **options,
    )


def client(server: Callable[[httpx.Request], httpx.Response], **options: Any) -> dav.Client:
    return dav.Client(transport(server, **options))


def multistatus(*responses: str) -> bytes:
    """A whole multistatus document."""
    return f'<?xml version="1.0"?><d:multistatus {NAMESPACES}>{"".join(responses)}</d:multistatus>'.encode()


def answer(*responses: str) -> Reply:
    """A 207 with these responses."""
    return reply(207, multistatus(*responses), {"content-type": "application/xml; charset=utf-8"})


def response(href: str, properties: str = "", missing: str = "") -> str:
    """A response with properties that are there, and some that are not."""
    absent = f"<d:propstat><d:prop>{missing}</d:prop><d:status>HTTP/1.1 404 Not Found</d:status></d:propstat>"
    return (
        f"<d:response><d:href>{escape(href)}</d:href><d:propstat><d:prop>{properties}</d:prop>"
        f"<d:status>HTTP/1.1 200 OK</d:status></d:propstat>{absent if missing else ''}</d:response>"
    )


def refused(href: str, status: int) -> str:
    """A response that is a status only."""
    return f"<d:response><d:href>{escape(href)}</d:href><d:status>HTTP/1.1 {status} No</d:status></d:response>"


def kind(*types: str) -> str:
    """A resource type: `kind("c:calendar")` is a calendar collection, `kind()` no collection."""
    inside = "".join(f"<{each}/>" for each in ("d:collection", *types)) if types else ""
    return f"<d:resourcetype>{inside}</d:resourcetype>"


def listed(name: str, etag: str = '"1"', length: int | None = None, more: str = "") -> str:
    """One member of CALENDAR in a listing."""
    size = f"<d:getcontentlength>{length}</d:getcontentlength>" if length is not None else ""
    return response(f"/cal/{name}", f"<d:getetag>{escape(etag)}</d:getetag>{size}{kind()}{more}")


def event(uid: str, summary: str = "x", *, newline: str = "\r\n") -> bytes:
    """A small calendar object."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VEVENT", f"UID:{uid}", f"SUMMARY:{summary}"]
    return newline.join([*lines, "END:VEVENT", "END:VCALENDAR", ""]).encode()


def with_data(href: str, content: bytes, etag: str = '"1"', length: int | None = None) -> str:
    """A member in the answer to a multiget, its length told unless `length` is 0.

    XML loses the CRs, as real answers do once they are parsed.
    """
    size = f"<d:getcontentlength>{len(content) if length is None else length}</d:getcontentlength>"
    data = escape(content.decode())
    return response(
        href,
        f"<d:getetag>{escape(etag)}</d:getetag>{size if length != 0 else ''}<c:calendar-data>{data}</c:calendar-data>",
    )


def version(name: str, etag: str = '"1"', length: int = -1) -> dav.Version:
    return dav.Version(f"/cal/{name}", etag, "", length)
