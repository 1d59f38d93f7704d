"""How many requests it takes to find the calendars of the six real servers, and what becomes of other people's."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from caldav_backup import dav
from caldav_backup.dav import hrefs
from tests.dav.fakes import run
from tests.servers.server import Server, make_calendar

#: What it costs more to begin at the address of the host alone: SOGo shows a web page there, and at the well-known one.
_DETOURS = {"sogo": 2}


def discover(server: Server, url: str, *, hint: str = "") -> tuple[dav.Discovery, int]:
    """What there is, and how many requests it took."""

    async def story() -> tuple[dav.Discovery, int]:
        login = dav.BasicAuthentication(server.user, server.password) if server.user else None
        async with dav.Client(dav.Transport(url, login)) as client:
            return await dav.discover(client, hint=hint), client.transport.requests

    return run(story())


def paths(found: Iterable[dav.Calendar]) -> list[str]:
    return sorted(hrefs.normalise(each.href) for each in found)


def test_the_calendars_are_found_from_everywhere_with_few_requests(each_server: Server) -> None:
    calendar = make_calendar(each_server, "work", displayname="Work")
    whole, cost = discover(each_server, each_server.url)
    assert hrefs.normalise(hrefs.path_of(calendar)) in paths(whole.calendars)
    assert cost <= 3
    assert whole.principal is not None
    for url, most in (
        (each_server.home, 3),
        (whole.principal.url, 2),
        (whole.principal.url.rstrip("/"), 3),
        (hrefs.origin_of(each_server.url) + "/", 3 + _DETOURS.get(each_server.name, 0)),
    ):
        found, cost = discover(each_server, url)
        assert (paths(found.calendars), found.unreadable) == (paths(whole.calendars), ()), url
        assert cost <= most, url
    alone, cost = discover(each_server, calendar)
    assert (paths(alone.calendars), alone.hint, cost) == ([hrefs.normalise(hrefs.path_of(calendar))], "", 2)


def test_a_hint_makes_it_two_requests_everywhere(each_server: Server) -> None:
    make_calendar(each_server, "work")
    whole, _ = discover(each_server, each_server.url)
    start = hrefs.origin_of(each_server.url) + "/"
    again, cost = discover(each_server, start, hint=whole.hint)
    assert paths(again.calendars) == paths(whole.calendars)
    assert cost == 2
    other, _ = discover(each_server, each_server.url, hint=each_server.home + "nobody/")
    assert paths(other.calendars) == paths(whole.calendars)


@pytest.mark.full
def test_inboxes_and_their_like_are_no_calendars_anywhere(each_server: Server) -> None:
    make_calendar(each_server, "work")
    found, _ = discover(each_server, each_server.url)
    names = {(hrefs.segments(each.href) or [""])[-1].lower() for each in found.calendars}
    assert not names & {"inbox", "outbox", ".in", ".out", "addresses", "calendar-proxy-read", "work.ics", "work.xml"}


_GRANT = """<?xml version="1.0"?><d:propertyupdate xmlns:d="DAV:"><d:set><d:prop><d:group-member-set>
<d:href>{}</d:href></d:group-member-set></d:prop></d:set></d:propertyupdate>"""


@pytest.mark.full
@pytest.mark.parametrize("name", ["sabredav", "davical"])
def test_calendars_that_another_person_has_delegated_are_found(name: str, request: pytest.FixtureRequest) -> None:
    server: Server = request.getfixturevalue(name)
    other = server._replace(
        user=server.other_user, home=server.home.replace(f"/{server.user}/", f"/{server.other_user}/")
    )
    theirs = make_calendar(other, "theirs")
    own, _ = discover(server, server.url)
    lender, _ = discover(other, server.url)
    assert own.principal is not None and lender.principal is not None
    grant = _GRANT.format(own.principal.href).encode()
    group = hrefs.collection(lender.principal.url) + "calendar-proxy-read/"
    other.expect("PROPPATCH", group, grant, {"content-type": "application/xml"})
    found, _ = discover(server, server.url)
    delegated = {hrefs.normalise(each.href): each.owner for each in found.calendars}
    assert delegated.keys() == {*paths(own.calendars), *paths(lender.calendars)}
    owner = delegated[hrefs.normalise(hrefs.path_of(theirs))]
    assert owner is not None and hrefs.same_resource(owner, lender.principal.href)
    assert found.unreadable == ()
