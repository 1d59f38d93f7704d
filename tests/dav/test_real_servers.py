"""Radicale and Xandikos for truth: what is fetched is what GET gives, and every verb does what it says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

import pytest

from caldav_backup import dav
from caldav_backup.dav import hrefs, names
from tests.dav.fakes import run
from tests.events import event, events
from tests.servers.server import make_calendar, seed

if TYPE_CHECKING:
    from tests.servers.server import Server

_T = TypeVar("_T")
COLOR = "#FF8800FF"


@pytest.fixture(params=["radicale", "xandikos"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


def with_client(
    server: Server, deed: Callable[[dav.Client], Awaitable[_T]], *, url: str = "", password: str = ""
) -> _T:
    async def story() -> _T:
        login = dav.BasicAuthentication(server.user, password or server.password) if server.user else None
        async with dav.Client(dav.Transport(url or server.url, login)) as client:
            return await deed(client)

    return run(story())


async def only_calendar(client: dav.Client) -> dav.Calendar:
    (calendar,) = (await dav.discover(client)).calendars
    return calendar


def test_the_server_the_home_and_the_calendar_lead_to_the_calendar(server: Server) -> None:
    url = make_calendar(server, "work", displayname="Work & play", color=COLOR)

    async def deed(client: dav.Client) -> list[tuple[dav.Calendar, int]]:
        found = []
        for start in (server.url, server.home, url):
            before = client.transport.requests
            (calendar,) = (await dav.discover(client, start)).calendars
            found.append((calendar, client.transport.requests - before))
        return found

    for calendar, requests in with_client(server, deed):
        assert calendar.url == url
        assert calendar.displayname == "Work & play"
        assert calendar.color == COLOR
        assert calendar.ctag
        assert calendar.sync_token
        assert "VEVENT" in calendar.components
        assert "all" in calendar.privileges
        assert requests <= 4


def test_an_account_without_calendars_and_an_empty_calendar_are_fine(server: Server) -> None:
    async def deed(client: dav.Client) -> tuple[dav.Discovery, list[dav.Version]]:
        nothing = await dav.discover(client)
        await client.mkcalendar(server.home + "empty/", "Empty", ["VEVENT"])
        return nothing, await client.list_versions(await only_calendar(client))

    nothing, listing = with_client(server, deed)
    assert nothing.calendars == ()
    assert listing == []


#: Bodies whose line ends and blanks a multiget cannot tell, and names that servers spell in their own way.
_ODD = {
    "lf.ics": event(1).content.replace(b"\r\n", b"\n"),
    "mixed.ics": event(2).content.replace(b"\r\nSUMMARY", b"\nSUMMARY"),
    "blank-first.ics": b"\r\n" + event(3).content,
    "blank-last.ics": event(4).content + b"\r\n \r\n",
    "no-end.ics": event(5).content.rstrip(),
    "a b.ics": event(6).content,
    "at@x.ics": event(7).content,
    "100%.ics": event(8).content,
    "ümläut.ics": event(9).content,
    "noextension": event(10).content,
    "large.ics": event(11).content.replace(b"SUMMARY:", b"SUMMARY:" + b"long " * 250_000),
    "markup.ics": event(12).content.replace(b"SUMMARY:", b"SUMMARY:a ]]> & <b> \xf0\x9d\x84\x9e"),
}


def test_what_is_fetched_is_what_get_gives(server: Server) -> None:
    url = seed(server, "odd", events(20, 100))

    async def deed(client: dav.Client) -> int:
        for name, content in _ODD.items():
            await client.put(url + hrefs.quote_segment(name), content, if_none_match=True)
        calendar = await only_calendar(client)
        versions = await client.list_versions(calendar)
        fetched = await client.fetch(calendar, versions)
        for version, found in zip(versions, fetched, strict=True):
            assert isinstance(found, dav.Resource)
            assert found.version == version
            assert found.content == server.expect("GET", version.href).body
        return len(fetched)

    assert with_client(server, deed) == 20 + len(_ODD)


def test_a_thousand_events_take_a_dozen_requests(radicale: Server) -> None:
    objects = events(1000)
    seed(radicale, "big", objects)

    async def deed(client: dav.Client) -> tuple[list[dav.Fetched], int]:
        calendar = await only_calendar(client)
        versions = await client.list_versions(calendar)
        before = client.transport.requests
        return await client.fetch(calendar, versions), client.transport.requests - before

    fetched, requests = with_client(radicale, deed)
    assert requests == 10
    assert {each.version.href.rsplit("/", 1)[1] for each in fetched if isinstance(each, dav.Resource)} == {
        each.name for each in objects
    }


def test_a_member_that_vanished_is_gone_and_costs_no_other(server: Server) -> None:
    url = seed(server, "work", events(3))

    async def deed(client: dav.Client) -> list[dav.Fetched]:
        calendar = await only_calendar(client)
        versions = await client.list_versions(calendar)
        await client.delete(url + event(1).name)
        return await client.fetch(calendar, versions)

    kinds = sorted(type(each).__name__ for each in with_client(server, deed))
    assert kinds == ["Gone", "Resource", "Resource"]


def test_writes_have_preconditions(server: Server) -> None:
    url = make_calendar(server, "work") + "a.ics"

    async def deed(client: dav.Client) -> None:
        etag = await client.put(url, event(1).content, if_none_match=True)
        with pytest.raises(dav.PreconditionFailed):
            await client.put(url, event(1).content, if_none_match=True)
        with pytest.raises(dav.PreconditionFailed):
            await client.put(url, event(1).content, if_match='"another"')
        newer = await client.put(url, event(1, summary="Later").content, if_match=etag)
        assert newer != etag
        with pytest.raises(dav.PreconditionFailed):
            await client.delete(url, if_match=etag)
        await client.delete(url, if_match=newer)
        with pytest.raises(dav.NotFound):
            await client.delete(url)

    with_client(server, deed)


def test_a_refused_object_says_which_rule_it_breaks(server: Server) -> None:
    url = make_calendar(server, "work")

    async def deed(client: dav.Client) -> None:
        await client.put(url + "a.ics", event(1).content)
        with pytest.raises(dav.Refused) as caught:
            await client.put(url + "b.ics", event(1).content, if_none_match=True)
        assert caught.value.condition == "no-uid-conflict"
        with pytest.raises(dav.DavError):
            await client.put(url + "c.ics", b"no calendar", if_none_match=True)
        with pytest.raises(dav.DavError):
            await client.put(server.home + "missing/a.ics", event(2).content)

    with_client(server, deed)


def test_a_new_calendar_gets_its_properties_one_by_one(server: Server) -> None:
    values: dict[str, str | bytes | None] = {
        names.DISPLAYNAME: 'Ümläut & <b> "q"',
        names.CALENDAR_COLOR: COLOR,
        names.CALENDAR_ORDER: "7",
        names.SCHEDULE_CALENDAR_TRANSP: dav.transparency("transparent"),
        "{urn:x-test}note": b'<x:note xmlns:x="urn:x-test">Notiz</x:note>',
    }

    async def deed(client: dav.Client) -> tuple[dict[str, int], dav.Calendar, Mapping[str, Mapping[str, bytes]]]:
        await client.mkcalendar(server.home + "new/", "New", ["VEVENT", "VTODO"])
        with pytest.raises(dav.Refused) as caught:
            await client.mkcalendar(server.home + "new/", "Again", ["VEVENT"])
        assert caught.value.condition == "resource-must-be-null"
        statuses = await client.proppatch(server.home + "new/", values)
        calendar = await only_calendar(client)
        return statuses, calendar, await dav.further_properties(client, [calendar])

    statuses, calendar, further = with_client(server, deed)
    assert calendar.displayname == 'Ümläut & <b> "q"'
    assert calendar.color == COLOR
    assert sorted(calendar.components) == ["VEVENT", "VTODO"]
    if server.name == "radicale":
        assert set(statuses.values()) == {200}
        assert calendar.order == "7"
        note = {"{urn:x-test}note": b'<ns0:note xmlns:ns0="urn:x-test">Notiz</ns0:note>'}
        assert further == {dav.normalise(calendar.href): note}
    else:  # Xandikos 0.4 keeps no dead properties
        assert statuses["{urn:x-test}note"] == 403


def test_what_is_not_there_is_not_found(server: Server) -> None:
    make_calendar(server, "work")

    async def deed(client: dav.Client) -> None:
        with pytest.raises(dav.NotFound):
            await dav.discover(client, server.home + "missing/")
        with pytest.raises(dav.NotFound):
            await client.list_versions(dav.Calendar("/", server.home + "missing/"))
        with pytest.raises(dav.NotFound):
            await client.get(server.home + "work/missing.ics")

    with_client(server, deed)


def test_a_wrong_password_is_refused_after_two_requests(radicale: Server) -> None:
    async def deed(client: dav.Client) -> int:
        with pytest.raises(dav.Unauthorized):
            await dav.discover(client)
        return client.transport.requests

    assert with_client(radicale, deed, password="wrong") == 2


def test_somebody_elses_home_is_forbidden(radicale: Server) -> None:
    async def deed(client: dav.Client) -> None:
        with pytest.raises(dav.Forbidden):
            await dav.discover(client, radicale.url + "somebody/")

    with_client(radicale, deed)
