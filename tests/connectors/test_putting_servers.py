"""Writing and removing single records at the six real servers."""

from __future__ import annotations

import asyncio
import imaplib
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from caldav_backup import dav, ics
from caldav_backup.cli.loopback import HOST
from caldav_backup.connectors.calendar_limits import limits_of
from caldav_backup.connectors.destination import (
    Deleted,
    DestinationNotWritable,
    Refused,
    Taken,
    UidTaken,
    Written,
)
from caldav_backup.connectors.destination_caldav import CalDavDestination
from caldav_backup.connectors.products import recognise
from caldav_backup.connectors.putting import Putter
from tests.compatibility.records import lines_of
from tests.events import event, events
from tests.ics.corpus import calendar, custom_zone
from tests.servers.cyrus import Cyrus
from tests.servers.server import PASSWORD, Server, make_calendar, members

T = TypeVar("T")

pytestmark = pytest.mark.full

CHANGED = event(1).content.replace(b"SUMMARY:", b"SUMMARY:changed ")


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def client_of(server: Server, network: httpx.AsyncBaseTransport | None = None) -> dav.Client:
    login = dav.BasicAuthentication(server.user, server.password) if server.user else None
    return dav.Client(dav.Transport(server.url, login, network=network, retries=dav.Retries(first_wait=0.01)))


async def putter_of(server: Server, client: dav.Client) -> Putter:
    return Putter(client, await recognise(client, server.home))


def content_of(server: Server, href: str) -> bytes:
    return server.expect("GET", href).body


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


#: Take a UID twice into one calendar: sabre/dav 1.8 (Nextcloud does not) and DAViCal 1.1.
TAKE_TWICE = {"sabredav", "davical"}


def test_a_uid_that_the_calendar_has_is_told_as_that(each_server: Server) -> None:
    url = make_calendar(each_server, "work")

    async def story() -> object:
        async with client_of(each_server) as client:
            putter = await putter_of(each_server, client)
            assert isinstance(await putter.put(f"{url}a.ics", event(1).content, None, {}), Written)
            return await putter.put(f"{url}b.ics", event(1).content, None, {})

    outcome = run(story())
    if each_server.name in TAKE_TWICE:
        assert isinstance(outcome, Written)
    else:
        assert isinstance(outcome, UidTaken)
        assert outcome.key.endswith("/work/a.ics") or each_server.name != "cyrus"


def test_only_cyrus_takes_a_uid_but_once_in_an_account(each_server: Server) -> None:
    urls = [make_calendar(each_server, name) for name in ("work", "home")]

    async def story() -> tuple[bool, object]:
        async with client_of(each_server) as client:
            product = await recognise(client, each_server.home)
            putter = Putter(client, product)
            await putter.put(f"{urls[0]}a.ics", event(1).content, None, {})
            return product.has_account_wide_uids, await putter.put(f"{urls[1]}a.ics", event(1).content, None, {})

    account_wide, outcome = run(story())
    assert account_wide is (each_server.name == "cyrus")
    if account_wide:
        assert isinstance(outcome, UidTaken)
        assert outcome.key.endswith("/work/a.ics")
        assert ics.same_meaning(content_of(each_server, outcome.key), event(1).content)
    else:
        assert isinstance(outcome, Written)


def test_an_object_is_not_given_another_uid_unseen(each_server: Server) -> None:
    """Radicale 3.9 and Cyrus 3.6 refuse it; the others do it when asked to."""
    url = make_calendar(each_server, "work")
    href = f"{url}a.ics"

    async def story() -> object:
        async with client_of(each_server) as client:
            putter = await putter_of(each_server, client)
            await putter.put(href, event(1).content, None, {})
            return await putter.put(href, event(2).content, await putter._find(href), {})

    refuses = each_server.name in {"radicale", "cyrus"}
    assert isinstance(run(story()), Taken if refuses else Written)


def without(line: bytes) -> bytes:
    return b"".join(each for each in event(1).content.splitlines(keepends=True) if not each.startswith(line))


METHOD = event(1).content.replace(b"VERSION:2.0", b"VERSION:2.0\r\nMETHOD:REQUEST")
TWO = event(1).content.replace(b"END:VCALENDAR\r\n", b"BEGIN:VEVENT" + event(2).content.split(b"BEGIN:VEVENT", 1)[1])
RULE = event(1).content.replace(b"SUMMARY:", b"RRULE:FREQ=SOMETIMES\r\nSUMMARY:")
NO_TRIGGER = without(b"TRIGGER")
GARBAGE = b"BEGIN:VCALENDAR\r\nnonsense"


@pytest.mark.parametrize(
    ("content", "refuse"),
    [
        (TWO, {"radicale", "sabredav", "cyrus"}),
        (METHOD, {"cyrus"}),
        (RULE, {"radicale", "sabredav", "cyrus"}),
        (without(b"UID"), {"radicale", "sabredav", "cyrus"}),
        (NO_TRIGGER, {"sogo"}),
        (GARBAGE, {"radicale", "xandikos", "sabredav", "cyrus", "davical", "sogo"}),
    ],
    ids=["two UIDs", "METHOD", "bad rule", "no UID", "alarm without trigger", "garbage"],
)
def test_an_object_that_is_refused_for_its_form_is_told_as_that(
    each_server: Server, content: bytes, refuse: set[str]
) -> None:
    url = make_calendar(each_server, "work")

    async def story() -> object:
        async with client_of(each_server) as client:
            return await (await putter_of(each_server, client)).put(f"{url}a.ics", content, None, {})

    outcome = run(story())
    if each_server.name in refuse:
        assert isinstance(outcome, Refused)
        assert outcome.for_its_form
    else:
        assert isinstance(outcome, Written)


def test_a_calendar_that_is_missing_is_no_fault_of_the_object(each_server: Server) -> None:
    async def story() -> object:
        async with client_of(each_server) as client:
            putter = await putter_of(each_server, client)
            return await putter.put(f"{each_server.home}nowhere/a.ics", event(1).content, None, {})

    outcome = run(story())
    assert isinstance(outcome, Refused)
    assert not outcome.for_its_form


def test_a_guests_copy_of_another_users_event_is_refused_by_sogo_with_the_likely_reason(sogo: Server) -> None:
    url = make_calendar(sogo, "work")
    lines = f"ORGANIZER:mailto:{sogo.other_user}@example.org\r\nATTENDEE:mailto:{sogo.user}@example.org\r\nSUMMARY:"
    content = event(1).content.replace(b"SUMMARY:", lines.encode())

    async def story() -> object:
        async with client_of(sogo) as client:
            return await (await putter_of(sogo, client)).put(f"{url}a.ics", content, None, {})

    outcome = run(story())
    assert isinstance(outcome, Refused)
    assert "another user of this server" in outcome.reason
    assert not outcome.for_its_form


def test_radicale_says_of_nothing_but_by_its_limit_that_an_object_is_too_large(radicale: Server) -> None:
    url = make_calendar(radicale, "work")
    content = event(1).content.replace(
        b"SUMMARY:", b"ATTACH;ENCODING=BASE64;VALUE=BINARY:" + b"QUJD" * 2_600_000 + b"\r\nSUMMARY:"
    )

    async def story() -> tuple[object, object]:
        async with client_of(radicale) as client:
            product = await recognise(client, radicale.home)
            limits = await limits_of(client, url, product)
            return await Putter(client, product).put(f"{url}a.ics", content, None, {}), limits.warnings(content)

    outcome, warnings = run(story())
    assert isinstance(outcome, Refused)
    assert "larger than the server takes" in outcome.reason
    assert not outcome.for_its_form
    assert warnings == ("larger than the 10,000,000 bytes that it takes",)


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
