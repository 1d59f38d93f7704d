"""Writing to real servers: calendars made with their properties, records put with preconditions, refusals as values."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import pytest

from caldav_backup import dav, ics
from caldav_backup.connectors.base import Collection, Resource, Version
from caldav_backup.connectors.calendar_making import plain_name
from caldav_backup.connectors.destination import (
    CalendarNotMade,
    DestinationBusy,
    DestinationUnreachable,
    LoginRefused,
    Refused,
    Scheduling,
    Taken,
    UidTaken,
    Written,
)
from caldav_backup.connectors.destination_caldav import CalDavDestination
from tests.events import event
from tests.servers.server import make_calendar, put

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from caldav_backup.connectors.destination import Created
    from tests.servers.server import Server

T = TypeVar("T")

ATTRIBUTES = {
    "displayname": "Büro & Co".encode(),
    "color": b"#FF0000FF",
    "description": b"What is to be done <soon>",
    "order": b"3",
    "components": b"VEVENT",
    "href": b"/elsewhere/work/",
    "owner": b"/elsewhere/",
}


@pytest.fixture(params=["radicale", "xandikos"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


def destination(server: Server, url: str = "", password: str = "") -> CalDavDestination:
    login = dav.BasicAuthentication(server.user, password or server.password) if server.user else None
    client = dav.Client(dav.Transport(server.url, login))
    return CalDavDestination(client, url or server.home, origin=f"{server.user}@{server.url}")


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


async def created(there: CalDavDestination, hint: str = "Work", **changes: bytes) -> Created:
    await there.catalogue()
    return await there.create(hint, ATTRIBUTES | changes)


def test_a_calendar_is_made_with_its_name_and_colour_and_what_is_lost_is_said(server: Server) -> None:
    async def story() -> tuple[Created, list[Collection]]:
        there = destination(server)
        made = await created(there)
        await there.close()
        again = destination(server)
        found = await again.catalogue()
        await again.close()
        return made, list(found.collections)

    made, (found,) = run(story())
    assert found.key == made.collection.key
    assert found.displayname == "Büro & Co"
    assert found.attributes["color"].lower() == b"#ff0000ff"
    lost = {text.partition(":")[0] for text in made.not_kept}
    for name in ("description", "order"):
        assert (found.attributes.get(name) == ATTRIBUTES[name]) != (name in lost)


def test_a_second_calendar_of_one_name_gets_another_address(radicale: Server) -> None:
    async def story() -> list[str]:
        there = destination(radicale)
        keys = [(await created(there, hint)).collection.key for hint in ("Zürich 1", "zurich-1")]
        await there.close()
        return keys

    first, second = run(story())
    assert first.endswith("/zurich-1/")
    assert second.endswith("/zurich-1-2/")


def test_a_record_is_created_once_and_replaced_only_in_the_state_that_was_seen(server: Server) -> None:
    async def story() -> None:
        there = destination(server)
        calendar = (await created(there)).collection
        first = await there.write(calendar, "a.ics", event(1).content, replaced=None, silent=True)
        assert isinstance(first, Written)
        again = await there.write(calendar, "a.ics", event(2).content, replaced=None, silent=True)
        assert isinstance(again, Taken)
        (seen,) = await there.list_versions(calendar)
        changed = event(1).content.replace(b"SUMMARY:", b"SUMMARY:changed ")
        assert isinstance(await there.write(calendar, "a.ics", changed, replaced=seen, silent=True), Written)
        assert isinstance(await there.write(calendar, "a.ics", event(1).content, replaced=seen, silent=True), Taken)
        (record,) = await there.fetch(calendar, [first.version])
        assert isinstance(record, Resource)
        assert ics.same_meaning(record.content, changed)
        await there.close()

    run(story())


def test_a_record_that_the_server_refuses_is_told_with_its_reason_and_the_next_one_is_taken(server: Server) -> None:
    async def story() -> None:
        there = destination(server)
        calendar = (await created(there)).collection
        bad = await there.write(calendar, "a.ics", b"BEGIN:VCALENDAR\r\nnonsense", replaced=None, silent=True)
        assert isinstance(bad, Refused)
        assert "/a.ics" in bad.reason
        good = await there.write(calendar, "b.ics", event(1).content, replaced=None, silent=True)
        assert isinstance(good, Written)
        await there.close()

    run(story())


def test_a_uid_that_another_record_has_is_told_from_other_refusals(server: Server) -> None:
    async def story() -> None:
        there = destination(server)
        calendar = (await created(there)).collection
        await there.write(calendar, "a.ics", event(1).content, replaced=None, silent=True)
        outcome = await there.write(calendar, "b.ics", event(1).content, replaced=None, silent=True)
        assert isinstance(outcome, UidTaken)
        assert "UID" in outcome.reason
        await there.close()

    run(story())


def test_the_address_of_one_calendar_offers_that_calendar_and_no_place_for_others(radicale: Server) -> None:
    url = make_calendar(radicale, "mine", displayname="Mine")
    put(radicale, "mine", event(1))

    async def story() -> None:
        there = destination(radicale, url)
        (calendar,) = (await there.catalogue()).collections
        assert (calendar.displayname, there.can_create) == ("Mine", False)
        assert len(await there.list_versions(calendar)) == 1
        await there.close()

    run(story())


def test_servers_without_scheduling_mail_nobody(radicale: Server) -> None:
    async def story() -> Scheduling:
        there = destination(radicale)
        await there.catalogue()
        await there.close()
        return there.scheduling

    assert run(story()) is Scheduling.NONE


def test_a_wrong_password_ends_the_restore(radicale: Server) -> None:
    async def story() -> None:
        there = destination(radicale)
        made = (await created(there)).collection
        other = destination(radicale, password="wrong")
        other._source._calendars = there._source._calendars
        with pytest.raises(LoginRefused):
            await other.write(made, "a.ics", event(1).content, replaced=None, silent=True)
        await there.close()
        await other.close()

    run(story())


# What no server here does is played by httpx's own double of a network.

PRINCIPAL = """<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:response><d:href>{href}</d:href>
<d:propstat><d:prop>{prop}</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></d:multistatus>"""
CALENDAR = "<d:resourcetype><d:collection/><c:calendar/></d:resourcetype><d:displayname>Work</d:displayname>"


def always(status: int, text: str = "") -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(status, text=text)


def played(
    answer: Callable[[httpx.Request], httpx.Response], *, options: str = "1, calendar-access", path: str = "/dav/work/"
) -> tuple[CalDavDestination, list[httpx.Request]]:
    """A destination whose server is one calendar at `path`; `answer` has the say about GET and PUT."""
    asked: list[httpx.Request] = []

    def network(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if request.method == "PROPFIND":
            return httpx.Response(207, text=PRINCIPAL.format(href=path, prop=CALENDAR))
        if request.method == "OPTIONS":
            return httpx.Response(200, headers={"DAV": options})
        return answer(request)

    retries = dav.Retries(attempts=1)
    transport = dav.Transport("https://host.example", network=httpx.MockTransport(network), retries=retries)
    return CalDavDestination(dav.Client(transport), f"https://host.example{path}", origin="host.example"), asked


async def put_one(there: CalDavDestination, *, replaced: Version | None = None, silent: bool = True) -> object:
    (calendar,) = (await there.catalogue()).collections
    return await there.write(calendar, "a.ics", event(1).content, replaced=replaced, silent=silent)


@pytest.mark.parametrize("replaced", [None, Version("/dav/work/a.ics", "a.ics", '"7"', 0, -1)])
def test_records_go_to_the_host_that_has_the_calendar(replaced: Version | None) -> None:
    """iCloud: caldav.icloud.com leads to a home at a partition host."""
    asked: list[httpx.Request] = []

    def network(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if request.url.host == "caldav.icloud.com":
            return httpx.Response(301, headers={"Location": "https://p01-caldav.icloud.com/dav/work/"})
        if request.method == "PROPFIND":
            return httpx.Response(207, text=PRINCIPAL.format(href="/dav/work/", prop=CALENDAR))
        if request.method == "OPTIONS":
            return httpx.Response(200, headers={"DAV": "1, calendar-access"})
        return httpx.Response(201)

    transport = dav.Transport("https://caldav.icloud.com", network=httpx.MockTransport(network))
    there = CalDavDestination(dav.Client(transport), "https://caldav.icloud.com/dav/work/", origin="icloud")
    assert isinstance(run(put_one(there, replaced=replaced)), Written)
    assert str(asked[-1].url) == "https://p01-caldav.icloud.com/dav/work/a.ics"


@pytest.mark.parametrize("silent", [True, False])
def test_the_headers_that_keep_a_server_silent_go_with_every_record(silent: bool) -> None:
    there, asked = played(always(201))
    run(put_one(there, silent=silent))
    headers = asked[-1].headers
    assert headers.get("schedule-reply") == ("F" if silent else None)
    assert headers.get("x-nc-scheduling") == ("false" if silent else None)
    assert headers.get("scheduling-enabled") == ("F" if silent else None)


def test_a_server_that_knows_no_if_none_match_is_asked_whether_anything_is_there() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(404)
        return httpx.Response(412 if "if-none-match" in request.headers else 201)

    there, asked = played(answer)
    assert isinstance(run(put_one(there)), Written)
    assert [request.method for request in asked[-3:]] == ["PUT", "GET", "PUT"]


def test_a_server_of_weak_etags_is_asked_whether_it_is_still_the_same() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, content=event(2).content, headers={"ETag": 'W/"7"'})
        return httpx.Response(412 if "if-match" in request.headers else 204)

    seen = Version("/dav/work/a.ics", "a.ics", '"7"', 0, -1)
    assert isinstance(run(put_one(played(answer)[0], replaced=seen)), Written)
    changed = seen._replace(etag='"6"')
    assert isinstance(run(put_one(played(answer)[0], replaced=changed)), Taken)


def test_one_record_that_a_server_has_no_time_for_is_a_refusal_and_three_in_a_row_end_the_restore() -> None:
    there, _ = played(always(503))
    assert isinstance(run(put_one(there)), Refused)
    assert isinstance(run(put_one(there)), Refused)
    with pytest.raises(DestinationBusy):
        run(put_one(there))


def test_one_record_that_a_server_never_answers_to_is_a_refusal_and_three_in_a_row_end_the_restore() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow", request=request)

    there, _ = played(answer)
    assert isinstance(run(put_one(there)), Refused)
    assert isinstance(run(put_one(there)), Refused)
    with pytest.raises(DestinationUnreachable):
        run(put_one(there))


def test_a_server_that_goes_away_ends_the_restore() -> None:
    is_gone = False

    def network(request: httpx.Request) -> httpx.Response:
        nonlocal is_gone
        is_gone = is_gone or request.method == "PUT"
        if is_gone:
            raise httpx.ConnectError("gone", request=request)
        if request.method == "OPTIONS":
            return httpx.Response(200, headers={"DAV": "1, calendar-access"})
        return httpx.Response(207, text=PRINCIPAL.format(href="/dav/work/", prop=CALENDAR))

    transport = dav.Transport(
        "https://host.example", network=httpx.MockTransport(network), retries=dav.Retries(attempts=1)
    )
    there = CalDavDestination(dav.Client(transport), "https://host.example/dav/work/", origin="host.example")
    with pytest.raises(DestinationUnreachable):
        run(put_one(there))


@pytest.mark.parametrize(
    ("rights", "refused"),
    [("", False), ("read,write", False), ("all", False), ("read,read-acl,write-properties", True)],
)
def test_a_calendar_without_the_right_to_write_is_refused_as_a_whole(rights: str, refused: bool) -> None:
    there, _ = played(always(201))
    collection = Collection("/dav/work/", "work", "Work", {"rights": rights.encode()} if rights else {})
    assert bool(there.refusal(collection)) is refused


def test_a_calendar_that_no_way_makes_is_an_error_with_the_servers_word() -> None:
    async def story() -> None:
        there, _ = played(always(403, text="not on this plan"))
        await there.catalogue()
        there._source._homes = ("https://host.example/dav/",)
        with pytest.raises(CalendarNotMade, match="not on this plan"):
            await there.create("new", {"displayname": b"New"})

    run(story())


@pytest.mark.parametrize(
    ("status", "made"),
    [(405, ["new", "new-2"]), (409, ["new", "new-2"]), (400, ["new", "new"])],
)
def test_a_taken_address_is_not_the_end_and_neither_is_a_server_that_wants_no_components(
    status: int, made: list[str]
) -> None:
    tried: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "PROPPATCH":
            return httpx.Response(207, text=PRINCIPAL.format(href="/dav/work/", prop=""))
        if request.method == "MKCALENDAR":
            tried.append(request.url.path.split("/")[-2])
        return httpx.Response(status if len(tried) == 1 else 201)

    async def story() -> None:
        there, _ = played(answer)
        await there.catalogue()
        there._source._homes = ("https://host.example/dav/",)
        await there.create("new", {"displayname": b"Work", "components": b"VEVENT"})

    run(story())
    assert tried == made


@pytest.mark.parametrize(
    ("name", "kept"),
    [("a.ics", True), ("A-b_c.1.ics", True), ("ä.ics", False), ("a@b.ics", False), (".a.ics", False), ("a.txt", False)],
)
def test_only_plain_names_are_kept(name: str, kept: bool) -> None:
    there, _ = played(always(201))
    leaf = there.leaf(name, "some uid")
    assert (leaf == name) is kept
    assert leaf.endswith(".ics")
    assert there.leaf(name, "some uid") == leaf
    assert there.leaf(name, "some uid", 1) != leaf


@pytest.mark.parametrize(
    ("hint", "plain"),
    [("Work", "work"), ("Büro & Co", "buro-co"), ("日本", "calendar"), ("-a-", "a"), ("a" * 99, "a" * 60)],
)
def test_new_calendars_have_plain_names(hint: str, plain: str) -> None:
    assert plain_name(hint) == plain
