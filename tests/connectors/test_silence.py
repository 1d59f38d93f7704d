"""What is asked of a server so that it mails nobody, and what is not written at all for that reason."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import pytest

from caldav_backup import dav, ics
from caldav_backup.connectors.base import Version
from caldav_backup.connectors.destination import Deleted, Deletion, Held, Outcome, Refused, Taken, Written
from caldav_backup.connectors.products import Product
from caldav_backup.connectors.putting import Putter
from caldav_backup.connectors.silence import WITHOUT_GUESTS, SilentPutter
from tests.connectors.playing import Played
from tests.events import event
from tests.ics.corpus import vevent

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")

HREF = "/dav/ann/work/a.ics"
PLAIN = event(1).content
MEETING = vevent("m", "ORGANIZER:mailto:ann@example.org", "ATTENDEE:mailto:bob@example.org")
MARKED = ics.with_client_scheduling(MEETING)
LATER = MARKED.replace(b"END:VEVENT", b"SEQUENCE:1\r\nEND:VEVENT")
WITHOUT_BOB = LATER.replace(b"bob@", b"eve@")
AUTOMATIC = frozenset({"calendar-access", "calendar-auto-schedule"})

QUIET = Product("host.example", "/dav/ann/", frozenset({"calendar-access"}))
HEEDING = QUIET._replace(features=AUTOMATIC, name="sabredav")
UNKNOWN = QUIET._replace(features=AUTOMATIC)
DAVICAL = QUIET._replace(features=AUTOMATIC, name="davical")
SOGO = QUIET._replace(features=AUTOMATIC, name="sogo")

PRINCIPALS = """<d:multistatus xmlns:d="DAV:">{}</d:multistatus>"""
PRINCIPAL = "<d:response><d:href>{}</d:href><d:status>HTTP/1.1 200 OK</d:status></d:response>"


class Calendar(Played):
    """One calendar of Ann's, in a server that knows `principals`; `refuses` bodies with this in them."""

    def __init__(self, product: Product, *principals: str, refuses: bytes = b"\0") -> None:
        super().__init__(self.knowing)
        self.product = product
        self.principals = principals
        self.refuses = refuses

    def knowing(self, request: httpx.Request) -> httpx.Response | None:
        if request.method == "PUT" and self.refuses in request.content:
            return httpx.Response(403, text="not that")
        if request.method == "REPORT":
            return httpx.Response(207, text=PRINCIPALS.format("".join(map(PRINCIPAL.format, self.principals))))
        return None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(work)

    def putter(self) -> SilentPutter:
        client = self.client()
        return SilentPutter(client, self.product, Putter(client, self.product))

    def write(self, content: bytes, *, over: bytes | None = None) -> Outcome:
        seen = self.seen(over) if over is not None else None
        return self.run(self.putter().put(f"https://host.example{HREF}", content, seen))

    def remove(self, there: bytes) -> Deletion:
        return self.run(self.putter().delete(f"https://host.example{HREF}", self.seen(there)))

    def seen(self, content: bytes) -> Version:
        return Version(HREF, "a.ics", self.put(HREF, content), 0, -1)

    @property
    def changing(self) -> list[httpx.Request]:
        return [request for request in self.asked if request.method in ("PUT", "DELETE")]


@pytest.mark.parametrize("product", [QUIET, HEEDING])
def test_a_server_that_needs_no_more_than_headers_is_asked_once(product: Product) -> None:
    there = Calendar(product)
    assert isinstance(there.write(MEETING, over=MEETING), Written)
    assert isinstance(there.remove(MEETING), Deleted)
    assert there.methods == ["PUT", "DELETE"]
    for request in there.asked:
        assert request.headers["Schedule-Reply"] == request.headers["Scheduling-Enabled"] == "F"
        assert request.headers["X-NC-Scheduling"] == "false"


@pytest.mark.parametrize("product", [UNKNOWN, DAVICAL, SOGO])
def test_records_without_guests_are_written_and_removed_anywhere(product: Product) -> None:
    there = Calendar(product)
    assert isinstance(there.write(PLAIN), Written)
    assert isinstance(there.write(PLAIN, over=event(2).content), Written)
    assert isinstance(there.remove(PLAIN), Deleted)


@pytest.mark.parametrize("content", [PLAIN, MARKED, ics.without_guests(MEETING)])
@pytest.mark.parametrize("product", [UNKNOWN, SOGO])
def test_a_meeting_that_the_server_may_cancel_by_mail_is_left_alone(product: Product, content: bytes) -> None:
    there = Calendar(product)
    assert isinstance(there.write(content, over=MEETING), Held)
    assert isinstance(there.remove(MEETING), Held)
    assert there.changing == []


def test_a_meeting_that_was_left_to_the_client_is_replaced_and_removed() -> None:
    there = Calendar(UNKNOWN)
    assert isinstance(there.write(WITHOUT_BOB, over=MARKED), Written)
    assert isinstance(there.remove(MARKED), Deleted)


def test_nothing_with_guests_goes_to_a_server_that_nothing_stops() -> None:
    there = Calendar(SOGO)
    assert isinstance(there.write(MARKED), Held)
    assert isinstance(there.write(MARKED, over=PLAIN), Held)
    assert isinstance(there.remove(MARKED), Held)
    assert there.changing == []


def test_guests_whom_nobody_has_marked_are_held_back() -> None:
    there = Calendar(UNKNOWN)
    assert isinstance(there.write(MEETING), Held)
    assert there.changing == []


@pytest.mark.parametrize("over", [MEETING, PLAIN])
def test_davical_is_given_guests_after_all_else_where_something_is_replaced(over: bytes) -> None:
    there = Calendar(DAVICAL)
    assert isinstance(there.write(WITHOUT_BOB, over=over), Written)
    assert [ics.guests(request.content) for request in there.changing] == [(), ("ann@example.org", "eve@example.org")]
    assert there.objects[HREF] == WITHOUT_BOB
    there.asked.clear()
    assert isinstance(there.write(PLAIN, over=MEETING), Written)
    assert [request.method for request in there.changing] == ["PUT"]


def test_davical_removes_a_meeting_after_it_has_lost_its_guests() -> None:
    there = Calendar(DAVICAL)
    assert isinstance(there.remove(MEETING), Deleted)
    assert [request.method for request in there.changing] == ["PUT", "DELETE"]
    assert not ics.has_guests(there.changing[0].content)
    there.asked.clear()
    assert isinstance(there.remove(MARKED), Deleted)
    assert [request.method for request in there.changing] == ["DELETE"]


def test_a_second_request_that_davical_refuses_is_told_with_what_the_first_has_done() -> None:
    outcome = Calendar(DAVICAL, refuses=b"eve@").write(WITHOUT_BOB, over=MEETING)
    assert isinstance(outcome, Refused)
    assert WITHOUT_GUESTS in outcome.reason


@pytest.mark.parametrize("method", ["DELETE", "PUT"])
def test_what_was_cut_between_two_requests_is_finished_by_the_next_run(method: str) -> None:
    there = Calendar(DAVICAL)

    def cut(request: httpx.Request) -> httpx.Response | None:
        if request.method == method and (method == "DELETE" or ics.has_guests(request.content)):
            raise httpx.ConnectError("cut", request=request)
        return there.knowing(request)

    there.rule = cut
    with pytest.raises(dav.ServerUnreachable):
        there.remove(MEETING) if method == "DELETE" else there.write(WITHOUT_BOB, over=MEETING)
    left = there.objects[HREF]
    assert not ics.has_guests(left)
    there.rule = there.knowing
    if method == "DELETE":
        assert isinstance(there.remove(left), Deleted)
    else:
        assert not ics.same_meaning(left, WITHOUT_BOB)
        assert isinstance(there.write(WITHOUT_BOB, over=left), Written)
        assert there.objects[HREF] == WITHOUT_BOB


def test_what_has_changed_meanwhile_is_neither_replaced_nor_removed() -> None:
    there = Calendar(DAVICAL)
    seen = there.seen(MEETING)
    there.put(HREF, LATER)
    assert isinstance(there.run(there.putter().put(f"https://host.example{HREF}", WITHOUT_BOB, seen)), Taken)
    there.put(HREF, LATER.replace(b"CLIENT", b"SERVER"))
    assert isinstance(there.run(there.putter().delete(f"https://host.example{HREF}", seen)), Taken)
    assert b"SERVER" in there.objects[HREF]


@pytest.mark.parametrize(
    ("principals", "expected"),
    [((), Written), (("/dav/ann/",), Written), (("/dav/bob/",), Held), (("/dav/ann/", "/dav/bob/"), Held)],
)
def test_davical_gets_no_record_whose_organizer_is_somebody_else_of_its_own(
    principals: tuple[str, ...], expected: type[Outcome]
) -> None:
    there = Calendar(DAVICAL, *principals)
    assert isinstance(there.write(MARKED), expected)
    assert [method for method in there.methods if method == "REPORT"] == ["REPORT"]


def test_what_cannot_be_read_is_not_replaced() -> None:
    there = Calendar(UNKNOWN)
    there.rule = lambda request: httpx.Response(403) if request.method == "GET" else None
    assert isinstance(there.write(MARKED, over=MARKED), Refused)
    assert there.changing == []
