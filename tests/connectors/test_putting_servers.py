"""Writing and removing single records at the six real servers."""

from __future__ import annotations

import asyncio
import imaplib
from pathlib import Path

import httpx
import pytest

from caldav_backup import ics
from caldav_backup.cli.loopback import HOST
from caldav_backup.connectors.destination import (
    Deleted,
    DestinationNotWritable,
    Refused,
    Taken,
    Written,
)
from caldav_backup.connectors.destination_caldav import CalDavDestination
from tests.compatibility.records import lines_of
from tests.connectors.putters import client_of, content_of, putter_of, run
from tests.events import event, events
from tests.ics.corpus import calendar, custom_zone
from tests.servers.cyrus import Cyrus
from tests.servers.server import PASSWORD, Server, make_calendar, members

pytestmark = pytest.mark.full

CHANGED = event(1).content.replace(b"SUMMARY:", b"SUMMARY:changed ")


def test_nothing_is_overwritten_or_deleted_that_was_not_seen(each_server: Server) -> None:
    url = make_calendar(each_server, "work")
    href = f"{url}a.ics"

    async def story() -> None:
        async with client_of(each_server) as client:
            putter = await putter_of(each_server, client)
            assert isinstance(await putter.put(href, event(1).content, None, {}), Written)
            first = await putter._find(href)
            assert first is not None and first.etag
            assert isinstance(await putter.put(href, CHANGED, None, {}), Taken)
            assert isinstance(await putter.put(href, CHANGED, first, {}), Written)
            assert isinstance(await putter.put(href, event(1).content, first, {}), Taken)
            assert isinstance(await putter.delete(href, first, {}), Taken)
            assert ics.same_meaning(CHANGED, content_of(each_server, href))
            second = await putter._find(href)
            assert second is not None
            assert await putter.delete(href, second, {}) == Deleted()
            assert await putter.delete(href, second, {}) == Deleted("it was gone already")
            assert isinstance(await putter.put(href, CHANGED, second, {}), Taken)

    run(story())
    assert members(each_server, "work/") == []


def test_a_look_at_one_record_finds_what_the_listing_showed(each_server: Server) -> None:
    """Where the look is all that keeps from overwriting, a difference between both would keep from any replacing."""
    url = make_calendar(each_server, "work")

    async def story() -> None:
        client = client_of(each_server)
        there = CalDavDestination(client, url, origin="")
        (calendar,) = (await there.catalogue()).collections
        putter = await putter_of(each_server, client)
        for one in events(3):
            await putter.put(f"{url}{one.name}", one.content, None, {})
        listed = await there.list_versions(calendar)
        assert len(listed) == 3
        for version in listed:
            assert await putter._find(version.key) == version
        await there.close()

    run(story())


class Cutting(httpx.AsyncBaseTransport):
    """A network that loses the answer to each first PUT or DELETE of an href, after it arrived."""

    def __init__(self) -> None:
        self._network = httpx.AsyncHTTPTransport()
        self._cut: set[tuple[str, str]] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._network.handle_async_request(request)
        which = (request.method, str(request.url))
        if request.method in {"PUT", "DELETE"} and which not in self._cut:
            self._cut.add(which)
            await response.aread()
            await response.aclose()
            raise httpx.ReadError("cut", request=request)
        return response

    async def aclose(self) -> None:
        await self._network.aclose()


def test_a_write_whose_answer_is_lost_is_written_once(each_server: Server) -> None:
    url = make_calendar(each_server, "work")
    written = events(6)

    async def story() -> None:
        async with client_of(each_server, Cutting()) as client:
            putter = await putter_of(each_server, client)
            for one in written:
                outcome = await putter.put(f"{url}{one.name}", one.content, None, {})
                assert isinstance(outcome, Written), outcome
                assert outcome.note == ""
        async with client_of(each_server, Cutting()) as client:
            putter = await putter_of(each_server, client)
            for one in written[:3]:
                changed = one.content.replace(b"SUMMARY:", b"SUMMARY:changed ")
                outcome = await putter.put(f"{url}{one.name}", changed, await putter._find(f"{url}{one.name}"), {})
                assert isinstance(outcome, Written), outcome
                assert outcome.note == ""
            for one in written[3:]:
                version = await putter._find(f"{url}{one.name}")
                assert version is not None
                assert isinstance(await putter.delete(f"{url}{one.name}", version, {}), Deleted)

    run(story())
    assert len(members(each_server, "work/")) == 3
    for one in written[:3]:
        assert b"changed" in content_of(each_server, f"work/{one.name}")


def test_sogo_gets_two_hundred_records_over_connections_that_it_resets_now_and_then(sogo: Server) -> None:
    url = make_calendar(sogo, "work")
    written = events(200)

    async def story() -> list[object]:
        async with client_of(sogo) as client:
            putter = await putter_of(sogo, client)
            return [await putter.put(f"{url}{one.name}", one.content, None, {}) for one in written]

    outcomes = run(story())
    assert [outcome for outcome in outcomes if not isinstance(outcome, Written) or outcome.note] == []
    assert len(members(sogo, "work/")) == 200


def test_cyrus_that_is_full_refuses_and_then_ends_the_restore(tmp_path: Path) -> None:
    if lacks := Cyrus.lacks():
        pytest.skip(lacks)
    running = Cyrus(tmp_path)
    try:
        server = running.fresh_home()
        url = make_calendar(server, "work")
        imap = imaplib.IMAP4(HOST, running._imap_port)
        imap.login("cyrus", PASSWORD)
        imap.setquota(f"user/{server.user}", "(STORAGE 4)")
        imap.logout()
        outcomes: list[object] = []

        async def story() -> None:
            async with client_of(server) as client:
                putter = await putter_of(server, client)
                for one in events(40):
                    outcomes.append(await putter.put(f"{url}{one.name}", one.content, None, {}))  # noqa: PERF401

        with pytest.raises(DestinationNotWritable, match="Over quota"):
            run(story())
    finally:
        running.stop()
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds[:1] == [Written]
    assert kinds[-3:] == [Written, Refused, Refused]


def test_davical_gets_objects_with_one_new_time_zone_all_at_once(davical: Server) -> None:
    url = make_calendar(davical, "work")
    start = "DTSTART;TZID=My zone {0}:20350501T100000"

    def content(number: int) -> bytes:
        zone = f"My zone {number // 8}"
        return calendar(*custom_zone(zone, "+0130"), *lines_of("VEVENT", f"u{number}", start.format(number // 8)))

    async def story() -> None:
        async with client_of(davical) as client:
            putter = await putter_of(davical, client)
            puts = (putter.put(f"{url}{number}.ics", content(number), None, {}) for number in range(40))
            assert [one for one in await asyncio.gather(*puts) if not isinstance(one, Written)] == []

    run(story())


@pytest.mark.full
def test_sogo_is_not_given_an_object_of_which_it_would_keep_a_part(sogo: Server) -> None:
    url = make_calendar(sogo, "work")
    both = event(1).content + event(2).content

    async def story() -> object:
        async with client_of(sogo) as client:
            putter = await putter_of(sogo, client)
            return await putter.put(f"{url}both.ics", both, None, {})

    assert asyncio.run(story()) == Refused("SOGo keeps one event only of an object with several", for_its_form=True)
    assert members(sogo, "work/") == []
