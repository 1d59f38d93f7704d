"""Ways to an account that begin elsewhere: usual addresses, redirections of proxies, and what was found before."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from caldav_backup import dav
from tests.dav.accounts import HOME_SET, HTML, PRINCIPAL, STRANGER, WORK, account, failing, home, urls
from tests.dav.fakes import BASE, FakeServer, Reply, answer, client, failure, kind, reply, response, run

HINT = BASE + "/principals/alice/"


def discover(server: FakeServer, url: str = BASE + "/", *, hint: str = "", base: str = "") -> dav.Discovery:
    async def story() -> dav.Discovery:
        async with client(server, base=base or url) as account:
            return await dav.discover(account, url, hint=hint)

    return run(story())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", ["/dav/", BASE + "/dav/", "http://dav.example/dav/", "../dav/"])
def test_every_redirection_of_the_well_known_address_is_followed(status: int, target: str) -> None:
    server = account(WORK)
    server.on("PROPFIND", "/", HTML)
    server.on("PROPFIND", "/.well-known/caldav", reply(status, headers={"location": target}))
    assert urls(discover(server)) == [BASE + "/home/alice/work/"]


def test_a_proxy_that_loses_the_port_is_asked_at_its_own() -> None:
    nas = "https://nas.example:5001"
    server = FakeServer()
    server.on("PROPFIND", nas + "/", reply(404))
    server.on("PROPFIND", nas + "/.well-known/caldav", reply(301, headers={"location": "https://nas.example/dav/"}))
    server.on("PROPFIND", nas + "/dav/", answer(response("/dav/", kind("d:x") + HOME_SET)))
    server.on("PROPFIND", nas + "/home/alice/", home(response("/home/alice/", kind("d:x")), WORK))
    assert urls(discover(server, nas + "/")) == [nas + "/home/alice/work/"]


@pytest.mark.parametrize("nothing", [HTML, reply(404), reply(405), reply(403)], ids=["page", "404", "405", "403"])
def test_a_server_behind_a_website_is_found_at_its_usual_address(nothing: Reply) -> None:
    server = account(WORK)
    for path in ("/", "/.well-known/caldav", "/SOGo/dav/"):
        server.on("PROPFIND", path, nothing)
    server.on("PROPFIND", "/remote.php/dav/", answer(response("/remote.php/dav/", kind("d:x") + PRINCIPAL)))
    assert urls(discover(server)) == [BASE + "/home/alice/work/"]


def test_usual_addresses_are_not_tried_where_another_was_given() -> None:
    server = account(WORK)
    server.on("PROPFIND", "/app/", HTML)
    error = failing(server, "/app/")
    assert isinstance(error, dav.NotCalDAV)
    assert server.asked() == ["PROPFIND /app/", "PROPFIND /.well-known/caldav", "PROPFIND /"]


def test_a_website_that_forbids_everything_says_so() -> None:
    server = FakeServer()
    server.on("PROPFIND", "/", reply(403))
    assert isinstance(failing(server), dav.Forbidden)
    assert len(server.seen) == 8


def test_a_login_that_is_refused_at_a_usual_address_is_told() -> None:
    server = FakeServer()
    server.on("PROPFIND", "/remote.php/dav/", reply(401))
    error = failing(server)
    assert isinstance(error, dav.Unauthorized)
    assert error.href == "/remote.php/dav/"


def test_a_hint_leaves_the_search_out() -> None:
    server = account(WORK)
    server.on("PROPFIND", "/", HTML)
    server.on("PROPFIND", "/.well-known/caldav", reply(301, headers={"location": "/dav/"}))
    found = discover(server)
    assert (found.hint, len(server.seen)) == (HINT, 5)
    server.seen.clear()
    assert discover(server, hint=found.hint) == found
    assert server.asked() == ["PROPFIND /principals/alice/", "PROPFIND /home/alice/"]


BOB = "<d:current-user-principal><d:href>/principals/bob/</d:href></d:current-user-principal>"


@pytest.mark.parametrize(
    "hinted",
    [
        reply(403),
        reply(404),
        reply(500),
        HTML,
        answer(response("/principals/old/", kind("d:principal") + PRINCIPAL + HOME_SET)),
        answer(response("/principals/old/", kind("d:principal") + BOB + HOME_SET)),
        answer(response("/principals/old/", kind("d:principal") + HOME_SET)),
        answer(response("/principals/old/", kind("d:principal"))),
    ],
    ids=["403", "404", "500", "page", "somebody else's", "another's", "nobody's", "without homes"],
)
def test_a_hint_that_leaves_a_doubt_is_not_followed(hinted: Reply) -> None:
    server = account(WORK)
    server.on("PROPFIND", "/principals/old/", hinted)
    found = discover(server, BASE + "/dav/", hint=BASE + "/principals/old/")
    assert (urls(found), found.hint) == ([BASE + "/home/alice/work/"], HINT)


@pytest.mark.parametrize(
    ("hinted", "error"),
    [
        (reply(401), dav.Unauthorized),
        (answer(response("/principals/alice/", kind("d:principal") + STRANGER)), dav.Unauthorized),
        (failure(httpx.ConnectError("gone")), dav.ServerUnreachable),
        (reply(503), dav.Unavailable),
    ],
    ids=["401", "stranger", "away", "503"],
)
def test_a_refused_login_and_a_dead_server_are_no_doubt_about_the_hint(
    hinted: Callable[[httpx.Request], httpx.Response], error: type[dav.DavError]
) -> None:
    server = FakeServer()
    server.on("PROPFIND", "/principals/alice/", hinted)
    assert type(failing_with_hint(server)) is error
    assert set(server.asked()) == {"PROPFIND /principals/alice/"}


def failing_with_hint(server: FakeServer) -> dav.DavError:
    with pytest.raises(dav.DavError) as caught:
        discover(server, hint=HINT)
    return caught.value


@pytest.mark.parametrize("gone", [reply(401), failure(httpx.ConnectError("gone"))], ids=["401", "away"])
def test_a_partition_that_an_account_has_left_is_only_a_hint(gone: Reply) -> None:
    apple, old, new = "https://caldav.icloud.com", "https://p12-caldav.icloud.com", "https://p34-caldav.icloud.com"
    server = FakeServer()
    server.on("PROPFIND", old + "/1/principal/", gone)
    named = f"<d:current-user-principal><d:href>{new}:443/1/principal/</d:href></d:current-user-principal>"
    home_set = f"<c:calendar-home-set><d:href>{new}:443/1/calendars/</d:href></c:calendar-home-set>"
    server.on("PROPFIND", apple + "/", answer(response("/", kind("d:x") + named)))
    server.on("PROPFIND", new + "/1/principal/", answer(response("/1/principal/", kind("d:principal") + home_set)))
    below = response("/1/calendars/work/", kind("c:calendar"))
    server.on("PROPFIND", new + "/1/calendars/", home(response("/1/calendars/", kind("d:x")), below))
    found = discover(server, apple + "/", hint=old + "/1/principal/")
    assert urls(found) == [new + "/1/calendars/work/"]


@pytest.mark.parametrize("hint", ["https://evil.example/principals/alice/", "http://dav.example/principals/alice/"])
def test_a_hint_at_another_host_is_never_asked(hint: str) -> None:
    server = account(WORK)
    assert urls(discover(server, BASE + "/dav/", hint=hint)) == [BASE + "/home/alice/work/"]
    assert all(each.url.host == "dav.example" and each.url.scheme == "https" for each in server.seen)


def test_one_calendar_and_one_home_leave_no_hint_to_more() -> None:
    more = "<d:href>/home/team/</d:href></c:calendar-home-set>"
    server = account(WORK, home_set=HOME_SET.replace("</c:calendar-home-set>", more))
    own = response("/home/alice/work/", kind("c:calendar") + PRINCIPAL)
    server.on("PROPFIND", "/home/alice/work/", home(own))
    for url in ("/home/alice/work/", "/home/alice/"):
        found = discover(server, BASE + url)
        assert (urls(found), found.hint) == ([BASE + "/home/alice/work/"], "")
    assert "PROPFIND /home/team/" not in server.asked()
