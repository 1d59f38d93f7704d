"""What changed since a sync-token: told as a listing would tell it, or refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from lxml import etree

from caldav_backup import dav
from caldav_backup.dav import names
from tests.dav.fakes import (
    CALENDAR,
    NAMESPACES,
    FakeServer,
    Waits,
    client,
    failure,
    kind,
    listed,
    refused,
    reply,
    response,
    run,
    streamed,
)
from tests.events import event
from tests.servers.server import make_calendar, put, seed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.dav.fakes import Reply
    from tests.servers.server import Server

DATE = {"date": "Sun, 22 Nov 2026 18:11:01 GMT"}
CUT = refused("/cal/", 507)


def page(*responses: str, token: str | None = "t1", headers: dict[str, str] | None = None) -> Reply:
    end = "" if token is None else f"<d:sync-token> {token}\n</d:sync-token>"
    body = f'<?xml version="1.0"?><d:multistatus {NAMESPACES}>{"".join(responses)}{end}</d:multistatus>'
    return reply(207, body, headers)


def changes(*replies: Reply, token: str = "t0", waits: Waits | None = None) -> tuple[dav.Changes, FakeServer]:
    server = FakeServer()
    server.on("REPORT", "/cal/", *replies)
    return run(client(server, waits=waits).sync(CALENDAR, token)), server


def why_refused(*replies: Reply) -> dav.TokenRefused:
    with pytest.raises(dav.TokenRefused) as caught:
        changes(*replies)
    return caught.value


def test_a_token_is_asked_for_one_level_and_without_a_limit() -> None:
    found, server = changes(page(listed("a.ics"), headers=DATE), token="http://x/<7>")
    assert found == dav.Changes([dav.Version("/cal/a.ics", '"1"')], [], "t1", DATE["date"])
    (request,) = server.seen
    assert request.headers["depth"] == "0"
    root = etree.fromstring(request.content)
    assert [each.tag for each in root] == [names.SYNC_TOKEN, names.SYNC_LEVEL, names.PROP]
    assert [root.findtext(each) for each in (names.SYNC_TOKEN, names.SYNC_LEVEL)] == ["http://x/<7>", "1"]
    assert {names.GETETAG, names.GETLASTMODIFIED, names.GETCONTENTLENGTH} <= {each.tag for each in root[2]}


def test_members_that_are_gone_are_removed_and_what_is_no_member_is_left_out() -> None:
    found, _ = changes(
        page(
            response("https://DAV.example/cal", kind("c:calendar") + "<d:sync-token>t9</d:sync-token>"),
            listed("a.ics", '"1"', 206),
            response("/cal/sub/", kind("c:calendar")),
            listed("f.html", more="<d:getcontenttype>text/html</d:getcontenttype>"),
            refused("/cal/gone%40.ics", 404),
            refused("/cal/gone.ics", 410),
            refused("/cal/denied.ics", 403),
        )
    )
    assert found.changed == [dav.Version("/cal/a.ics", '"1"', "", 206), dav.Version("/cal/denied.ics")]
    assert found.removed == ["/cal/gone%40.ics", "/cal/gone.ics"]
    assert found.token == "t1"


def test_a_repeated_member_counts_once_and_as_said_last() -> None:
    found, _ = changes(page(listed("a%40.ics", '"1"'), listed("b.ics"), listed("a@.ics", '"2"')))
    assert found.changed == [dav.Version("/cal/a@.ics", '"2"'), dav.Version("/cal/b.ics", '"1"')]


def test_a_member_that_one_answer_calls_both_gone_and_there_is_there() -> None:
    found, _ = changes(page(listed("a.ics"), refused("/cal/a.ics", 404), refused("/cal/b.ics", 404), listed("b.ics")))
    assert [each.href for each in found.changed] == ["/cal/a.ics", "/cal/b.ics"]
    assert found.removed == []


def test_an_answer_that_was_cut_is_followed_page_by_page() -> None:
    found, server = changes(
        page(listed("a.ics"), listed("b.ics"), CUT, token="t1", headers=DATE),
        page(CUT, refused("/cal/a.ics", 404), refused("/cal/c.ics", 404), token="t2"),
        page(listed("c.ics", '"3"'), token="t3"),
    )
    assert found.changed == [dav.Version("/cal/b.ics", '"1"'), dav.Version("/cal/c.ics", '"3"')]
    assert found.removed == ["/cal/a.ics"]
    assert (found.token, found.date) == ("t3", DATE["date"])
    tokens = [etree.fromstring(each.content).findtext(names.SYNC_TOKEN) for each in server.seen]
    assert tokens == ["t0", "t1", "t2"]


@pytest.mark.parametrize(
    "pages",
    [
        [page(listed("a.ics"), CUT, token="t0")],
        [page(CUT, token="t1")],
        [page(listed("a.ics"), CUT, token="t1"), page(listed("b.ics"), CUT, token="t1")],
        [page(listed("a.ics"), CUT, token="t1"), page(listed("b.ics"), CUT, token="t0")],
        [page(listed("a.ics"), CUT, token="t1"), reply(403)],
        [page(listed("a.ics"), refused("/cal/b.ics", 507))],
    ],
    ids=["same token", "nothing new", "same token again", "round and round", "refused then", "at a member"],
)
def test_pages_that_do_not_go_on_are_not_relied_on(pages: list[Reply]) -> None:
    why_refused(*pages)


@pytest.mark.full
def test_pages_without_end_are_given_up() -> None:
    numbers = iter(range(10_000))

    def endless(request: httpx.Request) -> httpx.Response:
        number = next(numbers)
        return page(listed(f"{number}.ics"), CUT, token=f"n{number}")(request)

    assert "1000 parts" in str(why_refused(endless))


_REFUSALS = {
    "token": reply(403, '<error xmlns="DAV:"><valid-sync-token/></error>'),
    "token at Xandikos 0.4": reply(412, '<error xmlns="DAV:"><valid-sync-token/></error>'),
    "report at sabre/dav 1.8": reply(403, '<error xmlns="DAV:"><supported-report/></error>'),
    **{str(status): reply(status) for status in (400, 403, 404, 405, 409, 410, 412, 415, 500, 501, 507)},
    "login page": reply(200, "<html>Sign in</html>", {"content-type": "text/html"}),
    "broken off": reply(207, b"<d:multistatus"),
    "no token": page(listed("a.ics"), token=None),
    "nothing at all": page(token=None),
    "empty token": page(listed("a.ics"), token=""),
    "a property only": page(response("/cal/", "<d:sync-token>t1</d:sync-token>"), token=None),
    "forbidden inside": page(refused("/cal/", 403)),
    "not found inside": page(refused("/cal/", 404)),
}


@pytest.mark.parametrize("refusal", _REFUSALS.values(), ids=_REFUSALS.keys())
def test_whatever_is_no_answer_is_a_refusal(refusal: Reply) -> None:
    error = why_refused(refusal)
    assert error.method == "REPORT" and error.href == "/cal/"


def test_a_refusal_says_what_the_server_said() -> None:
    error = why_refused(reply(403, '<error xmlns="DAV:"><valid-sync-token/></error>'))
    assert (error.status, error.condition) == (403, "valid-sync-token")


@pytest.mark.parametrize(
    ("trouble", "kind_"),
    [
        (reply(401), dav.Unauthorized),
        (reply(429), dav.TooManyRequests),
        (reply(503), dav.Unavailable),
        (failure(httpx.ConnectError("refused")), dav.ServerUnreachable),
    ],
    ids=["401", "429", "503", "unreachable"],
)
def test_what_says_nothing_of_the_token_stays_what_it_is(trouble: Reply, kind_: type[dav.DavError]) -> None:
    with pytest.raises(kind_):
        changes(trouble)


def test_nothing_new_is_an_answer() -> None:
    assert changes(page())[0] == dav.Changes([], [], "t1")


def test_an_answer_that_breaks_off_is_asked_again() -> None:
    whole = f"<d:multistatus {NAMESPACES}>{listed('a.ics')}<d:sync-token>t1</d:sync-token></d:multistatus>".encode()
    found, server = changes(streamed(207, whole[:-20], httpx.ReadError("reset")), reply(207, whole))
    assert found.token == "t1" and len(server.seen) == 2


@pytest.fixture(
    params=["radicale", "xandikos", *(pytest.param(name, marks=pytest.mark.full) for name in ("cyrus", "davical"))]
)
def server(request: pytest.FixtureRequest) -> Server:
    """The servers whose change logs are exact: sabre/dav 1.8 has none, and SOGo 5.8 leaves out of its own what happened
    in the second of the token."""
    found: Server = request.getfixturevalue(request.param)
    return found


def with_calendar(
    server: Server, url: str, deed: Callable[[dav.Client, Callable[[], Awaitable[dav.Calendar]]], Awaitable[None]]
) -> None:
    async def story() -> None:
        login = dav.BasicAuthentication(server.user, server.password) if server.user else None
        async with dav.Client(dav.Transport(server.url, login)) as reader:

            async def described() -> dav.Calendar:
                (calendar,) = (await dav.discover(reader, url)).calendars
                return calendar

            await deed(reader, described)

    run(story())


def test_old_members_and_changes_make_the_new_listing(server: Server) -> None:
    url = seed(server, "work", [event(number) for number in range(6)])

    async def deed(reader: dav.Client, described: Callable[[], Awaitable[dav.Calendar]]) -> None:
        before = await described()
        assert before.sync_token and before.date
        members = {each.href: each.etag for each in await reader.list_versions(before)}
        for number in (1, 2):
            server.expect("DELETE", url + event(number).name)
        put(server, "work", event(2, summary="Again"))
        put(server, "work", event(3, summary="Later"))
        put(server, "work", event(9))
        put(server, "work", event(10))
        server.expect("DELETE", url + event(10).name)
        found = await reader.sync(before, before.sync_token)
        listing = await reader.listing(before)
        for href in found.removed:
            members.pop(href, None)
        members |= {each.href: each.etag for each in found.changed}
        assert members == {each.href: each.etag for each in listing.versions}
        assert len(found.changed) == 3
        assert listing.date and found.date
        assert (await described()).sync_token == found.token
        assert (await reader.sync(before, found.token))._replace(date="") == dav.Changes([], [], found.token)

    with_calendar(server, url, deed)


def test_all_members_have_changed_since_no_token(server: Server) -> None:
    url = seed(server, "work", [event(number) for number in range(3)])

    async def deed(reader: dav.Client, described: Callable[[], Awaitable[dav.Calendar]]) -> None:
        calendar = await described()
        found = await reader.sync(calendar, "")
        listed_ = {(each.href, each.etag) for each in await reader.list_versions(calendar)}
        assert {(each.href, each.etag) for each in found.changed} == listed_

    with_calendar(server, url, deed)


def test_tokens_of_nobody_and_of_a_calendar_made_again_are_refused(server: Server) -> None:
    if server.name == "davical":
        pytest.skip("DAViCal 1.1 answers any token, with everything: the connector does not use its change log")
    url = seed(server, "work", [event(number) for number in range(3)])

    async def deed(reader: dav.Client, described: Callable[[], Awaitable[dav.Calendar]]) -> None:
        calendar = await described()
        assert calendar.sync_token
        for token in ("http://nobody.example/7", calendar.sync_token + "9"):
            with pytest.raises(dav.TokenRefused):
                await reader.sync(calendar, token)
        server.expect("DELETE", url)
        make_calendar(server, "work")
        put(server, "work", event(7))
        with pytest.raises(dav.TokenRefused):
            await reader.sync(calendar, calendar.sync_token)

    with_calendar(server, url, deed)


@pytest.mark.full
def test_a_server_without_the_report_refuses_every_token(sabredav: Server) -> None:
    url = seed(sabredav, "work", [event(1)])

    async def deed(reader: dav.Client, described: Callable[[], Awaitable[dav.Calendar]]) -> None:
        calendar = await described()
        assert calendar.sync_token is None
        with pytest.raises(dav.TokenRefused, match="supported-report"):
            await reader.sync(calendar, "http://sabre.io/ns/sync/1")

    with_calendar(sabredav, url, deed)


class Limiting(httpx.AsyncBaseTransport):
    """Asks for a limit in the client's stead, which it never does itself: two members at most in one answer."""

    def __init__(self) -> None:
        self.inner = httpx.AsyncHTTPTransport()
        self.pages = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        content = await request.aread()
        if b"sync-collection" in content:
            self.pages += 1
            content = content.replace(b"<d:prop>", b"<d:limit><d:nresults>2</d:nresults></d:limit><d:prop>")
        headers = [pair for pair in request.headers.raw if pair[0].lower() != b"content-length"]
        return await self.inner.handle_async_request(
            httpx.Request(request.method, request.url, headers=headers, content=content)
        )

    async def aclose(self) -> None:
        await self.inner.aclose()


@pytest.mark.full
def test_the_pages_of_a_real_server_are_followed_to_their_end(cyrus: Server) -> None:
    seed(cyrus, "work", [event(number) for number in range(7)])
    network = Limiting()

    async def story() -> None:
        login = dav.BasicAuthentication(cyrus.user, cyrus.password)
        async with dav.Client(dav.Transport(cyrus.url, login, network=network)) as reader:
            (calendar,) = (await dav.discover(reader, cyrus.home + "work/")).calendars
            found = await reader.sync(calendar, "")
            assert len(found.changed) == 7
            assert found.token == calendar.sync_token
            assert set(found.changed) == set(await reader.list_versions(calendar))

    run(story())
    assert network.pages == 4
