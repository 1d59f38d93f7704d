"""Properties that clients have put at calendars: asked for by name, two requests for each home, kept as XML."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from caldav_backup import dav
from tests.dav.accounts import HOME_SET
from tests.dav.fakes import BASE, FakeServer, Reply, answer, client, kind, multistatus, response, run

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTE = '<x:note xmlns:x="urn:x" lang="de">Grüße<y/></x:note>'
KEPT = {"{urn:x}note": '<ns0:note xmlns:ns0="urn:x" lang="de">Grüße<y/></ns0:note>'.encode()}
SETTABLE = '<x:note xmlns:x="urn:x"/><o:calendar-enabled xmlns:o="http://owncloud.org/ns"/>'
COMPUTED = "<d:quota-used-bytes/><c:max-resource-size/><d:displayname/>"


class Account:
    """One home with two calendars whose properties are told by `names` and by `values`, for each question anew."""

    def __init__(self, *, names: int = 207, values: int = 207, poison: bytes = b"\0") -> None:
        self.asked: list[bytes] = []
        self.depths: list[str] = []
        self._names, self._values, self._poison = names, values, poison

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.content)
        self.depths.append(request.headers["depth"])
        if b"propname" in request.content:
            said = [response("/home/alice/", "<d:owner/>"), response("/home/alice/work/", SETTABLE + COMPUTED)]
            return httpx.Response(self._names, content=multistatus(*said))
        if self._poison in request.content:
            return httpx.Response(500)
        # One calendar under another spelling and without its final slash.
        said = [response("https://dav.example/home/%61lice/work", NOTE), response("/home/alice/other/", NOTE)]
        return httpx.Response(self._values, content=multistatus(*said))


def calendar(name: str, home: str = "/home/alice/") -> dav.Calendar:
    href = f"/home/alice/{name}/"
    return dav.Calendar(href=href, url=BASE + href, home=BASE + home)


def further(account: Reply, *calendars: dav.Calendar) -> Mapping[str, Mapping[str, bytes]]:
    async def story() -> Mapping[str, Mapping[str, bytes]]:
        async with client(account) as reader:
            return await dav.further_properties(reader, calendars)

    return run(story())


def test_further_properties_are_found_by_name_and_kept_as_xml() -> None:
    account = Account()
    assert further(account, calendar("work")) == {"/home/alice/work/": KEPT}
    assert b"calendar-enabled" in account.asked[1] and b"quota" not in account.asked[1]
    assert b"displayname" not in account.asked[1]


def test_a_home_is_asked_twice_however_many_calendars_it_has_and_none_when_none_is_wanted() -> None:
    account = Account()
    found = further(account, calendar("work"), calendar("other"), calendar("bare"))
    assert found == {"/home/alice/work/": KEPT, "/home/alice/other/": KEPT}
    assert account.depths == ["1", "1"]
    assert further(account) == {}
    assert len(account.asked) == 2


def test_a_calendar_that_was_given_by_its_own_address_is_asked_itself() -> None:
    account = Account()
    assert further(account, calendar("work", "/home/alice/work/")) == {"/home/alice/work/": KEPT}
    assert account.depths == ["0", "0"]


def test_a_server_that_cannot_name_properties_is_asked_no_more() -> None:
    account = Account(names=403)
    assert further(account, calendar("work")) == {}
    assert len(account.asked) == 1


def test_a_server_that_knows_no_names_is_asked_for_everything() -> None:
    asked: list[bytes] = []

    def davical(request: httpx.Request) -> httpx.Response:
        asked.append(request.content)
        said = response("/home/alice/work/", NOTE + COMPUTED if b"allprop" in request.content else "")
        return httpx.Response(207, content=multistatus(said))

    assert further(davical, calendar("work")) == {"/home/alice/work/": KEPT}
    assert len(asked) == 2


def test_a_property_that_the_server_fails_at_takes_no_other_with_it() -> None:
    account = Account(poison=b"calendar-enabled")
    assert further(account, calendar("work")) == {"/home/alice/work/": KEPT}
    # Two of them failed, and were asked once more.
    assert len(account.asked) == 6


def test_discovery_leaves_them_alone() -> None:
    server = FakeServer()
    server.on("PROPFIND", "/", answer(response("/", kind("d:x") + HOME_SET)))
    server.on("PROPFIND", "/home/alice/", answer(response("/home/alice/", kind("d:x"))))
    run(dav.discover(client(server)))
    assert not any(b"propname" in each.content for each in server.seen)
