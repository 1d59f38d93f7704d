"""A scripted calendar that serves objects by multiget and by GET, and counts what it is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import httpx
from lxml import etree

from caldav_backup import dav
from caldav_backup.dav import names
from tests.dav.fakes import CALENDAR, answer, client, event, kind, multistatus, refused, response, run, with_data

TEXT = {"content-type": "text/calendar", "etag": '"1"'}


def fetch(
    server: Callable[[httpx.Request], httpx.Response], *versions: dav.Version, **options: object
) -> list[dav.Fetched]:
    async def story() -> list[dav.Fetched]:
        async with client(server, **options) as account:
            return await account.fetch(CALENDAR, versions)

    return run(story())


def hrefs_of(request: httpx.Request) -> list[str]:
    return [each.text or "" for each in etree.fromstring(request.content).iterchildren(names.HREF)]


class Calendar:
    """A calendar that serves these objects, by multiget unless `refuses` says otherwise of a batch, and by GET."""

    def __init__(
        self,
        objects: dict[str, bytes],
        refuses: Callable[[Sequence[str]], httpx.Response | None] = lambda _: None,
        *,
        tells_lengths: bool = True,
    ) -> None:
        self.objects = objects
        self.refuses = refuses
        self.tells_lengths = tells_lengths
        self.batches: list[int] = []
        self.gets: list[str] = []
        self.checks = 0

    @property
    def requests(self) -> int:
        return len(self.batches) + len(self.gets) + self.checks

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            self.gets.append(request.url.path)
            content = self.objects.get(request.url.path)
            return httpx.Response(404) if content is None else httpx.Response(200, headers=TEXT, content=content)
        if request.method == "PROPFIND":
            self.checks += 1
            return answer(response("/cal/", kind("c:calendar")))(request)
        members = hrefs_of(request)
        self.batches.append(len(members))
        return self.refuses(members) or httpx.Response(207, content=multistatus(*map(self._one, members)))

    def _one(self, href: str) -> str:
        content = self.objects.get(href)
        if content is None:
            return refused(href, 404)
        return with_data(href, content, length=None if self.tells_lengths else 0)


def objects(count: int) -> dict[str, bytes]:
    return {f"/cal/{number}.ics": event(str(number)) for number in range(count)}


def versions_of(calendar: Calendar) -> list[dav.Version]:
    return [dav.Version(href, '"1"') for href in calendar.objects]
