"""UIDs are asked for in one or two requests, and what a server does not tell of them is not made up."""

from __future__ import annotations

import re

import httpx
import pytest

from caldav_backup import dav
from tests.dav.fakes import (
    BASE,
    NAMESPACES,
    FakeServer,
    Reply,
    Waits,
    answer,
    client,
    event,
    failure,
    multistatus,
    refused,
    reply,
    run,
    streamed,
    with_data,
)

_UNABLE = {
    "not implemented": reply(501),
    "not allowed": reply(405),
    "unknown report": reply(403, f"<d:error {NAMESPACES}><d:supported-report/></d:error>"),
    "gateway": reply(504),
    "too slow": failure(httpx.ReadTimeout("slow")),
}
A, B = with_data("/cal/a.ics", event("one")), with_data("/cal/b.ics", event("two"))
TWO = answer(A, B)
BOTH = {"/cal/a.ics": "one", "/cal/b.ics": "two"}


def told(*replies: Reply, kind: str = "VEVENT", waits: Waits | None = None) -> tuple[dict[str, str] | None, list[str]]:
    """What is told, and the bodies of the requests."""
    server = FakeServer()
    server.on("REPORT", "/cal/", *replies)
    found = run(client(server, waits=waits).list_uids(f"{BASE}/cal/", kind, uid_of))
    return found, [each.content.decode() for each in server.seen]


def uid_of(content: bytes) -> str | None:
    match = re.search(rb"UID:(\S+)", content)
    return match[1].decode() if match else None


def test_one_request_asks_for_nothing_but_uids() -> None:
    found, (asked,) = told(TWO)
    assert found == BOTH
    assert '<c:calendar-data><c:comp name="VCALENDAR"><c:comp name="VEVENT"><c:prop name="UID"/></c:comp>' in asked
    assert '<c:filter><c:comp-filter name="VCALENDAR"/></c:filter>' in asked


def test_members_without_data_or_without_a_uid_are_left_out() -> None:
    found, _ = told(answer(A, refused("/cal/b.ics", 403), with_data("/cal/c.ics", b"BEGIN:VCALENDAR")))
    assert found == {"/cal/a.ics": "one"}


@pytest.mark.parametrize("status", [207, 400, 403, 404, 412, 500])
def test_a_server_that_wants_a_kind_of_component_to_be_named_is_asked_again(status: int) -> None:
    found, asked = told(reply(status, multistatus()), TWO, kind="VTODO")
    assert found == BOTH
    assert len(asked) == 2
    assert '<c:comp-filter name="VCALENDAR"><c:comp-filter name="VTODO"/></c:comp-filter>' in asked[1]


@pytest.mark.parametrize("body", [multistatus(), b"<html/>"])
def test_a_server_that_tells_nothing_costs_two_requests(body: bytes) -> None:
    found, asked = told(reply(207, body))
    assert found is None
    assert len(asked) == 2


@pytest.mark.parametrize("how", _UNABLE)
def test_a_server_that_cannot_or_takes_too_long_is_asked_once(how: str) -> None:
    waits = Waits()
    found, asked = told(_UNABLE[how], waits=waits)
    assert found is None
    assert len(asked) == 1
    assert waits == []


@pytest.mark.parametrize("end", [b"<d:response><d:href>/c", b"\x01</d:multistatus>"])
def test_what_was_told_before_an_answer_broke_is_told(end: bytes) -> None:
    whole = multistatus(A, B).removesuffix(b"</d:multistatus>")
    found, asked = told(streamed(207, whole, end))
    assert found == BOTH
    assert len(asked) == 1


def test_a_busy_server_is_asked_again() -> None:
    waits = Waits()
    found, _ = told(reply(503, headers={"retry-after": "7"}), TWO, waits=waits)
    assert found == BOTH
    assert waits == [7.0]


def test_a_refused_login_is_no_missing_answer() -> None:
    with pytest.raises(dav.Unauthorized):
        told(reply(401))
