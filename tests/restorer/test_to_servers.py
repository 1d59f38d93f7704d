"""A snapshot comes back to real servers: calendars with properties, events by UID, in few requests, twice the same."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

import httpx
import pytest

from caldav_backup import dav, ics
from caldav_backup.connectors.destination import DestinationUnreachable
from caldav_backup.connectors.destination_caldav import CalDavDestination
from caldav_backup.restorer import (
    Action,
    Invites,
    MatchedBy,
    OnConflict,
    RestoreOptions,
    RestorePlan,
    RestoreReport,
    Result,
    apply,
    plan_restore,
)
from tests.events import Event, event, mixed
from tests.ics.corpus import custom_zone, vevent
from tests.restorer.snapshots import Tree, snapshot_of
from tests.servers.server import make_calendar, members, put, seed

if TYPE_CHECKING:
    from tests.servers.server import Server

EVERYTHING = RestoreOptions()
EVENTS = [one for one in mixed(12) if b"BEGIN:VEVENT" in one.content]
ODD = {
    "emoji.ics": vevent("emoji", "SUMMARY:\U0001f600 and a\\, b\\; c\\nd", "CATEGORIES:one,two"),
    "späße @home.ics": vevent("umlaut@example.org", "LOCATION:Zürich"),
    "series.ics": vevent("series", "RRULE:FREQ=WEEKLY;COUNT=5;BYDAY=FR", "EXDATE:20260508T100000Z").replace(
        b"END:VEVENT\r\n",
        b"END:VEVENT\r\nBEGIN:VEVENT\r\nUID:series\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID:20260515T100000Z\r\n"
        b"DTSTART:20260515T120000Z\r\nDTEND:20260515T130000Z\r\nSUMMARY:moved\r\nEND:VEVENT\r\n",
    ),
    "alarm.ics": vevent("alarm", "BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:x", "TRIGGER:-PT15M", "END:VALARM"),
    "zone.ics": vevent("zone", "RDATE;TZID=My zone:20260601T100000").replace(
        b"BEGIN:VEVENT", "\r\n".join([*custom_zone("My zone", "+0130"), "BEGIN:VEVENT"]).encode()
    ),
}
TREE: Tree = {
    "work": ({"displayname": "Büro".encode(), "color": b"#ff0000ff"}, {one.name: one.content for one in EVENTS}),
    "Odd ones": ({"displayname": b"Odd ones"}, ODD),
}


@pytest.fixture(params=["radicale", "xandikos"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


def client(server: Server, network: httpx.AsyncBaseTransport | None = None) -> dav.Client:
    login = dav.BasicAuthentication(server.user, server.password) if server.user else None
    return dav.Client(dav.Transport(server.url, login, network=network, retries=dav.Retries(attempts=1)))


def restored(
    tree: Tree,
    server: Server,
    options: RestoreOptions = EVERYTHING,
    *,
    origin: str = "",
    network: httpx.AsyncBaseTransport | None = None,
) -> tuple[RestorePlan, RestoreReport, int]:
    """The plan, the report, and the number of requests."""

    async def run() -> tuple[RestorePlan, RestoreReport, int]:
        snapshot = snapshot_of(tree)
        account = client(server, network)
        destination = CalDavDestination(account, server.home, origin=origin or f"{server.user}@there")
        plan = await plan_restore(snapshot, destination, options)
        report = await apply(plan, snapshot, destination)
        await destination.close()
        return plan, report, account.transport.requests

    return asyncio.run(run())


def counts(report: RestoreReport) -> dict[str, int]:
    return {result.value: count for result, count in report.counts().items() if count}


def objects(server: Server, href: str) -> dict[str, bytes]:
    """The objects of a calendar by their UIDs."""
    bodies = [server.expect("GET", member).body for member in members(server, href)]
    return {ics.uid(body) or "": body for body in bodies}


def test_an_empty_account_gets_everything_back(server: Server) -> None:
    plan, report, _ = restored(TREE, server)
    assert {calendar.matched_by for calendar in plan.calendars} == {MatchedBy.NEW}
    assert counts(report) == {"created": len(EVENTS) + len(ODD)}
    assert (report.differing, report.verified, report.stopped_by) == (0, True, None)
    keys = {calendar.stored.name: calendar.key for calendar in report.calendars}
    assert {key.rstrip("/").rpartition("/")[2] for key in keys.values()} == {"work", "odd-ones"}
    for name, (_, contents) in TREE.items():
        there = objects(server, keys[name])
        assert len(there) == len(contents)
        for content in contents.values():
            assert ics.differences(content, there[ics.uid(content) or ""]) == []
    assert "Büro".encode() in server.expect("PROPFIND", keys["work"], headers={"Depth": "0"}).body


def test_restoring_twice_changes_nothing_and_takes_few_requests(server: Server) -> None:
    tree: Tree = {"work": TREE["work"]}
    _, first, _ = restored(tree, server)
    before = {href: server.expect("GET", href).headers.get("ETag") for href in members(server, first.calendars[0].key)}
    plan, report, requests = restored(tree, server)
    assert (plan.to_write, counts(report)) == (0, {"identical": len(EVENTS)})
    after = {href: server.expect("GET", href).headers.get("ETag") for href in members(server, first.calendars[0].key)}
    assert before == after
    discovery = 6
    assert requests <= discovery + 3 + math.ceil(len(EVENTS) / 100)


def test_one_deleted_event_comes_back_beside_the_others(server: Server) -> None:
    url = seed(server, "work", EVENTS[:4], displayname="Büro")
    server.expect("DELETE", f"work/{EVENTS[2].name}")
    plan, report, _ = restored(TREE, server, RestoreOptions(events=[EVENTS[2].uid]))
    assert plan.calendars[0].matched_by is MatchedBy.NAME
    assert counts(report) == {"created": 1}
    assert set(objects(server, url)) == {one.uid for one in EVENTS[:4]}


def test_a_calendar_of_the_same_account_is_found_by_its_address(radicale: Server) -> None:
    url = make_calendar(radicale, "work", displayname="Called otherwise now")
    make_calendar(radicale, "other", displayname="Büro")
    href = url.removeprefix(radicale.url.rstrip("/"))
    tree: Tree = {"work": ({**TREE["work"][0], "href": href.encode()}, TREE["work"][1])}
    same = snapshot_of(tree).header.importer.origin
    plan, report, _ = restored(tree, radicale, origin=same.partition("/")[0] + "/elsewhere")
    assert plan.calendars[0].matched_by is MatchedBy.HREF
    assert len(objects(radicale, url)) == len(EVENTS)
    assert report.calendars[0].created is False


def test_an_event_that_differs_is_replaced_only_when_told_to(server: Server) -> None:
    mine = replace_summary(EVENTS[0], "mine")
    url = seed(server, "work", [mine, *EVENTS[1:3]], displayname="Büro")
    tree: Tree = {"work": (TREE["work"][0], {one.name: one.content for one in EVENTS[:3]})}
    plan, report, _ = restored(tree, server)
    assert plan.counts()[Action.CONFLICT] == 1
    assert counts(report) == {"identical": 2, "skipped": 1}
    assert b"SUMMARY:mine" in objects(server, url)[mine.uid]
    _, report, _ = restored(tree, server, RestoreOptions(on_conflict=OnConflict.REPLACE))
    assert counts(report) == {"identical": 2, "replaced": 1}
    assert ics.same_meaning(objects(server, url)[mine.uid], EVENTS[0].content)


def replace_summary(one: Event, summary: str) -> Event:
    lines = [line for line in ics.unfold(one.content) if not line.startswith(b"SUMMARY")]
    where = next(number for number, line in enumerate(lines) if line.startswith(b"UID"))
    lines.insert(where, b"SUMMARY:" + summary.encode())
    return one._replace(content=b"\r\n".join([*lines, b""]))


def test_an_event_that_changes_between_plan_and_deed_is_not_overwritten(radicale: Server) -> None:
    mine = replace_summary(EVENTS[0], "mine")
    url = seed(radicale, "work", [mine], displayname="Büro")
    tree: Tree = {"work": (TREE["work"][0], {EVENTS[0].name: EVENTS[0].content})}

    async def run() -> RestoreReport:
        snapshot = snapshot_of(tree)
        destination = CalDavDestination(client(radicale), radicale.home, origin="there")
        plan = await plan_restore(snapshot, destination, RestoreOptions(on_conflict=OnConflict.REPLACE))
        put(radicale, "work", replace_summary(EVENTS[0], "newer"))
        report = await apply(plan, snapshot, destination)
        await destination.close()
        return report

    assert counts(asyncio.run(run())) == {"skipped": 1}
    assert b"SUMMARY:newer" in objects(radicale, url)[mine.uid]


def test_what_the_server_refuses_is_reported_with_its_reason_and_the_rest_goes_on(server: Server) -> None:
    contents = {"bad.ics": b"BEGIN:VCALENDAR\r\nnothing in it", "good.ics": EVENTS[0].content}
    _, report, _ = restored({"work": ({}, contents)}, server)
    bad, good = report.calendars[0].records
    assert (bad.result, good.result) == (Result.FAILED, Result.CREATED)
    assert "PUT" in bad.reason


def test_into_gathers_all_calendars_in_one(server: Server) -> None:
    _, report, _ = restored(TREE, server, RestoreOptions(into="Everything"))
    assert counts(report) == {"created": len(EVENTS) + len(ODD)}
    (key,) = {calendar.key for calendar in report.calendars}
    assert len(objects(server, key)) == len(EVENTS) + len(ODD)
    _, again, _ = restored(TREE, server, RestoreOptions(into="Everything"))
    assert counts(again) == {"identical": len(EVENTS) + len(ODD)}


class Cut(httpx.AsyncBaseTransport):
    """A network that is gone after so many PUTs."""

    def __init__(self, puts: int) -> None:
        self.inner = httpx.AsyncHTTPTransport()
        self.left = puts

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            self.left -= 1
        if self.left < 0:
            raise httpx.ConnectError("cut", request=request)
        return await self.inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self.inner.aclose()


def test_a_network_that_is_cut_ends_the_restore_and_running_it_again_completes_it(server: Server) -> None:
    tree: Tree = {"work": TREE["work"]}
    _, report, _ = restored(tree, server, network=Cut(4))
    assert isinstance(report.stopped_by, DestinationUnreachable)
    assert report.counts()[Result.FAILED] >= len(EVENTS) - 4
    _, again, _ = restored(tree, server)
    assert again.counts()[Result.FAILED] == 0
    assert set(objects(server, again.calendars[0].key)) == {one.uid for one in EVENTS}


MEETING = vevent("m", "ORGANIZER:mailto:ann@example.org", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.org")


class Scheduling(httpx.AsyncBaseTransport):
    """A real server that says of itself, besides, that it schedules; keeps the PUT requests."""

    def __init__(self, features: str) -> None:
        self.inner = httpx.AsyncHTTPTransport()
        self.features = features
        self.puts: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            self.puts.append(request)
        response = await self.inner.handle_async_request(request)
        if request.method == "OPTIONS":
            response.headers["DAV"] = self.features
        return response

    async def aclose(self) -> None:
        await self.inner.aclose()


def test_a_server_that_invites_is_told_not_to_and_the_report_says_so(radicale: Server) -> None:
    tree: Tree = {"work": ({}, {"m.ics": MEETING, "a.ics": event(1).content})}
    network = Scheduling("1, calendar-access, calendar-auto-schedule")
    _, report, _ = restored(tree, radicale, network=network)
    sent = {request.url.path.rpartition("/")[2]: request for request in network.puts}
    assert sent["m.ics"].content.count(b"SCHEDULE-AGENT=CLIENT") == 2
    assert sent["a.ics"].content == event(1).content
    assert all(request.headers["Schedule-Reply"] == "F" for request in network.puts)
    assert {one.name: bool(one.reason) for one in report.calendars[0].records} == {"m.ics": True, "a.ics": False}
    _, again, _ = restored(tree, radicale, network=Scheduling("1, calendar-access, calendar-auto-schedule"))
    assert counts(again) == {"identical": 2}


def test_a_server_that_nothing_keeps_silent_gets_no_event_with_guests_unless_told_to(radicale: Server) -> None:
    tree: Tree = {"work": ({}, {"m.ics": MEETING, "a.ics": event(1).content})}
    network = Scheduling("1, calendar-access, calendar-schedule")
    plan, report, _ = restored(tree, radicale, network=network)
    assert plan.counts()[Action.HOLD] == 1
    assert counts(report) == {"created": 1, "held": 1}
    assert not any(b"ATTENDEE" in request.content for request in network.puts)
    network = Scheduling("1, calendar-access, calendar-schedule")
    _, report, _ = restored(tree, radicale, RestoreOptions(invites=Invites.ALLOW), network=network)
    assert counts(report) == {"created": 1, "identical": 1}
    assert [request.content for request in network.puts] == [MEETING]
    assert "Schedule-Reply" not in network.puts[0].headers
