"""A restore mails nobody and delivers nothing: proven by the outgoing mail and the other person's home.

Each silent deed is done a second time with the guests allowed to hear of it, so that the silence is not the server's.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import httpx
import pytest

from caldav_backup import dav, ics
from caldav_backup.connectors.base import Collection, Version
from caldav_backup.connectors.destination import Deleted, Deletion, Held, Outcome, Scheduling, Written
from caldav_backup.connectors.destination_caldav import CalDavDestination
from caldav_backup.connectors.invitations import ANY_ORGANIZER, SILENT
from caldav_backup.restorer import (
    Erasure,
    Invites,
    OnConflict,
    RestoreOptions,
    RestoreReport,
    Result,
    Uids,
    apply,
    plan_restore,
)
from tests.events import event
from tests.restorer.meetings import PARTS, Part, Witness, meeting, prepare, put_original
from tests.restorer.snapshots import snapshot_of
from tests.servers.server import make_calendar, members

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from tests.servers.server import Server

T = TypeVar("T")

pytestmark = pytest.mark.full

WAYS = ["create", "replace", "other guest", "strip", "delete"]
CASES = [(part, way) for part in PARTS for way in WAYS if part.is_organizer or way != "other guest"]


def says_nothing_anyway(name: str, part: Part, way: str) -> bool:
    """What this server tells nobody of, even when it is allowed to."""
    if name == "davical":  # sends no mail, and tells nobody of guests that are taken out
        return not part.is_inside or way == "strip"
    if name == "cyrus":
        return way == "strip" or (not part.is_organizer and way == "replace")
    return way in ("replace", "strip") and not (part.is_organizer and (part.is_inside or way == "replace"))


def expected(name: str, part: Part, way: str) -> type[Outcome | Deletion]:
    """What comes of a silent deed."""
    if name == "sogo":
        return Held
    if name == "davical" and part == Part(is_organizer=False, is_inside=True) and way in ("create", "replace"):
        return Held
    return Deleted if way == "delete" else Written


@pytest.fixture(params=["cyrus", "davical", "sogo"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    prepare(found)
    make_calendar(found, "work")
    return found


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


async def opened(
    server: Server, network: httpx.AsyncBaseTransport | None = None
) -> tuple[CalDavDestination, Collection]:
    login = dav.BasicAuthentication(server.user, server.password)
    client = dav.Client(dav.Transport(server.url, login, network=network))
    there = CalDavDestination(client, server.home, origin="there")
    found = await there.catalogue()
    (work,) = (one for one in found.collections if one.key.rstrip("/").endswith("/work"))
    return there, work


class Deed(NamedTuple):
    """What came of one way of writing, who saw what of it, and the copy that was sent."""

    outcome: Outcome | Deletion
    witness: Witness
    sent: bytes


def do(
    server: Server, part: Part, way: str, uid: str, *, silent: bool, network: httpx.AsyncBaseTransport | None = None
) -> Deed:
    """Write one meeting, over a plain one that the server has sent invitations for where the way needs one."""

    async def story() -> Deed:
        there, work = await opened(server, network)
        seen: Version | None = None
        if way != "create":
            server.client.put("work", meeting(server, part, uid))
            (seen,) = (one for one in await there.list_versions(work) if uid in one.key)
        witness = Witness(server)
        sent = copy(server, part, way, uid)
        if silent and there.scheduling is Scheduling.SUPPRESSIBLE:
            sent = ics.with_client_scheduling(sent)
        outcome: Outcome | Deletion
        if way == "delete":
            assert seen is not None
            outcome = await there.delete(work, seen, silent=silent)
        else:
            outcome = await there.write(work, f"{uid}.ics", sent, replaced=seen, silent=silent)
        await there.close()
        return Deed(outcome, witness, sent)

    put_original(server, part, uid)
    return run(story())


def copy(server: Server, part: Part, way: str, uid: str) -> bytes:
    other = "another@example.com" if way == "other guest" else ""
    one = meeting(server, part, uid, hour=10 if way == "create" else 14, other=other)
    return ics.without_guests(one.content) if way == "strip" else one.content


@pytest.mark.parametrize(("part", "way"), CASES, ids=str)
def test_nobody_hears_of_what_is_written_or_removed(server: Server, part: Part, way: str) -> None:
    quiet = do(server, part, way, f"{server.user}-quiet", silent=True)
    assert isinstance(quiet.outcome, expected(server.name, part, way))
    assert quiet.witness.news() == []
    if isinstance(quiet.outcome, Written):
        assert ics.same_meaning(quiet.sent, server.expect("GET", quiet.outcome.version.key).body)
    before = Witness(server)
    aloud = do(server, part, way, f"{server.user}-aloud", silent=False)
    assert isinstance(aloud.outcome, Deleted if way == "delete" else Written)
    if says_nothing_anyway(server.name, part, way):
        assert aloud.witness.news() == []
        inviting = Part(is_organizer=True, is_inside=server.name == "davical")
        aloud = do(server, inviting, "create", f"{server.user}-inviting", silent=False)
    assert aloud.witness.wait()
    # What the server had been slow to send of the first deed would have come before that.
    assert not any(f"{server.user}-quiet" in what for what in before.news())


class Nameless(httpx.AsyncBaseTransport):
    """Cyrus behind a proxy that hides which server it is, and takes headers out that it does not know itself."""

    def __init__(self) -> None:
        self.inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        for name in (*SILENT, *ANY_ORGANIZER):
            request.headers.pop(name, None)
        response = await self.inner.handle_async_request(request)
        response.headers.pop("Server", None)
        return response

    async def aclose(self) -> None:
        await self.inner.aclose()


@pytest.mark.parametrize("part", PARTS, ids=str)
def test_a_server_that_only_keeps_to_the_standard_is_silent_or_not_written_to(cyrus: Server, part: Part) -> None:
    prepare(cyrus)
    make_calendar(cyrus, "work")
    for way in WAYS:
        deed = do(cyrus, part, way, f"{way.partition(' ')[0]}", silent=True, network=Nameless())
        assert isinstance(deed.outcome, Written if way == "create" else Held), way
        assert deed.witness.news() == [], way


@pytest.mark.parametrize("part", PARTS, ids=str)
def test_what_was_left_to_the_client_is_replaced_and_removed_without_a_word(cyrus: Server, part: Part) -> None:
    prepare(cyrus)
    make_calendar(cyrus, "work")
    put_original(cyrus, part, "quiet")
    first, second = (ics.with_client_scheduling(meeting(cyrus, part, "quiet", hour=hour).content) for hour in (10, 14))
    witness = Witness(cyrus)

    async def story() -> list[Outcome | Deletion]:
        there, work = await opened(cyrus, Nameless())
        outcomes: list[Outcome | Deletion] = [
            await there.write(work, "quiet.ics", first, replaced=None, silent=True),
            await there.write(work, "quiet.ics", second, replaced=(await there.list_versions(work))[0], silent=True),
            await there.delete(work, (await there.list_versions(work))[0], silent=True),
        ]
        await there.close()
        return outcomes

    assert [type(outcome) for outcome in run(story())] == [Written, Written, Deleted]
    assert witness.news() == []


@pytest.mark.parametrize("part", PARTS[::2], ids=str)
def test_a_meeting_of_one_organizer_is_replaced_by_one_of_another_without_a_word(cyrus: Server, part: Part) -> None:
    make_calendar(cyrus, "work")
    other = part._replace(is_organizer=not part.is_organizer)
    cyrus.client.put("work", meeting(cyrus, part, "quiet"))
    witness = Witness(cyrus)

    async def story() -> Outcome:
        there, work = await opened(cyrus)
        (seen,) = await there.list_versions(work)
        sent = meeting(cyrus, other, "quiet").content
        outcome = await there.write(work, "quiet.ics", sent, replaced=seen, silent=True)
        await there.close()
        return outcome

    assert isinstance(run(story()), Written)
    assert witness.news() == []


OLD = [f"old{number}" for number in range(len(PARTS))]
TO_REMOVE = [f"extra{number}" for number in range(len(PARTS))]


def restored(server: Server, **options: Any) -> RestoreReport:
    """A snapshot of one meeting of each part, and of one event without guests, restored to the calendar `work`."""

    async def story() -> RestoreReport:
        meetings = [meeting(server, part, uid, hour=15) for part, uid in zip(PARTS, OLD, strict=True)]
        contents = {one.name: one.content for one in [*meetings, event(1)]}
        snapshot = snapshot_of({"work": ({"displayname": b"work"}, contents)})
        there, _ = await opened(server)
        plan = await plan_restore(snapshot, there, RestoreOptions(**options))
        report = await apply(plan, snapshot, there)
        await there.close()
        return report

    return run(story())


def results(report: RestoreReport) -> dict[str, int]:
    return {result.value: count for result, count in report.counts().items() if count}


@pytest.mark.parametrize("name", ["radicale", "sabredav", "cyrus", "davical", "sogo"])
def test_a_restore_is_silent_in_all_its_ways(name: str, request: pytest.FixtureRequest) -> None:
    server: Server = request.getfixturevalue(name)
    prepare(server)
    make_calendar(server, "work", displayname="work")
    for part, old, extra in zip(PARTS, OLD, TO_REMOVE, strict=True):
        for uid in (old, extra):
            put_original(server, part, uid)
            server.client.put("work", meeting(server, part, uid))
    witness = Witness(server)
    exact = restored(server, on_conflict=OnConflict.REPLACE, delete_extra=True)
    beside = restored(server, uids=Uids.NEW)
    stripped = restored(server, on_conflict=OnConflict.REPLACE, invites=Invites.STRIP)
    assert witness.news() == []
    for report in (exact, beside, stripped):
        assert (report.stopped_by, report.counts()[Result.FAILED], report.differing) == (None, 0, 0)
    held = {"sogo": (4, 4, 4), "davical": (1, 1, 0)}.get(name, (0, 0, 0))
    assert tuple(report.counts()[Result.HELD] for report in (exact, beside, stripped)) == held
    assert exact.erasures()[Erasure.HELD] == (4 if name == "sogo" else 0)
    assert exact.erasures()[Erasure.DELETED] == (0 if name == "sogo" else 4)
    marked = [b"SCHEDULE-AGENT" in server.expect("GET", href).body for href in members(server, "work/")]
    assert any(marked) is (name == "davical")
    restored(server, on_conflict=OnConflict.REPLACE, invites=Invites.ALLOW)
    if name in ("radicale", "sabredav"):
        assert witness.news() == []
    else:
        assert witness.wait()


def test_a_calendar_of_cyrus_is_removed_without_a_word_when_the_headers_say_so(cyrus: Server) -> None:
    prepare(cyrus)
    for name in ("quiet", "aloud"):
        make_calendar(cyrus, name)
        for part in PARTS:
            uid = f"{name}{PARTS.index(part)}"
            put_original(cyrus, part, uid)
            cyrus.client.put(name, meeting(cyrus, part, uid))
    witness = Witness(cyrus)
    cyrus.expect("DELETE", "quiet/", headers=SILENT)
    assert witness.news() == []
    cyrus.expect("DELETE", "aloud/")
    assert len(witness.news()) >= len(PARTS)
