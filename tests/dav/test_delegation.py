"""Calendars of other people: delegated to the account, or named by its server at places that are not to be trusted."""

from __future__ import annotations

import pytest

from caldav_backup import dav
from tests.dav.accounts import HOME_SET, PRINCIPAL, WORK, account, discover, failing, home, urls
from tests.dav.fakes import BASE, FakeServer, Reply, answer, client, kind, reply, response, run

READ_FOR = "<cs:calendar-proxy-read-for>{}</cs:calendar-proxy-read-for>"
WRITE_FOR = "<cs:calendar-proxy-write-for>{}</cs:calendar-proxy-write-for>"
EVIL = "https://evil.example"


def href(url: str) -> str:
    return f"<d:href>{url}</d:href>"


def secretary(*delegators: str) -> FakeServer:
    """Alice, to whom these principals have delegated their calendars."""
    return account(WORK, principal=READ_FOR.format("".join(map(href, delegators))))


def delegator(server: FakeServer, name: str, more: str = "", *, inside: str = "") -> None:
    """A principal and a home with one calendar; `more` are properties of the principal, `inside` of the calendar."""
    home_set = HOME_SET.replace("alice", name)
    server.on(
        "PROPFIND",
        f"/principals/{name}",
        answer(response(f"/principals/{name}", kind("d:principal") + home_set + more)),
    )
    calendar = response(f"/home/{name}/plan/", kind("c:calendar") + inside)
    box = response(f"/home/{name}/.in/", kind("c:calendar"))
    server.on("PROPFIND", f"/home/{name}/", home(response(f"/home/{name}/", kind("d:x")), calendar, box))


def test_delegated_calendars_are_found_with_their_owner() -> None:
    server = secretary("/principals/bob", "/principals/carol", "/principals/alice/")
    box = "<c:schedule-inbox-URL><d:href>/home/bob/.in/</d:href></c:schedule-inbox-URL>"
    delegator(server, "bob", box)
    delegator(server, "carol", inside="<d:owner><d:href>/people/carol/</d:href></d:owner>")
    found = discover(server, "/dav/")
    assert {each.url: each.owner for each in found.calendars} == {
        BASE + "/home/alice/work/": None,
        BASE + "/home/bob/plan/": "/principals/bob",
        BASE + "/home/carol/plan/": "/people/carol/",
        BASE + "/home/carol/.in/": "/principals/carol",
    }
    assert [each.reason for each in found.left_out] == ["an inbox or outbox for invitations"]
    assert found.principal is not None and found.principal.href == "/principals/alice/"
    assert found.homes == (BASE + "/home/alice/", BASE + "/home/bob/", BASE + "/home/carol/")
    assert len(server.seen) == 4 + 4


def test_somebody_who_lets_us_read_and_write_is_asked_once() -> None:
    both = READ_FOR.format(href("/principals/bob/")) + WRITE_FOR.format(href("/principals/bob"))
    server = account(WORK, principal=both)
    delegator(server, "bob")
    assert len(discover(server, "/dav/").calendars) == 3
    assert server.asked().count("PROPFIND /principals/bob") == 1


@pytest.mark.parametrize(
    ("refusal", "is_missing"), [(reply(403), False), (reply(404), False), (reply(500), True)], ids=["403", "404", "500"]
)
def test_delegated_calendars_that_may_not_be_seen_are_left_out_and_broken_ones_reported(
    refusal: Reply, is_missing: bool
) -> None:
    server = secretary("/principals/bob")
    server.on("PROPFIND", "/principals/bob", refusal)
    found = discover(server, "/dav/")
    assert urls(found) == [BASE + "/home/alice/work/"]
    reported = found.unreadable if is_missing else found.left_out
    assert [(each.href, each.name) for each in reported] == [("/principals/bob", "delegated calendars")]
    assert len(found.unreadable) + len(found.left_out) == 1


@pytest.mark.full
def test_a_directory_of_a_whole_company_is_no_delegation() -> None:
    server = secretary(*(f"/principals/p{number:03}" for number in range(203)))
    found = discover(server, "/dav/")
    assert len(server.seen) == 4 + 200
    assert [each.href for each in found.unreadable] == [f"/principals/p{number}" for number in (200, 201, 202)]


def test_an_own_home_that_was_given_means_no_calendars_of_others() -> None:
    server = secretary("/principals/bob")
    delegator(server, "bob")
    assert urls(discover(server, "/home/alice/")) == [BASE + "/home/alice/work/"]
    assert urls(discover(server, "/home/bob/")) == [BASE + "/home/bob/plan/", BASE + "/home/bob/.in/"]


def test_homes_and_people_at_strange_hosts_are_reported_and_never_asked() -> None:
    more = href(f"{EVIL}/home/") + "</c:calendar-home-set>"
    home_set = HOME_SET.replace("</c:calendar-home-set>", more)
    server = account(WORK, home_set=home_set, principal=READ_FOR.format(href(f"{EVIL}/principals/bob/")))
    found = discover(server, "/dav/")
    assert urls(found) == [BASE + "/home/alice/work/"]
    assert [each.href for each in found.unreadable] == ["/home/"]
    assert f"make {EVIL} the location" in found.unreadable[0].reason
    assert [each.href for each in found.left_out] == ["/principals/bob/"]
    assert all(each.url.host == "dav.example" for each in server.seen)


@pytest.mark.parametrize(
    "said",
    [
        f"<d:current-user-principal>{href(EVIL + '/principals/alice/')}</d:current-user-principal>",
        f"<c:calendar-home-set>{href(EVIL + '/home/')}</c:calendar-home-set>",
        PRINCIPAL.replace("/principals/", "http://dav.example.evil.example/principals/"),
    ],
    ids=["principal", "home", "longer name"],
)
def test_an_account_that_lies_elsewhere_is_not_followed(said: str) -> None:
    server = FakeServer()
    server.on("PROPFIND", "/", answer(response("/", kind("d:x") + said)))
    error = failing(server)
    assert isinstance(error, dav.OtherHost)
    assert "evil.example the location" in str(error) and "\n" not in str(error)
    assert len(server.seen) == 1


def test_partitions_of_one_provider_are_followed_and_no_names_that_look_like_them() -> None:
    apple = "https://caldav.icloud.com"
    for host, is_followed in (("p12-caldav.icloud.com", True), ("p12-caldav.icloud.com.evil.example", False)):
        said = f"<c:calendar-home-set>{href(f'https://{host}:443/1/calendars/')}</c:calendar-home-set>"
        server = FakeServer()
        server.on("PROPFIND", apple + "/", answer(response("/", kind("d:x") + said)))
        own = response("/1/calendars/", kind("d:x"))
        server.on("PROPFIND", f"https://{host}/1/calendars/", home(own, response("work/", kind("c:calendar"))))
        if is_followed:
            assert urls(discover(server, base=apple + "/")) == [f"https://{host}/1/calendars/work/"]
        else:
            assert isinstance(failing(server, base=apple + "/"), dav.OtherHost)
        assert all("authorization" in each.headers for each in server.seen)


def test_calendars_of_others_are_left_alone_where_only_the_own_ones_are_wanted() -> None:
    server = secretary("/principals/bob")
    delegator(server, "bob")

    async def story() -> dav.Discovery:
        async with client(server, base=BASE + "/dav/") as own:
            return await dav.discover(own, of_others=False)

    assert urls(run(story())) == [BASE + "/home/alice/work/"]
    assert "PROPFIND /principals/bob" not in server.asked()
