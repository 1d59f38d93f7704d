"""A calendar on httpx's own double of a network, for answers that no server here gives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from hashlib import sha1
from typing import Any, TypeVar

import httpx

from caldav_backup import dav
from caldav_backup.connectors.base import Version
from caldav_backup.connectors.destination import Deletion, Outcome
from caldav_backup.connectors.products import Product
from caldav_backup.connectors.putting import Putter
from tests.events import event

T = TypeVar("T")

Rule = Callable[[httpx.Request], httpx.Response | None]

_MEMBER = """<d:multistatus xmlns:d="DAV:"><d:response><d:href>{href}</d:href><d:propstat><d:prop>
<d:getetag>{etag}</d:getetag><d:getlastmodified>{modified}</d:getlastmodified></d:prop>
<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></d:multistatus>"""
#: Where records go, unless told otherwise.
HREF = "/cal/a.ics"
MODIFIED = "Fri, 01 May 2026 12:00:00 GMT"


def error(inside: str) -> str:
    return f'<d:error xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">{inside}</d:error>'


class Played:
    """`objects` by path; heeds preconditions unless told otherwise, and `rule` comes first. `asked` is all so far."""

    def __init__(self, rule: Rule = lambda _: None, *, heeds: bool = True) -> None:
        self.rule = rule
        self.heeds = heeds
        self.objects: dict[str, bytes] = {}
        self.asked: list[httpx.Request] = []

    @property
    def methods(self) -> list[str]:
        return [request.method for request in self.asked]

    def client(self) -> dav.Client:
        retries = dav.Retries(attempts=3, first_wait=0.0)
        network = httpx.MockTransport(self._answer)
        return dav.Client(dav.Transport("https://host.example", network=network, retries=retries))

    def put(self, path: str, content: bytes) -> str:
        self.objects[path] = content
        return self.etag(path)

    def etag(self, path: str) -> str:
        return f'"{sha1(self.objects[path]).hexdigest()[:8]}"'

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.rule(request)
        return answer if answer is not None else self._honest(request)

    def _honest(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        there = path in self.objects
        if request.method == "PUT":
            if self.heeds and not self._holds(request):
                return httpx.Response(412)
            return httpx.Response(204 if there else 201, headers={"ETag": self.put(path, request.content)})
        if not there:
            return httpx.Response(404)
        if request.method == "PROPFIND":
            text = _MEMBER.format(href=path, etag=self.etag(path).replace('"', "&quot;"), modified=MODIFIED)
            return httpx.Response(207, text=text)
        if request.method == "DELETE":
            if self.heeds and not self._holds(request):
                return httpx.Response(412)
            del self.objects[path]
            return httpx.Response(204)
        return httpx.Response(200, content=self.objects[path], headers={"ETag": self.etag(path)})

    def _holds(self, request: httpx.Request) -> bool:
        etag = self.etag(request.url.path) if request.url.path in self.objects else None
        if "if-none-match" in request.headers:
            return etag is None
        return request.headers.get("if-match") in {None, etag}


def product(name: str) -> Product:
    return Product("host.example", "/cal/", frozenset({"calendar-access"}), name)


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def put(
    played: Played, name: str = "", *, replaced: Version | None = None, content: bytes = event(1).content
) -> Outcome:
    return run(Putter(played.client(), product(name)).put(HREF, content, replaced, {}))


def delete(played: Played, name: str, version: Version) -> Deletion:
    return run(Putter(played.client(), product(name)).delete(HREF, version, {}))


def seen(etag: str, *, mtime_ns: int = 0) -> Version:
    return Version(HREF, "a.ics", etag, mtime_ns, -1)


def refusing(status: int, text: str = "", *, method: str = "PUT") -> Rule:
    return lambda request: httpx.Response(status, text=text) if request.method == method else None
