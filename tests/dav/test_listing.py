from __future__ import annotations

import pytest

from caldav_backup import dav
from tests.dav.fakes import (
    CALENDAR,
    FakeServer,
    answer,
    client,
    kind,
    listed,
    multistatus,
    refused,
    reply,
    response,
    run,
)

OWN = response("/cal/", kind("c:calendar"))


def versions(*responses: str) -> list[dav.Version]:
    server = FakeServer()
    server.on("PROPFIND", "/cal/", answer(*responses))
    found = run(client(server).list_versions(CALENDAR))
    assert server.seen[0].headers["depth"] == "1"
    return found


def names_of(*responses: str) -> list[str]:
    return [version.href for version in versions(*responses)]


def test_a_listing_has_etag_time_and_length_as_the_server_wrote_them() -> None:
    date = "Sun, 22 Nov 2026 18:11:01 GMT"
    more = f"<d:getlastmodified>{date}</d:getlastmodified>"
    assert versions(OWN, listed("a%40b.ics", 'W/"1-gzip"', 206, more), listed("b.ics", "")) == [
        dav.Version("/cal/a%40b.ics", 'W/"1-gzip"', date, 206),
        dav.Version("/cal/b.ics"),
    ]


def test_an_empty_calendar_lists_itself() -> None:
    assert versions(OWN) == []


def test_collections_and_other_things_are_left_out() -> None:
    def of_type(name: str, content_type: str) -> str:
        return listed(name, more=f"<d:getcontenttype>{content_type}</d:getcontenttype>")

    assert names_of(
        OWN,
        response("/cal/sub/", kind("c:calendar")),
        response("/cal/sub.ics", kind("c:calendar")),
        of_type("a.ics", "text/calendar; charset=utf-8"),
        of_type("b", "TEXT/CALENDAR"),
        of_type("c.txt", "application/octet-stream"),  # Xandikos 0.4
        of_type("d", ""),
        of_type("e.ICS", "text/plain"),
        of_type("f.html", "text/html"),
        of_type("g.vcf", "text/vcard"),
        refused("/cal/gone.ics", 404),
        refused("/cal/denied.ics", 403),
    ) == ["/cal/a.ics", "/cal/b", "/cal/c.txt", "/cal/d", "/cal/e.ICS", "/cal/denied.ics"]


def test_the_collection_is_recognised_in_any_spelling() -> None:
    assert names_of(response("https://DAV.example/%63al", kind("c:calendar")), listed("a.ics")) == ["/cal/a.ics"]


def test_a_member_listed_twice_counts_once() -> None:
    assert versions(OWN, listed("a%40.ics", '"1"'), listed("a@.ics", '"2"')) == [dav.Version("/cal/a@.ics", '"2"')]


@pytest.mark.parametrize(("text", "length"), [("12", 12), ("", -1), ("0", -1), ("-3", -1), ("1e3", -1), ("٣", -1)])
def test_lengths_that_say_nothing_are_unknown(text: str, length: int) -> None:
    more = f"<d:getcontentlength>{text}</d:getcontentlength>"
    assert versions(OWN, listed("a.ics", more=more))[0].content_length == length


def failing(*responses: str) -> dav.DavError:
    with pytest.raises(dav.DavError) as caught:
        versions(*responses)
    return caught.value


def test_a_list_of_nothing_at_all_is_not_an_empty_calendar() -> None:
    assert "lists nothing" in str(failing())


def test_a_list_that_was_cut_short_is_not_a_list() -> None:
    assert isinstance(failing(listed("a.ics"), refused("/cal/", 507)), dav.BadAnswer)


def test_members_without_the_calendar_that_they_belong_to_are_not_a_list() -> None:
    assert "without the calendar" in str(failing(listed("a.ics"), listed("b.ics")))


def test_a_proxy_may_show_the_calendar_at_another_path() -> None:
    inside = response("/behind/cal/a.ics", kind())
    assert names_of(response("/behind/cal/", kind("c:calendar")), inside) == ["/behind/cal/a.ics"]


@pytest.mark.parametrize("status", [401, 403, 423, 500, 503])
def test_a_member_that_fails_alone_is_there_with_nothing_known_of_it(status: int) -> None:
    failed = refused("/cal/a.ics", status)
    parts = f"<d:propstat><d:prop><d:getetag/></d:prop><d:status>HTTP/1.1 {status} No</d:status></d:propstat>"
    partly = f"<d:response><d:href>/cal/b.ics</d:href>{parts}</d:response>"
    assert versions(OWN, failed, partly) == [dav.Version("/cal/a.ics"), dav.Version("/cal/b.ics")]


@pytest.mark.parametrize("status", [404, 410])
def test_a_member_that_is_listed_as_gone_is_not_there(status: int) -> None:
    assert versions(OWN, refused("/cal/a.ics", status)) == []


def test_a_listing_is_as_old_as_its_answer_says() -> None:
    date = "Sun, 22 Nov 2026 18:11:01 GMT"
    server = FakeServer()
    server.on("PROPFIND", "/cal/", reply(207, multistatus(OWN), {"date": date}), answer(OWN))
    assert run(client(server).listing(CALENDAR)) == dav.Listing([], date)
    assert run(client(server).listing(CALENDAR)) == dav.Listing([], "")


@pytest.mark.parametrize(("status", "error"), [(404, dav.NotFound), (403, dav.Forbidden), (500, dav.Refused)])
def test_a_207_that_says_the_calendar_is_not_there_says_so(status: int, error: type[dav.DavError]) -> None:
    assert type(failing(refused("https://dav.example/cal/", status))) is error


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        (b"<html>Sign in</html>", "text/html; charset=utf-8", "web page"),
        (b"<html>Sign in</html>", "application/xml", "no multistatus"),
        (b"", "application/xml", "ends in the middle"),
        (b"{}", "application/json", "not XML"),
    ],
)
def test_a_login_page_is_no_empty_calendar(body: bytes, content_type: str, text: str) -> None:
    server = FakeServer()
    server.on("PROPFIND", "/cal/", reply(200, body, {"content-type": content_type}))
    with pytest.raises(dav.BadAnswer, match=text):
        run(client(server).list_versions(CALENDAR))


def test_a_listing_cut_in_the_middle_is_asked_again_from_the_start() -> None:
    server = FakeServer()
    whole = multistatus(OWN, listed("a.ics"), listed("b.ics"))
    server.on("PROPFIND", "/cal/", reply(207, whole[:-30]), reply(207, whole))
    assert len(run(client(server).list_versions(CALENDAR))) == 2


def test_a_listing_follows_a_redirection_and_takes_its_names_from_there() -> None:
    server = FakeServer()
    server.on("PROPFIND", "/cal/", reply(301, headers={"location": "/moved/"}))
    server.on("PROPFIND", "/moved/", answer(response("/moved/", kind("c:calendar")), response("a.ics", kind())))
    assert [each.href for each in run(client(server).list_versions(CALENDAR))] == ["/moved/a.ics"]
