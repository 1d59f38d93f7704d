from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import httpx
import pytest

from caldav_backup import dav
from tests.dav.calendar import TEXT, Calendar, fetch, hrefs_of, objects, versions_of
from tests.dav.fakes import (
    FakeServer,
    Waits,
    answer,
    event,
    failure,
    kind,
    refused,
    reply,
    response,
    version,
    with_data,
)


def test_batches_have_two_hundred_members_at_most_and_keep_the_order() -> None:
    calendar = Calendar(objects(250))
    versions = versions_of(calendar)[::-1]
    fetched = fetch(calendar, *versions)
    assert calendar.batches == [200, 50]
    assert [each.version for each in fetched if isinstance(each, dav.Resource)] == versions
    assert [each.content for each in fetched if isinstance(each, dav.Resource)] == list(calendar.objects.values())[::-1]
    assert calendar.gets == []


def test_one_member_is_fetched_by_get() -> None:
    calendar = Calendar(objects(1))
    assert fetch(calendar, version("0.ics")) == [dav.Resource(version("0.ics"), event("0"))]
    assert (calendar.batches, calendar.gets) == ([], ["/cal/0.ics"])


def test_nothing_wanted_nothing_asked() -> None:
    calendar = Calendar({})
    assert fetch(calendar) == []
    assert not calendar.batches
    assert not calendar.gets


def test_large_members_are_no_part_of_a_batch() -> None:
    calendar = Calendar(objects(6))
    sizes = [100, 2_000_000, 100, 1_048_577, 1_048_576, 100]
    fetched = fetch(calendar, *(version(f"{number}.ics", length=size) for number, size in enumerate(sizes)))
    assert all(isinstance(each, (dav.Resource)) for each in fetched)
    assert {"/cal/1.ics", "/cal/3.ics"} <= set(calendar.gets)
    assert calendar.batches == [4]


def test_a_batch_holds_eight_mebibytes_as_far_as_is_known() -> None:
    calendar = Calendar(objects(20))
    fetch(calendar, *(version(f"{number}.ics", etag='"other"', length=1_000_000) for number in range(20)))
    assert calendar.batches == [8, 8, 4]


@pytest.mark.parametrize("status", [404, 410, 413, 500, 507, 400, 403, 409])
def test_a_refused_batch_is_halved_down_to_its_cause(status: int) -> None:
    bad = "/cal/13.ics"
    calendar = Calendar(objects(100), lambda batch: httpx.Response(status) if bad in batch else None)
    fetched = fetch(calendar, *versions_of(calendar))
    assert [each.content for each in fetched if isinstance(each, dav.Resource)] == list(calendar.objects.values())
    assert bad in calendar.gets
    assert len(calendar.gets) <= 3
    assert len(calendar.batches) <= 14


def test_a_batch_that_is_not_well_formed_xml_is_halved() -> None:
    content = event("13", "bell \x07")
    calendar = Calendar(objects(100) | {"/cal/13.ics": content})
    fetched = fetch(calendar, *versions_of(calendar))
    assert fetched[13] == dav.Resource(version("13.ics"), content)
    assert all(isinstance(each, dav.Resource) for each in fetched)
    assert len(calendar.gets) <= 3


def test_a_batch_above_the_limit_is_halved() -> None:
    calendar = Calendar(objects(8))
    limits = dav.Limits(batch=len(event("0")) * 3)
    assert all(isinstance(each, dav.Resource) for each in fetch(calendar, *versions_of(calendar), limits=limits))
    assert calendar.batches == [8, 4, 4, 2, 2, 2, 2]


def test_a_gateway_that_waits_too_long_gets_smaller_batches() -> None:
    calendar = Calendar(objects(8), lambda batch: httpx.Response(504) if len(batch) > 4 else None)
    waits = Waits()
    assert all(isinstance(each, dav.Resource) for each in fetch(calendar, *versions_of(calendar), waits=waits))
    assert calendar.checks == 1
    assert waits == []


@pytest.mark.parametrize(
    "refusal",
    [
        httpx.Response(405),
        httpx.Response(501),
        httpx.Response(403, text='<error xmlns="DAV:"><supported-report/></error>'),
    ],
    ids=["405", "501", "403"],
)
def test_a_server_without_the_report_is_not_asked_for_it_again(refusal: httpx.Response) -> None:
    calendar = Calendar(objects(250), lambda _: refusal)
    assert all(isinstance(each, dav.Resource) for each in fetch(calendar, *versions_of(calendar)))
    assert calendar.batches == [200]
    assert len(calendar.gets) == 250


def test_a_calendar_that_is_gone_is_said_at_once() -> None:
    server = FakeServer()
    with pytest.raises(dav.NotFound):
        fetch(server, *(version(f"{number}.ics") for number in range(100)))
    assert server.asked() == ["REPORT /cal/", "PROPFIND /cal/"]


def test_a_server_that_went_away_ends_it() -> None:
    server = FakeServer()
    server.on("REPORT", "/cal/", failure(httpx.ConnectError("refused")))
    server.on("PROPFIND", "/cal/", failure(httpx.ConnectError("refused")))
    with pytest.raises(dav.ServerUnreachable):
        fetch(server, *(version(f"{number}.ics") for number in range(100)))


@pytest.mark.parametrize(("status", "kind_"), [(401, dav.Unauthorized), (429, dav.TooManyRequests)])
@pytest.mark.parametrize("count", [1, 3])
def test_what_concerns_the_account_ends_it(status: int, kind_: type[dav.DavError], count: int) -> None:
    with pytest.raises(kind_):
        fetch(lambda _: httpx.Response(status), *(version(f"{number}.ics") for number in range(count)))


def two(first: str, *, get: bytes | None = None, listed: dav.Version | None = None) -> tuple[dav.Fetched, FakeServer]:
    """What comes of the first of two members, when a multiget says `first` of it and GET gives `get`."""
    server = FakeServer()
    server.on("REPORT", "/cal/", answer(first, with_data("/cal/b.ics", event("b"))))
    if get is not None:
        server.on("GET", "/cal/a.ics", reply(200, get, TEXT))
    fetched = fetch(server, listed or version("a.ics"), version("b.ics"))
    assert fetched[1] == dav.Resource(version("b.ics"), event("b"))
    return fetched[0], server


@pytest.mark.parametrize(
    "said",
    [
        refused("/cal/a.ics", 404),
        refused("/cal/a.ics", 403),
        response("/cal/a.ics", "<d:getetag>1</d:getetag>"),
        response("/cal/a.ics", "", "<c:calendar-data/>"),
        with_data("/cal/a.ics", b""),
        with_data("/cal/a.ics", b"<html>Busy</html>"),
        with_data("/elsewhere.ics", event("a")),
        with_data("/cal/a.ics", event("a"), length=1),
        "",
    ],
    ids=["404", "403", "no data", "data 404", "empty", "page", "other", "length", "left out"],
)
def test_what_a_batch_leaves_out_or_garbles_is_fetched_alone(said: str) -> None:
    found, server = two(said, get=event("a"))
    assert found == dav.Resource(version("a.ics"), event("a"))
    assert server.asked("GET") == ["GET /cal/a.ics"]


def test_line_ends_that_xml_lost_are_known_by_the_length() -> None:
    content = event("a", newline="\n")
    found, _ = two(with_data("/cal/a.ics", content, length=len(content)), get=content)
    assert found == dav.Resource(version("a.ics"), content)


def test_a_length_that_only_the_listing_gave_counts_for_the_same_etag() -> None:
    content = event("a", newline="\n")
    listed = version("a.ics", '"1"', len(content))
    found, _ = two(with_data("/cal/a.ics", content, length=0), get=content, listed=listed)  # Radicale 3.9
    assert found == dav.Resource(listed, content)
    weak = with_data("/cal/a.ics", content, etag='W/"1-gzip"', length=0)
    assert two(weak, get=content, listed=listed)[0] == dav.Resource(listed, content)
    newer = with_data("/cal/a.ics", event("a", "new"), etag='"2"')
    found, server = two(newer, listed=listed)
    assert found == dav.Resource(version("a.ics", '"2"', len(event("a", "new"))), event("a", "new"))
    assert server.asked("GET") == []


def test_a_length_that_agrees_needs_no_second_request() -> None:
    found, server = two(with_data("/cal/a.ics", event("a"), length=len(event("a"))))
    assert found == dav.Resource(version("a.ics"), event("a"))
    assert server.asked("GET") == []


def test_a_character_that_xml_cannot_carry_may_leave_the_length_as_it_was() -> None:
    content, shown = event("a", "\ufffe"), event("a", "\ufffd")  # DAViCal 1.1
    found, _ = two(with_data("/cal/a.ics", shown, length=len(shown)), get=content)
    assert found == dav.Resource(version("a.ics"), content)


@pytest.mark.parametrize("spelling", ["a@ü.ics", "a%40%c3%bc.ics", "https://h/cal/a@%C3%BC.ics", "/c%61l/a%40ü.ics"])
def test_members_are_recognised_in_any_spelling(spelling: str) -> None:
    server = FakeServer()
    server.on("REPORT", "/cal/", answer(with_data(spelling, event("a")), with_data("colon:x.ics", event("x"))))
    wanted = [version(quote("a@ü.ics", safe="")), version("colon:x.ics")]
    assert fetch(server, *wanted) == [dav.Resource(wanted[0], event("a")), dav.Resource(wanted[1], event("x"))]
    assert hrefs_of(server.seen[0]) == ["/cal/a%40%C3%BC.ics", "/cal/colon:x.ics"]


def test_question_marks_and_hashes_belong_to_a_name() -> None:
    server = FakeServer()
    said = [with_data("/cal/q?#.ics", event("q")), with_data("https://dav.example/cal/a%2540b.ics", event("a"))]
    server.on("REPORT", "/cal/", answer(*said))  # DAViCal 1.1 and Cyrus 3.6 do not escape the first
    wanted = [version("q%3F%23.ics"), version("a%2540b.ics")]
    assert fetch(server, *wanted) == [dav.Resource(wanted[0], event("q")), dav.Resource(wanted[1], event("a"))]


def test_a_path_that_is_encoded_twice_names_something_else_and_is_asked_for_alone() -> None:
    server = FakeServer()
    server.on(
        "REPORT", "/cal/", answer(with_data("/cal/a%2520b.ics", event("other")), with_data("/cal/b.ics", event("b")))
    )
    server.on("GET", "/cal/a%20b.ics", reply(200, event("a"), TEXT))
    fetched = fetch(server, version("a%20b.ics"), version("b.ics"))
    assert fetched[0] == dav.Resource(version("a%20b.ics"), event("a"))


def test_a_member_said_twice_counts_with_its_data() -> None:
    server = FakeServer()
    said = [refused("/cal/a.ics", 404), with_data("/cal/a.ics", event("a")), refused("/cal/a.ics", 404)]
    server.on("REPORT", "/cal/", answer(*said, with_data("/cal/b.ics", event("b"))))
    assert fetch(server, version("a.ics"), version("b.ics"))[0] == dav.Resource(version("a.ics"), event("a"))


def test_a_version_asked_twice_is_answered_twice() -> None:
    calendar = Calendar(objects(2))
    fetched = fetch(calendar, version("0.ics"), version("1.ics"), version("0.ics"))
    assert fetched[0] == fetched[2]
    assert calendar.batches == [2]


def alone(*replies: Callable[[httpx.Request], httpx.Response], listed: dav.Version | None = None) -> dav.Fetched:
    server = FakeServer()
    server.on("GET", "/cal/a.ics", *replies)
    server.on("PROPFIND", "/cal/", answer(response("/cal/", kind("c:calendar"))))
    (found,) = fetch(server, listed or version("a.ics"))
    return found


@pytest.mark.parametrize("status", [404, 410])
def test_a_member_that_is_not_there_is_gone(status: int) -> None:
    assert alone(reply(status)) == dav.Gone("/cal/a.ics")


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (reply(200, "", TEXT), "empty"),
        (reply(200, "<html>Sign in</html>", {"content-type": "text/html"}), "no calendar"),
        (reply(500, "crash"), "500 the server failed; crash"),
        (reply(403), "403"),
        (reply(503), "503"),
        (failure(httpx.ReadTimeout("slow")), "no answer within"),
    ],
    ids=["empty", "page", "500", "403", "503", "timeout"],
)
def test_one_bad_member_is_data_and_says_why(bad: Callable[[httpx.Request], httpx.Response], reason: str) -> None:
    found = alone(bad)
    assert isinstance(found, dav.Failed)
    assert found.href == "/cal/a.ics"
    assert reason in found.reason
    assert "GET /cal/a.ics" in found.reason


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b" \r\n\t", b"\xef\xbb\xbf\n"])
def test_a_calendar_begins_after_byte_order_mark_and_blanks(before: bytes) -> None:
    content = before + event("a").replace(b"BEGIN:VCALENDAR", b"begin:vCalendar")
    assert alone(reply(200, content, TEXT)) == dav.Resource(version("a.ics"), content)


@pytest.mark.parametrize(
    ("listed", "got", "recorded"),
    [
        ('"1"', '"1"', '"1"'),
        ('"1"', 'W/"1-gzip"', '"1"'),  # a proxy changed it on the way: the next listing will have the first form
        ('"1"', "", '"1"'),
        ('"1"', '"2"', '"2"'),
        ("", '"2"', '"2"'),
    ],
)
def test_the_version_recorded_is_the_one_the_next_listing_shows(listed: str, got: str, recorded: str) -> None:
    found = alone(reply(200, event("a"), {"etag": got} if got else {}), listed=version("a.ics", listed))
    assert isinstance(found, dav.Resource)
    assert found.version.etag == recorded
    assert found.version.href == "/cal/a.ics"
