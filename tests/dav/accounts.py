"""A scripted account with a principal and a home, for tests of discovery."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from caldav_backup import dav
from tests.dav.fakes import BASE, FakeServer, answer, client, kind, reply, response, run

PRINCIPAL = "<d:current-user-principal><d:href>/principals/alice/</d:href></d:current-user-principal>"
HOME_SET = "<c:calendar-home-set><d:href>/home/alice/</d:href></c:calendar-home-set>"
HTML = reply(200, "<html><body>Welcome</body></html>", {"content-type": "text/html"})
STRANGER = "<d:current-user-principal><d:unauthenticated/></d:current-user-principal>"


def discover(
    server: Callable[[httpx.Request], httpx.Response], url: str | None = None, **options: object
) -> dav.Discovery:
    async def story() -> dav.Discovery:
        async with client(server, **options) as account:
            return await dav.discover(account, None if url is None else BASE + url)

    return run(story())


def failing(server: FakeServer, url: str | None = None, **options: object) -> dav.DavError:
    with pytest.raises(dav.DavError) as caught:
        discover(server, url, **options)
    return caught.value


def account(*in_home: str, principal: str = "", home_set: str = HOME_SET) -> FakeServer:
    """A server with a principal and a home, which says so at /dav/ and nowhere else."""
    server = FakeServer()
    server.on("PROPFIND", "/dav/", answer(response("/dav/", kind("d:x") + PRINCIPAL)))
    server.on(
        "PROPFIND",
        "/principals/alice/",
        answer(response("/principals/alice/", kind("d:principal") + home_set + PRINCIPAL + principal)),
    )
    own = response("/home/alice/", kind("d:x") + PRINCIPAL)
    server.on("PROPFIND", "/home/alice/", home(own, *in_home))
    return server


def home(*responses: str) -> Callable[[httpx.Request], httpx.Response]:
    """Answers depth 0 with the first response, depth 1 with all, and a question for names with 404."""

    def answered(request: httpx.Request) -> httpx.Response:
        if b"propname" in request.content:
            return httpx.Response(404)
        return answer(*(responses if request.headers["depth"] == "1" else responses[:1]))(request)

    return answered


WORK = response("/home/alice/work/", kind("c:calendar") + "<d:displayname>Work</d:displayname>")


def urls(found: dav.Discovery) -> list[str]:
    return [calendar.url for calendar in found.calendars]
