"""An account as a source: which failures are one calendar's, and which end the run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

from caldav_backup import dav
from caldav_backup.connectors.base import CollectionUnreadable, Version
from caldav_backup.connectors.caldav import CalDavSource
from tests.dav.accounts import HOME_SET, WORK, account, home
from tests.dav.fakes import BASE, client, reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from caldav_backup.connectors.base import Catalogue, Record

    Answers = Callable[[httpx.Request], httpx.Response]

EVENT = Version("/home/alice/work/1.ics", "1.ics", "1", 0, -1)


def catalogue(server: Answers) -> Catalogue:
    async def story() -> Catalogue:
        async with CalDavSource(client(server), BASE + "/dav/", origin="alice@dav.example") as source:
            return await source.catalogue()

    return asyncio.run(story())


def listed(server: Answers, url: str = "/dav/") -> list[Version]:
    async def story() -> list[Version]:
        async with CalDavSource(client(server), BASE + url, origin="alice@dav.example") as source:
            (work,) = (await source.catalogue()).collections
            return (await source.list_versions(work)).versions

    return asyncio.run(story())


def fetched(server: Answers) -> list[Record]:
    async def story() -> list[Record]:
        async with CalDavSource(client(server), BASE + "/dav/", origin="alice@dav.example") as source:
            (work,) = (await source.catalogue()).collections
            return await source.fetch(work, [EVENT, EVENT._replace(key="/home/alice/work/2.ics", leaf="2.ics")])

    return asyncio.run(story())


def test_a_calendar_that_a_gateway_gives_up_on_is_unreadable_while_the_account_answers() -> None:
    server = account(WORK)
    server.on("PROPFIND", "/home/alice/work/", reply(504))
    with pytest.raises(CollectionUnreadable, match="504"):
        listed(server)


def test_a_server_that_goes_away_altogether_ends_the_run() -> None:
    server = account(WORK)

    def until_a_calendar_is_listed(request: httpx.Request) -> httpx.Response:
        server(request)
        is_away = "PROPFIND /home/alice/work/" in server.asked()
        return httpx.Response(503) if is_away else server(request)

    with pytest.raises(dav.Unavailable):
        listed(until_a_calendar_is_listed)


def test_the_only_calendar_that_is_known_speaks_for_the_server() -> None:
    server = account(WORK)
    itself = home(WORK)
    server.on(
        "PROPFIND", "/home/alice/work/", lambda asked: (reply(504) if asked.headers["depth"] == "1" else itself)(asked)
    )
    with pytest.raises(dav.Unavailable):
        listed(server, "/home/alice/work/")


def test_a_calendar_that_is_gone_when_it_is_read_is_unreadable_as_a_whole() -> None:
    server = account(WORK)
    server.on("REPORT", "/home/alice/work/", reply(404))
    server.on("PROPFIND", "/home/alice/work/", reply(404))
    with pytest.raises(CollectionUnreadable, match="404"):
        fetched(server)


def test_a_home_that_cannot_be_read_is_a_place_where_calendars_may_be_missing() -> None:
    more = "<d:href>/home/team/</d:href></c:calendar-home-set>"
    server = account(WORK, home_set=HOME_SET.replace("</c:calendar-home-set>", more))
    server.on("PROPFIND", "/home/team/", reply(403))
    found = catalogue(server)
    assert [one.hint for one in found.collections] == ["work"] and found.left_out == []
    assert [(one.key, one.name) for one in found.unreadable] == [("/home/team/", "team")]
    assert "403" in found.unreadable[0].reason
