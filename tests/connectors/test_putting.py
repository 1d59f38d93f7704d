"""Writing and removing one record: what servers answer, and what it means for the restore."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import httpx
import pytest

from caldav_backup.connectors.base import Version
from caldav_backup.connectors.destination import (
    Deleted,
    Deletion,
    DestinationNotWritable,
    Outcome,
    Refused,
    Taken,
    UidTaken,
    Written,
)
from caldav_backup.connectors.putting import Putter
from caldav_backup.connectors.timestamps import http_date_ns
from tests.connectors.playing import MODIFIED, Played, Rule, error, product
from tests.events import event

T = TypeVar("T")

HREF = "/cal/a.ics"
OTHER = "/cal/other/b.ics"
SABRE = (
    '<d:error xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns"><s:exception>Sabre\\DAV\\Exception\\BadRequest'
    "</s:exception><s:message>{}</s:message></d:error>"
)


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def put(
    played: Played, name: str = "", *, replaced: Version | None = None, content: bytes = event(1).content
) -> Outcome:
    return run(Putter(played.client(), product(name)).put(HREF, content, replaced, {}))


def delete(played: Played, name: str, version: Version) -> Deletion:
    return run(Putter(played.client(), product(name)).delete(HREF, version, {}))


def seen(etag: str, *, mtime_ns: int = 0) -> Version:
    return Version(HREF, "a.ics", etag, mtime_ns, -1)


def refusing(status: int, text: str = "", *, method: str = "PUT") -> Rule:
    return lambda request: httpx.Response(status, text=text) if request.method == method else None


def once(method: str, answer: Callable[[httpx.Request], httpx.Response]) -> Rule:
    """The first request of that method is answered so, the others honestly."""
    left = [method]

    def rule(request: httpx.Request) -> httpx.Response | None:
        if left and request.method == left[0]:
            left.clear()
            return answer(request)
        return None

    return rule


@pytest.mark.parametrize(
    ("name", "status", "text", "key"),
    [
        (
            "cyrus",  # 3.6.1
            403,
            error(
                f"<c:unique-scheduling-object-resource><d:href>{OTHER}</d:href></c:unique-scheduling-object-resource>"
            ),
            OTHER,
        ),
        (
            "",  # RFC 4791 §5.3.2.1
            409,
            error(f"<c:no-uid-conflict><d:href>https://host.example{OTHER}</d:href></c:no-uid-conflict>"),
            OTHER,
        ),
        ("radicale", 409, error("<c:no-uid-conflict/>"), ""),  # 3.9.0
        ("xandikos", 412, error("<c:no-uid-conflict/><d:responsedescription>x</d:responsedescription>"), ""),  # 0.4.10
        ("sogo", 409, '<D:error xmlns:D="DAV">Event UID already in use. (u1)</D:error>', ""),  # 5.8.0
        ("nextcloud", 400, SABRE.format("Calendar object with uid already exists in this calendar collection."), ""),
        ("icloud", 412, "", ""),
        ("icloud", 403, "", ""),
        ("google", 409, '<D:error xmlns:D="DAV:"/>', ""),
    ],
)
def test_a_taken_uid_is_known_by_every_spelling(name: str, status: int, text: str, key: str) -> None:
    outcome = put(Played(refusing(status, text)), name)
    assert isinstance(outcome, UidTaken)
    assert outcome.key == key
    assert "has its UID" in outcome.reason
    assert str(status) in outcome.reason


def test_a_uid_in_nextclouds_trash_bin_is_said_to_be_there() -> None:
    text = SABRE.format("Deleted calendar object with uid already exists in this calendar collection.")
    outcome = put(Played(refusing(400, text)), "nextcloud")
    assert isinstance(outcome, UidTaken)
    assert "trash bin" in outcome.reason


@pytest.mark.parametrize("named", [f"<d:href>{HREF}</d:href>", ""])
def test_an_object_that_would_get_another_uid_is_no_uid_that_is_taken(named: str) -> None:
    """Cyrus 3.6.1 with an href, Radicale 3.9.0 without."""
    played = Played(refusing(409, error(f"<c:no-uid-conflict>{named}</c:no-uid-conflict>")))
    etag = played.put(HREF, event(2).content)
    outcome = put(played, replaced=seen(etag))
    assert isinstance(outcome, Taken)
    assert "another UID" in outcome.reason


@pytest.mark.parametrize(
    ("name", "status", "text", "for_its_form"),
    [
        ("cyrus", 403, error("<c:valid-calendar-data/>"), True),
        ("cyrus", 403, error("<c:valid-calendar-object-resource/>"), True),
        ("xandikos", 412, error("<c:valid-calendar-data/>"), True),
        ("", 403, error("<c:supported-calendar-data/>"), True),
        ("", 403, "Invalid iCalendar: RRULE", True),
        ("radicale", 400, "Bad Request", True),
        ("sabredav", 415, SABRE.format("This resource only supports valid iCalendar 2.0 data."), True),
        ("sabredav", 500, "", True),
        ("davical", 412, "No calendar content", True),
        ("", 412, "No calendar content", True),
        ("sogo", 501, "", True),
        ("sogo", 404, '<D:error xmlns:D="DAV">the requested object could not be found!</D:error>', True),
        ("google", 400, '<D:error xmlns:D="DAV:"/>', True),
        ("sogo", 404, "object not found: user1 =&gt; Calendar =&gt; nocal =&gt; v.ics", False),
        ("", 404, "", False),
        ("sabredav", 403, error("<c:supported-calendar-component/>"), False),
        ("", 403, error("<c:max-resource-size/>"), False),
        ("", 403, error("<c:max-attendees-per-instance/>"), False),
        ("", 413, "", False),
        ("radicale", 412, "Precondition failed.", False),  # larger than its limit
        ("sogo", 412, '<D:error xmlns:D="DAV">Precondition Failed</D:error>', False),  # another user is the organizer
        ("", 403, "", False),
        ("", 409, "Conflict in the request.", False),
        ("", 405, "", False),
        ("", 507, error("<d:quota-not-exceeded/>"), False),
        ("cyrus", 500, "<h1>Internal Server Error</h1><p>Over quota</p>", False),
    ],
)
def test_only_what_is_wrong_with_the_object_itself_is_worth_another_form(
    name: str, status: int, text: str, for_its_form: bool
) -> None:
    outcome = put(Played(refusing(status, text)), name)
    assert isinstance(outcome, Refused)
    assert outcome.for_its_form is for_its_form
    assert HREF in outcome.reason


def test_no_uid_is_taken_by_an_object_without_one() -> None:
    played = Played(refusing(409, '<D:error xmlns:D="DAV">Event UID already in use. ()</D:error>'))
    content = event(1).content.replace(b"UID:" + event(1).uid.encode() + b"\r\n", b"")
    assert put(played, "sogo", content=content) == Refused(
        "another object of the account has its UID: PUT /cal/a.ics: 409 it conflicts with what is there; "
        "Event UID already in use. ()",
        for_its_form=True,
    )


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("radicale", ["PUT", "GET"]),
        ("sogo", ["PROPFIND", "PUT", "GET"]),
        ("", ["PUT", "GET", "PUT"]),
        ("google", ["PROPFIND", "PUT", "GET", "PUT"]),
    ],
)
def test_only_a_server_that_may_not_know_if_none_match_is_sent_the_object_without(name: str, asked: list[str]) -> None:
    """Radicale 3.9.0 takes ten seconds over ten megabytes."""
    played = Played(refusing(412))
    put(played, name)
    assert played.methods == asked


FULL = (507, error("<d:quota-not-exceeded/>"))


@pytest.mark.parametrize(
    ("status", "text"),
    [FULL, (507, ""), (403, FULL[1]), (403, error("<d:sufficient-disk-space/>")), (500, "<p>Over quota</p>")],
)
def test_a_full_account_refuses_each_record_until_three_in_a_row_were_refused(status: int, text: str) -> None:
    played = Played(refusing(status, text))
    putter = Putter(played.client())

    async def story() -> None:
        for _ in range(2):
            outcome = await putter.put(HREF, event(1).content, None, {})
            assert isinstance(outcome, Refused)
            assert str(status) in outcome.reason
        played.rule = lambda _: None
        assert isinstance(await putter.put("/cal/small.ics", event(2).content, None, {}), Written)
        played.rule = refusing(*FULL)
        for _ in range(2):
            assert isinstance(await putter.put(HREF, event(1).content, None, {}), Refused)
        with pytest.raises(DestinationNotWritable, match="the account is full"):
            await putter.put(HREF, event(1).content, None, {})

    run(story())


def test_large_records_that_find_no_room_do_not_end_what_smaller_ones_may_have() -> None:
    played = Played(refusing(*FULL))
    putter = Putter(played.client())
    large = event(1).content.replace(b"SUMMARY:", b"DESCRIPTION:" + b"x" * 20_000 + b"\r\nSUMMARY:")

    async def story() -> None:
        for _ in range(9):
            assert isinstance(await putter.put(HREF, large, None, {}), Refused)

    run(story())


def test_a_put_that_was_cut_after_it_arrived_is_written_although_the_server_wrote_it_anew() -> None:
    played = Played()

    def arrives(request: httpx.Request) -> httpx.Response:
        played.put(HREF, request.content.replace(b"SEQUENCE:0\r\n", b""))
        raise httpx.ReadError("reset", request=request)

    played.rule = once("PUT", arrives)
    assert isinstance(put(played), Written)
    assert played.methods == ["PUT", "GET"]


@pytest.mark.parametrize("replaces", [False, True])
def test_a_put_that_arrives_behind_its_own_repeat_is_written(replaces: bool) -> None:
    """The first one is still on its way when the server is asked, so the repeat finds the record in its place."""
    played = Played()
    etag = played.put(HREF, event(2).content) if replaces else ""

    def late(request: httpx.Request) -> httpx.Response | None:
        if played.methods == ["PUT"]:
            raise httpx.ReadError("reset", request=request)
        if played.methods == ["PUT", "GET", "PUT"]:
            played.put(HREF, event(1).content.replace(b"SEQUENCE:0\r\n", b""))
        return None

    played.rule = late
    outcome = put(played, replaced=seen(etag) if replaces else None)
    assert isinstance(outcome, Written)
    assert outcome.version.etag == played.etag(HREF)
    assert played.methods == ["PUT", "GET", "PUT", "GET"]


def test_something_else_in_its_place_is_left_alone() -> None:
    played = Played()
    played.put(HREF, event(2).content)
    assert isinstance(put(played), Taken)
    assert played.objects[HREF] == event(2).content


@pytest.mark.parametrize("name", ["sogo", "google"])
def test_a_server_that_heeds_nothing_is_asked_before_anything_is_overwritten_or_deleted(name: str) -> None:
    played = Played(heeds=False)
    etag = played.put(HREF, event(2).content)
    assert isinstance(put(played, name), Taken)
    assert isinstance(put(played, name, replaced=seen('"older"')), Taken)
    assert isinstance(delete(played, name, seen('"older"')), Taken)
    assert played.objects[HREF] == event(2).content
    assert isinstance(put(played, name, replaced=seen(etag)), Written)
    assert isinstance(delete(played, name, seen(played.etag(HREF))), Deleted)
    assert isinstance(put(played, name, replaced=seen(etag)), Taken)
    assert played.objects == {}


def test_what_stands_there_already_in_the_same_meaning_is_written() -> None:
    played = Played(heeds=False)
    played.put(HREF, event(1).content.replace(b"SEQUENCE:0\r\n", b""))
    assert isinstance(put(played, "sogo"), Written)


def test_a_version_that_counts_tells_that_something_came_between_the_look_and_the_write() -> None:
    """SOGo 5.8.0: gcs00000000 is the first version of an object, and there is no way to keep from overwriting it."""
    first = httpx.Response(201, headers={"ETag": '"gcs00000000"'})
    second = httpx.Response(204, headers={"ETag": '"gcs00000001"'})
    assert put(Played(lambda request: first if request.method == "PUT" else None), "sogo") == Written(
        seen('"gcs00000000"'), ""
    )
    outcome = put(Played(lambda request: second if request.method == "PUT" else None), "sogo")
    assert isinstance(outcome, Written)
    assert "overwritten" in outcome.note


@pytest.mark.parametrize(
    ("version", "known", "kept"),
    [
        (seen(""), "", False),
        (seen("", mtime_ns=http_date_ns(MODIFIED)), "", False),
        (seen("", mtime_ns=1), "", True),
        (seen("", mtime_ns=1), "sogo", True),
    ],
)
def test_without_an_etag_the_time_of_the_last_change_is_compared(version: Version, known: str, kept: bool) -> None:
    """Cyrus 3.6 gives none to objects of its scheduling."""
    played = Played()
    played.put(HREF, event(2).content)
    assert isinstance(put(played, known, replaced=version), Taken if kept else Written)
    assert (played.objects[HREF] == event(2).content) is kept
    played.put(HREF, event(2).content)
    assert isinstance(delete(played, known, version), Taken if kept else Deleted)


def test_a_weak_etag_is_compared_by_us() -> None:
    """RFC 9110 §13.1.1: If-Match matches none."""
    played = Played()
    etag = played.put(HREF, event(2).content)
    played.rule = lambda request: httpx.Response(412) if "if-match" in request.headers else None
    assert isinstance(put(played, replaced=seen(etag)), Written)
    assert isinstance(put(played, replaced=seen(etag), content=event(3).content), Taken)
    assert isinstance(delete(played, "", seen(etag)), Taken)
    assert isinstance(delete(played, "", seen(played.etag(HREF))), Deleted)
    assert played.objects == {}


def test_what_is_gone_already_is_deleted() -> None:
    assert delete(Played(), "", seen('"1"')) == Deleted("it was gone already")
    sabre = Played(refusing(412, method="DELETE"))  # sabre/dav 1.8.12 says it so
    assert delete(sabre, "sabredav", seen('"1"')) == Deleted("it was gone already")
    assert delete(Played(heeds=False), "sogo", seen('"1"')) == Deleted("it was gone already")


def test_a_deletion_that_is_not_allowed_is_refused() -> None:
    played = Played(refusing(403, "no", method="DELETE"))
    played.put(HREF, event(1).content)
    outcome = delete(played, "", seen(played.etag(HREF)))
    assert isinstance(outcome, Refused)
    assert "403" in outcome.reason


def test_what_cannot_be_looked_at_is_not_overwritten() -> None:
    played = Played(refusing(200, "<html>", method="GET"))
    played.put(HREF, event(2).content)
    assert isinstance(put(played), Refused)
    assert played.objects[HREF] == event(2).content
