"""An account as a source: which failures are one calendar's, and which end the run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

from caldav_backup import dav
from caldav_backup.connectors.base import SIGNALS, Changes, CollectionUnreadable, Resource, Version
from caldav_backup.connectors.caldav import CalDavSource
from tests.dav.accounts import HOME_SET, WORK, account, home
from tests.dav.fakes import (
    BASE,
    NAMESPACES,
    FakeServer,
    client,
    event,
    kind,
    multistatus,
    refused,
    reply,
    response,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from caldav_backup.connectors.base import Catalogue, Collection, Listing, Record

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


TOKEN = "<d:sync-token>http://x/ns/a1b2c3</d:sync-token>"
DATE = "Sun, 22 Nov 2026 18:11:01 GMT"
MOMENT_NS = 1795371061 * 1_000_000_000


def with_token(token: str = TOKEN) -> str:
    return response("/home/alice/work/", kind("c:calendar") + token + "<cs:getctag>c7</cs:getctag>")


def changed(server: Answers, since: bytes = b"http://x/ns/a1b2c3") -> Changes | None:
    async def story() -> Changes | None:
        async with CalDavSource(client(server), BASE + "/dav/", origin="", clock=lambda: 0.0) as source:
            (work,) = (await source.catalogue()).collections
            return await source.list_changes(work, since)

    return asyncio.run(story())


def changes_of(*responses: str) -> Answers:
    body = f"<d:multistatus {NAMESPACES}>{''.join(responses)}<d:sync-token>t</d:sync-token></d:multistatus>"
    return reply(207, body, {"date": DATE})


def test_changes_since_a_token_are_keys_and_versions() -> None:
    server = account(with_token())
    there = response("/home/alice/work/1.ics", '<d:getetag>W/"1-gzip"</d:getetag>')
    server.on("REPORT", "/home/alice/work/", changes_of(there, refused("/home/alice/work/2%20b.ics", 404)))
    assert changed(server) == Changes(
        [Version("/home/alice/work/1.ics", "1.ics", '"1"', 0, -1)],
        [Version("/home/alice/work/2%20b.ics", "2 b.ics", "", 0, -1)],
        MOMENT_NS,
    )


@pytest.mark.parametrize(
    "token",
    ["http://sabre.io/ns/sync/17", "http://sabredav.org/ns/sync/1", "data:,5", "1795381916", "-1", ""],
    ids=["sabre/dav 4.7", "sabre/dav 3", "DAViCal 1.1", "SOGo 5.8", "SOGo 5.8, empty", "none"],
)
def test_a_token_that_is_a_mere_number_may_belong_to_another_calendar(token: str) -> None:
    server = account(with_token())
    assert changed(server, token.encode()) is None
    assert not [each for each in server.asked() if each.startswith("REPORT")]


@pytest.mark.parametrize(
    "token",
    [
        "http://radicale.org/ns/sync/54a7701e664021fae30ecc2867acd8db7aa1da83204aa3231926886b7c2ce5d5",
        "70d6e5f9079b6739177bf26faa5500e3721146d0",
        "data:,1795381909-16",
        "FT=-@RU=6f6ba7b1-6f2e-4e51-8f0a-0f6b2f7a1a5c@S=312",
    ],
    ids=["Radicale 3.9", "Xandikos 0.4", "Cyrus 3.6", "iCloud"],
)
def test_a_token_that_names_the_calendar_or_its_contents_is_asked_for(token: str) -> None:
    server = account(with_token())
    server.on("REPORT", "/home/alice/work/", changes_of())
    assert changed(server, token.encode()) == Changes([], [], MOMENT_NS)


def test_a_calendar_without_a_token_is_listed() -> None:
    assert changed(account(WORK)) is None


@pytest.mark.parametrize("status", [403, 412, 405, 500, 207, 504])
def test_changes_that_cannot_be_told_send_to_a_listing(status: int) -> None:
    server = account(with_token())
    server.on("REPORT", "/home/alice/work/", reply(status))
    assert changed(server) is None


def test_a_login_that_is_refused_meanwhile_ends_it() -> None:
    server = account(with_token())
    server.on("REPORT", "/home/alice/work/", reply(401))
    with pytest.raises(dav.Unauthorized):
        changed(server)


def test_what_is_fetched_after_a_bare_change_has_the_length_that_a_listing_has() -> None:
    server = account(with_token())
    server.on("REPORT", "/home/alice/work/", changes_of(response("/home/alice/work/1.ics", "<d:getetag>1</d:getetag>")))
    server.on("GET", "/home/alice/work/1.ics", reply(200, event("1"), {"etag": "1"}))

    async def story() -> list[Record]:
        async with CalDavSource(client(server), BASE + "/dav/", origin="alice@dav.example") as source:
            (work,) = (await source.catalogue()).collections
            changes = await source.list_changes(work, b"http://x/ns/a1b2c3")
            assert changes is not None
            return await source.fetch(work, changes.changed)

    (record,) = asyncio.run(story())
    assert isinstance(record, Resource)
    assert record.version.length == len(event("1"))


def test_listings_and_calendars_are_as_old_as_the_answers_that_hold_them() -> None:
    server = FakeServer()
    dated = {"date": DATE}
    server.on("PROPFIND", "/dav/", reply(207, multistatus(with_token()), dated))
    server.on("PROPFIND", "/home/alice/work/", reply(207, multistatus(with_token()), dated))

    async def story() -> tuple[Collection, Listing, int]:
        async with CalDavSource(client(server), BASE + "/home/alice/work/", origin="", clock=lambda: 0.0) as source:
            (work,) = (await source.catalogue()).collections
            return work, await source.list_versions(work), source.requests

    work, listing, requests = asyncio.run(story())
    assert work.date_ns == listing.date_ns == MOMENT_NS
    assert {work.attributes[name] for name in SIGNALS} == {b"c7", b"http://x/ns/a1b2c3"}
    assert requests == len(server.seen)


def test_a_listing_is_as_old_as_its_question() -> None:
    """Some servers look first and date the answer when it is complete."""
    server = account(with_token())
    server.on("PROPFIND", "/home/alice/work/", reply(207, multistatus(with_token()), {"date": DATE}))
    seconds = iter([100.0, 107.5])

    async def story() -> Listing:
        source = CalDavSource(client(server), BASE + "/dav/", origin="", clock=lambda: next(seconds))
        async with source:
            (work,) = (await source.catalogue()).collections
            return await source.list_versions(work)

    assert asyncio.run(story()).date_ns == MOMENT_NS - 7_500_000_000


def test_further_properties_come_when_a_collection_is_completed() -> None:
    note = '<x:note xmlns:x="urn:x/y">Notiz</x:note>'
    server = account(WORK)

    def answered(request: httpx.Request) -> httpx.Response:
        if request.headers["depth"] == "1" and (b"propname" in request.content or b"note" in request.content):
            return reply(207, multistatus(response("/home/alice/work/", note)))(request)
        return whole(request)

    whole = home(response("/home/alice/", kind("d:x")), WORK)
    again = FakeServer()
    again.on("PROPFIND", "/dav/", server)
    again.on("PROPFIND", "/principals/alice/", server)
    again.on("PROPFIND", "/home/alice/", answered)

    async def story() -> tuple[Collection, Collection, int]:
        async with CalDavSource(client(again), BASE + "/dav/", origin="alice@dav.example") as source:
            (work,) = (await source.catalogue()).collections
            before = source.requests
            (complete,) = await source.complete([work])
            return work, complete, source.requests - before

    work, complete, requests = asyncio.run(story())
    assert requests == 2
    assert not [name for name in work.attributes if name.startswith("prop.")]
    kept = {name: value for name, value in complete.attributes.items() if name not in work.attributes}
    assert kept == {"prop.%7Burn%3Ax%2Fy%7Dnote": b'<ns0:note xmlns:ns0="urn:x/y">Notiz</ns0:note>'}
    assert (complete.key, complete.hint) == (work.key, work.hint)
