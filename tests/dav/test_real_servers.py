"""Six servers for truth: what is fetched is what GET gives, and every verb does what it says.

Where a server breaks a claim, the test says so as a fact about that server.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar
from xml.sax.saxutils import escape

import pytest

from caldav_backup import dav
from caldav_backup.dav import hrefs, names
from tests.dav.fakes import run
from tests.events import event, events
from tests.servers.server import Server, make_calendar, seed

_T = TypeVar("_T")
COLOR = "#FF8800FF"


@pytest.fixture
def server(each_server: Server) -> Server:
    return each_server


def with_client(
    server: Server, deed: Callable[[dav.Client], Awaitable[_T]], *, url: str = "", password: str = ""
) -> _T:
    async def story() -> _T:
        login = dav.BasicAuthentication(server.user, password or server.password) if server.user else None
        async with dav.Client(dav.Transport(url or server.url, login)) as client:
            return await deed(client)

    return run(story())


async def made_calendars(server: Server, client: dav.Client, start: str | None = None) -> list[dav.Calendar]:
    """The calendars that were not there at first."""
    found = (await dav.discover(client, start)).calendars
    return [calendar for calendar in found if calendar.url.rstrip("/").rsplit("/", 1)[1] not in server.built_in]


async def only_calendar(server: Server, client: dav.Client) -> dav.Calendar:
    (calendar,) = await made_calendars(server, client)
    return calendar


def test_the_server_the_home_and_the_calendar_lead_to_the_calendar(server: Server) -> None:
    url = make_calendar(server, "work", displayname="Work & play", color=COLOR)

    async def deed(client: dav.Client) -> list[tuple[dav.Calendar, int]]:
        found = []
        for start in (server.url, server.home, url):
            before = client.transport.requests
            (calendar,) = await made_calendars(server, client, start)
            found.append((calendar, client.transport.requests - before))
        return found

    for calendar, requests in with_client(server, deed):
        assert calendar.url == url
        assert calendar.displayname == as_shown(server, "Work & play")
        assert calendar.color == COLOR
        assert calendar.ctag
        assert bool(calendar.sync_token) == (server.name != "sabredav")  # sabre/dav 1.8 has no sync-collection
        assert "VEVENT" in calendar.components
        assert "all" in calendar.privileges or {"read", "write"} <= set(calendar.privileges)
        assert requests <= 4


def as_shown(server: Server, displayname: str) -> str:
    """DAViCal 1.1 escapes it for XML twice."""
    return escape(displayname) if server.name == "davical" else displayname


def test_an_account_without_calendars_and_an_empty_calendar_are_fine(server: Server) -> None:
    async def deed(client: dav.Client) -> tuple[list[dav.Calendar], list[dav.Version]]:
        nothing = await made_calendars(server, client)
        await client.mkcalendar(server.home + "empty/", "Empty", ["VEVENT"])
        return nothing, await client.list_versions(await only_calendar(server, client))

    nothing, listing = with_client(server, deed)
    assert nothing == []
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
#: Cyrus 3.6 cannot keep a line of a megabyte, DAViCal 1.1 no percent sign in a name.
_REFUSED: dict[str, set[str]] = {"cyrus": {"large.ics"}, "davical": {"100%.ics"}}


def test_what_is_fetched_is_what_get_gives(server: Server) -> None:
    url = seed(server, "odd", events(20, 100))

    async def deed(client: dav.Client) -> int:
        for name, content in odd.items():
            await client.put(url + hrefs.quote_segment(name), content, if_none_match=True)
        calendar = await only_calendar(server, client)
        versions = await client.list_versions(calendar)
        fetched = await client.fetch(calendar, versions)
        for version, found in zip(versions, fetched, strict=True):
            assert isinstance(found, dav.Resource)
            assert found.version == version
            assert found.content == server.expect("GET", version.href).body
        return len(fetched)

    refused = _REFUSED.get(server.name, set())
    odd = {name: content for name, content in _ODD.items() if name not in refused}
    assert with_client(server, deed) == 20 + len(odd)


@pytest.mark.full
def test_a_thousand_events_take_half_a_dozen_requests(radicale: Server) -> None:
    objects = events(1000)
    seed(radicale, "big", objects)

    async def deed(client: dav.Client) -> tuple[list[dav.Fetched], int]:
        calendar = await only_calendar(radicale, client)
        versions = await client.list_versions(calendar)
        before = client.transport.requests
        return await client.fetch(calendar, versions), client.transport.requests - before

    fetched, requests = with_client(radicale, deed)
    assert requests == 5
    assert {each.version.href.rsplit("/", 1)[1] for each in fetched if isinstance(each, dav.Resource)} == {
        each.name for each in objects
    }


def test_a_member_that_vanished_is_gone_and_costs_no_other(server: Server) -> None:
    url = seed(server, "work", events(3))

    async def deed(client: dav.Client) -> list[dav.Fetched]:
        calendar = await only_calendar(server, client)
        versions = await client.list_versions(calendar)
        await client.delete(url + event(1).name)
        return await client.fetch(calendar, versions)

    kinds = sorted(type(each).__name__ for each in with_client(server, deed))
    assert kinds == ["Gone", "Resource", "Resource"]


def test_writes_have_preconditions(server: Server) -> None:
    url = make_calendar(server, "work") + "a.ics"

    async def deed(client: dav.Client) -> None:
        etag = await client.put(url, event(1).content, if_none_match=True)
        if server.name != "sogo":
            with pytest.raises(dav.PreconditionFailed):
                await client.put(url, event(1).content, if_none_match=True)
        with pytest.raises(dav.PreconditionFailed):
            await client.put(url, event(1).content, if_match='"another"')
        newer = await client.put(url, event(1, summary="Later").content, if_match=etag)
        assert newer != etag
        if server.name != "sogo":
            with pytest.raises(dav.PreconditionFailed):
                await client.delete(url, if_match=etag)
        await client.delete(url, if_match=newer)
        with pytest.raises(dav.NotFound):
            await client.delete(url)

    with_client(server, deed)


@pytest.mark.full
def test_sogo_overwrites_and_deletes_whatever_the_precondition_says(sogo: Server) -> None:
    url = make_calendar(sogo, "work") + "a.ics"

    async def deed(client: dav.Client) -> None:  # SOGo 5.8: 204 each time
        await client.put(url, event(1).content, if_none_match=True)
        await client.put(url, event(1, summary="Later").content, if_none_match=True)
        assert b"SUMMARY:Later" in (await client.get(url)).content
        await client.delete(url, if_match='"another"')
        with pytest.raises(dav.NotFound):
            await client.get(url)

    with_client(sogo, deed)


#: How a server refuses a UID that another member has. sabre/dav 1.8 and DAViCal 1.1 take it.
_UID_CONFLICTS = {
    "radicale": "no-uid-conflict",
    "xandikos": "no-uid-conflict",
    "cyrus": "unique-scheduling-object-resource",
    "sogo": "",
}


def test_a_refused_object_says_which_rule_it_breaks(server: Server) -> None:
    url = make_calendar(server, "work")

    async def deed(client: dav.Client) -> None:
        await client.put(url + "a.ics", event(1).content)
        if server.name in _UID_CONFLICTS:
            with pytest.raises(dav.Refused) as caught:
                await client.put(url + "b.ics", event(1).content, if_none_match=True)
            assert caught.value.condition == _UID_CONFLICTS[server.name]
        else:
            await client.put(url + "b.ics", event(1).content, if_none_match=True)
        with pytest.raises(dav.DavError):
            await client.put(url + "c.ics", b"no calendar", if_none_match=True)
        with pytest.raises(dav.DavError):
            await client.put(server.home + "missing/a.ics", event(2).content)

    with_client(server, deed)


#: Those that say why a calendar cannot be made where one is; the others answer 405 and no more.
_NAMES_THE_RULE = ("radicale", "xandikos", "cyrus")
#: sabre/dav 1.8, SOGo 5.8 and Xandikos 0.4 keep no properties that they do not know.
_KEEPS_NO_NOTE = ("sabredav", "sogo", "xandikos")


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
        assert caught.value.condition == ("resource-must-be-null" if server.name in _NAMES_THE_RULE else "")
        statuses = await client.proppatch(server.home + "new/", values)
        calendar = await only_calendar(server, client)
        return statuses, calendar, await dav.further_properties(client, [calendar])

    statuses, calendar, further = with_client(server, deed)
    assert calendar.displayname == as_shown(server, 'Ümläut & <b> "q"')
    assert calendar.color == COLOR
    assert {"VEVENT", "VTODO"} <= set(calendar.components) <= {"VEVENT", "VTODO", "VFREEBUSY"}
    assert calendar.order == ("7" if server.name != "sogo" else "2")  # SOGo 5.8 counts on its own, and says 200
    assert statuses["{urn:x-test}note"] == (403 if server.name in _KEEPS_NO_NOTE else 200)
    if server.name in _KEEPS_NO_NOTE:
        assert further == {}
    else:
        note = {"{urn:x-test}note": b'<ns0:note xmlns:ns0="urn:x-test">Notiz</ns0:note>'}
        assert further == {dav.normalise(calendar.href): note}


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


def test_a_wrong_password_is_refused_after_two_requests(server: Server) -> None:
    if not server.user:
        pytest.skip(f"{server.name} asks for no login")

    async def deed(client: dav.Client) -> int:
        with pytest.raises(dav.Unauthorized):
            await dav.discover(client)
        return client.transport.requests

    assert with_client(server, deed, password="wrong") == 2


#: What becomes of somebody who asks for another one's home. sabre/dav 1.8 and SOGo 5.8 show it, without calendars.
_ELSEWHERE: dict[str, type[dav.DavError]] = {
    "radicale": dav.Forbidden,
    "cyrus": dav.NotFound,
    "davical": dav.Forbidden,
}


def test_somebody_elses_home_shows_nothing(server: Server) -> None:
    if not server.user:
        pytest.skip(f"{server.name} knows one user only")
    elsewhere = server.home.replace(f"/{server.user}/", f"/{server.other_user}/")
    make_calendar(server._replace(user=server.other_user, home=elsewhere), "private")

    async def deed(client: dav.Client) -> None:
        if server.name in _ELSEWHERE:
            with pytest.raises(_ELSEWHERE[server.name]):
                await dav.discover(client, elsewhere)
        else:
            found = (await dav.discover(client, elsewhere)).calendars
            assert [calendar.url for calendar in found if "private" in calendar.url] == []

    with_client(server, deed)


@pytest.mark.full
def test_a_server_that_wants_digest_gets_it(sabredav: Server) -> None:
    seed(sabredav, "work", events(3))

    async def story(password: str) -> list[dav.Fetched]:
        login = dav.PasswordAuthentication(sabredav.user, password)
        async with dav.Client(dav.Transport(sabredav.digest_url, login)) as client:
            calendar = await only_calendar(sabredav, client)
            return await client.fetch(calendar, await client.list_versions(calendar))

    fetched = run(story(sabredav.password))
    assert {each.content for each in fetched if isinstance(each, dav.Resource)} == {each.content for each in events(3)}
    with pytest.raises(dav.Unauthorized):
        run(story("wrong"))
