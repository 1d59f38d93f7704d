"""Records that are written and removed only in the state that was seen, whatever a server makes of preconditions."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from caldav_backup.connectors.base import Version
from caldav_backup.connectors.destination import Deleted, Refused, Taken, Written
from caldav_backup.connectors.timestamps import http_date_ns
from tests.connectors.playing import HREF, MODIFIED, Played, Rule, delete, put, refusing, seen
from tests.events import event


def once(method: str, answer: Callable[[httpx.Request], httpx.Response]) -> Rule:
    """The first request of that method is answered so, the others honestly."""
    left = [method]

    def rule(request: httpx.Request) -> httpx.Response | None:
        if left and request.method == left[0]:
            left.clear()
            return answer(request)
        return None

    return rule


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
