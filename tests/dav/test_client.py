from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest

from caldav_backup import dav
from caldav_backup.dav import names
from tests.dav.fakes import (
    BASE,
    FakeServer,
    Waits,
    answer,
    client,
    event,
    failure,
    kind,
    refused,
    reply,
    response,
    run,
    streamed,
)

BODY = event("a")
CUT = failure(httpx.ReadError("reset"))
ETAG = {"etag": '"1"'}


def failing(story: Coroutine[Any, Any, object]) -> dav.DavError:
    with pytest.raises(dav.DavError) as caught:
        run(story)
    return caught.value


def test_get_takes_a_path_or_a_url_and_gives_bytes_and_version() -> None:
    server = FakeServer()
    modified = "Sun, 22 Nov 2026 18:11:01 GMT"
    server.on("GET", "/cal/a%40b.ics", reply(200, BODY, ETAG | {"last-modified": modified}))
    for href in ("/cal/a%40b.ics", BASE + "/cal/a%40b.ics"):
        found = run(client(server).get(href))
        assert found == dav.Resource(dav.Version("/cal/a%40b.ics", '"1"', modified, len(BODY)), BODY)


def test_a_body_whose_end_nobody_tells_must_end_as_a_calendar() -> None:
    def as_http10(content: bytes) -> Callable[[httpx.Request], httpx.Response]:
        def answered(request: httpx.Request) -> httpx.Response:
            found = streamed(200, content)(request)
            del found.headers["transfer-encoding"]
            return found

        return answered

    server, waits = FakeServer(), Waits()
    server.on("GET", "/a", as_http10(BODY[:-20]), as_http10(BODY + b"\r\n"))
    assert run(client(server, waits=waits).get("/a")).content == BODY + b"\r\n"
    assert waits == [0.5]


def test_a_large_object_comes_in_pieces() -> None:
    async def story() -> list[bytes]:
        async with client(server) as account, account.stream("/big.ics") as chunks:
            return [chunk async for chunk in chunks]

    server = FakeServer()
    server.on("GET", "/big.ics", streamed(200, b"BEGIN", b"END"))
    assert run(story()) == [b"BEGIN", b"END"]


def test_a_stream_that_breaks_off_says_so() -> None:
    async def story() -> None:
        async with client(server) as account, account.stream("/big.ics") as chunks:
            async for _ in chunks:
                pass

    server = FakeServer()
    server.on("GET", "/big.ics", streamed(200, b"BEGIN", httpx.ReadError("reset")))
    assert isinstance(failing(story()), dav.AnswerCut)
    assert len(server.seen) == 1


def test_put_sends_preconditions_and_gives_the_etag() -> None:
    server = FakeServer()
    server.on("PUT", "/a.ics", reply(201, headers=ETAG), reply(204))
    account = client(server)

    async def story() -> tuple[str | None, str | None]:
        first = await account.put("/a.ics", BODY, if_none_match=True, headers={"Schedule-Reply": "F"})
        return first, await account.put("/a.ics", BODY, if_match='"1"')

    assert run(story()) == ('"1"', None)
    assert server.seen[0].headers["if-none-match"] == "*"
    assert server.seen[0].headers["schedule-reply"] == "F"
    assert server.seen[0].headers["content-type"] == "text/calendar; charset=utf-8"
    assert server.seen[1].headers["if-match"] == '"1"'
    assert server.seen[0].content == BODY


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (412, "", dav.PreconditionFailed),
        (409, '<error xmlns="DAV:"><no-uid-conflict xmlns="urn:ietf:params:xml:ns:caldav"/></error>', dav.Refused),
        (403, "", dav.Forbidden),
        (404, "", dav.NotFound),
        (507, "", dav.Refused),
    ],
)
def test_a_put_that_is_refused_is_sent_once(status: int, body: str, error: type[dav.DavError]) -> None:
    server = FakeServer()
    server.on("PUT", "/a.ics", reply(status, body))
    assert type(failing(client(server).put("/a.ics", BODY))) is error
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("there", "asked", "etag"),
    [
        (reply(200, BODY, ETAG), ["PUT", "GET"], '"1"'),
        (reply(200, BODY), ["PUT", "GET"], None),
        (reply(200, event("other")), ["PUT", "GET", "PUT"], '"2"'),
        (reply(404), ["PUT", "GET", "PUT"], '"2"'),
        (reply(200, "<html>"), ["PUT", "GET", "PUT"], '"2"'),
        (reply(405), ["PUT", "GET", "PUT"], '"2"'),
    ],
    ids=["arrived", "arrived without etag", "something else", "not there", "page", "no get"],
)
@pytest.mark.parametrize("cut", [CUT, reply(503)], ids=["cut", "503"])
def test_after_a_cut_a_put_looks_before_it_repeats(there: Any, asked: list[str], etag: str | None, cut: Any) -> None:
    server = FakeServer()
    server.on("PUT", "/a.ics", cut, reply(201, headers={"etag": '"2"'}))
    server.on("GET", "/a.ics", there)
    assert run(client(server).put("/a.ics", BODY, if_none_match=True)) == etag
    assert [each.method for each in server.seen] == asked


def test_after_a_cut_a_caller_says_whether_what_is_there_is_what_was_sent() -> None:
    """Half of all servers write anew what they store."""
    server = FakeServer()
    rewritten = BODY.replace(b"SUMMARY", b"summary")
    server.on("PUT", "/a.ics", CUT)
    server.on("GET", "/a.ics", reply(200, rewritten, ETAG))

    def is_same(sent: bytes, there: bytes) -> bool:
        return (sent, there) == (BODY, rewritten)

    assert run(client(server).put("/a.ics", BODY, if_none_match=True, is_same=is_same)) == '"1"'
    assert [each.method for each in server.seen] == ["PUT", "GET"]


def test_a_put_gives_up_when_the_server_stays_away() -> None:
    server = FakeServer()
    server.on("PUT", "/a.ics", CUT)
    server.on("GET", "/a.ics", CUT)
    assert isinstance(failing(client(server).put("/a.ics", BODY)), dav.ServerUnreachable)
    assert [each.method for each in server.seen] == ["PUT", "GET", "GET", "GET"]


def test_a_delete_that_may_have_arrived_is_repeated_and_gone_is_good() -> None:
    server = FakeServer()
    server.on("DELETE", "/a.ics", CUT, reply(404))
    run(client(server).delete("/a.ics", if_match='"1"', headers={"X-NC-Scheduling": "false"}))
    assert server.asked() == ["DELETE /a.ics", "DELETE /a.ics"]
    assert server.seen[0].headers["if-match"] == '"1"'
    assert server.seen[0].headers["x-nc-scheduling"] == "false"


@pytest.mark.parametrize(
    ("status", "error"), [(404, dav.NotFound), (412, dav.PreconditionFailed), (403, dav.Forbidden)]
)
def test_a_delete_that_is_refused_says_so(status: int, error: type[dav.DavError]) -> None:
    server = FakeServer()
    server.on("DELETE", "/a.ics", reply(status))
    assert type(failing(client(server).delete("/a.ics"))) is error


def test_a_calendar_is_made_with_name_and_components() -> None:
    server = FakeServer()
    server.on("MKCALENDAR", "/new/", reply(201))
    run(client(server).mkcalendar("/new/", "New", ["VTODO"]))
    assert b"New" in server.seen[0].content
    assert b'name="VTODO"' in server.seen[0].content


@pytest.mark.parametrize("status", [405, 501])
def test_extended_mkcol_does_where_mkcalendar_is_not_known(status: int) -> None:
    server = FakeServer()
    server.on("MKCALENDAR", "/new/", reply(status))
    server.on("MKCOL", "/new/", reply(201))
    run(client(server).mkcalendar("/new/", "New"))
    assert server.asked() == ["MKCALENDAR /new/", "MKCOL /new/"]


def test_207_means_that_no_calendar_was_made() -> None:
    server = FakeServer()
    server.on("MKCALENDAR", "/new/", answer(response("/new/", "", "<c:schedule-calendar-transp/>")))
    error = failing(client(server).mkcalendar("/new/"))
    assert isinstance(error, dav.Refused)
    assert error.status == 207
    assert server.asked() == ["MKCALENDAR /new/"]


def test_a_calendar_that_is_there_already_is_said_by_the_first_answer() -> None:
    server = FakeServer()
    server.on("MKCALENDAR", "/new/", reply(405, "exists"))
    server.on("MKCOL", "/new/", reply(405, "also"))
    error = failing(client(server).mkcalendar("/new/"))
    assert (error.method, error.excerpt) == ("MKCALENDAR", "exists")


@pytest.mark.parametrize(
    ("there", "asked"),
    [
        (answer(response("/new/", kind("c:calendar"))), 1),
        (answer(response("/new/", kind())), 2),
        (answer(response("/new/")), 2),
        (reply(404), 2),
    ],
    ids=["made", "no collection", "no type", "not there"],
)
def test_after_a_cut_it_is_looked_whether_the_calendar_was_made(there: Any, asked: int) -> None:
    server = FakeServer()
    server.on("MKCALENDAR", "/new/", CUT, reply(201))
    server.on("PROPFIND", "/new/", there)
    run(client(server).mkcalendar("/new/"))
    assert len(server.asked("MKCALENDAR")) == asked


def test_properties_are_set_one_by_one_and_each_has_its_status() -> None:
    server = FakeServer()
    order = "{http://apple.com/ns/ical/}calendar-order"
    server.on(
        "PROPPATCH",
        "/cal/",
        answer(response("/cal/", "<d:displayname/>")),
        answer(response("/cal/", "", "<a:calendar-order/>")),
        reply(403),
        reply(409),
        answer(refused("/cal/", 403)),
        answer(),
    )
    values: dict[str, str | bytes | None] = {
        names.DISPLAYNAME: "Work",
        order: "1",
        names.CALENDAR_COLOR: None,
        names.CALENDAR_TIMEZONE: "x",
        names.CALENDAR_DESCRIPTION: "y",
        names.SCHEDULE_CALENDAR_TRANSP: dav.transparency("transparent"),
    }
    assert list(run(client(server).proppatch("/cal/", values)).values()) == [200, 404, 403, 409, 403, 200]
    assert len(server.seen) == 6


def test_properties_of_nothing_cannot_be_set() -> None:
    assert isinstance(failing(client(FakeServer()).proppatch("/cal/", {names.DISPLAYNAME: "x"})), dav.NotFound)


def test_a_resource_is_described_by_what_it_says_of_itself() -> None:
    server = FakeServer()
    server.on("PROPFIND", "/a", reply(301, headers={"location": "/b/"}))
    server.on("PROPFIND", "/b/", answer(response("/proxied/b/", kind("c:calendar"))))
    url, found = run(client(server).describe("/a", [names.RESOURCETYPE]))
    assert url == BASE + "/b/"
    assert names.RESOURCETYPE in found.found


def test_a_resource_of_which_nothing_is_said_is_a_bad_answer() -> None:
    server = FakeServer()
    server.on("PROPFIND", "/a", answer())
    assert isinstance(failing(client(server).describe("/a", [names.RESOURCETYPE])), dav.BadAnswer)
