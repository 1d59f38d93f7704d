"""Backed up, lost, restored: what a person sees afterwards is what was there before."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from caldav_backup import dav, ics
from caldav_backup.archiver import BackupOptions, back_up
from caldav_backup.connectors.caldav import CalDavSource
from caldav_backup.connectors.destination_caldav import CalDavDestination
from caldav_backup.connectors.destination_directory import DirectoryDestination
from caldav_backup.connectors.directory import DirectorySource
from caldav_backup.dav import names
from caldav_backup.kloset import Repository
from caldav_backup.kloset.configuration import Configuration
from caldav_backup.kloset.storage.memory import MemoryStorage
from caldav_backup.restorer import MatchedBy, RestoreOptions, RestoreReport, Result, apply, plan_restore
from tests.events import events, mixed
from tests.servers.server import members, seed

if TYPE_CHECKING:
    from pathlib import Path

    from caldav_backup.connectors.base import Source
    from caldav_backup.connectors.destination import Destination
    from caldav_backup.kloset.snapshot import Snapshot
    from tests.servers.server import Server

ZONE = "BEGIN:VCALENDAR\r\nBEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nEND:VTIMEZONE\r\nEND:VCALENDAR\r\n"
OWN = "{urn:example:own}pet"
PROPERTIES: dict[str, str | bytes | None] = {
    names.CALENDAR_COLOR: "#00ff00ff",
    names.CALENDAR_ORDER: "7",
    names.CALENDAR_DESCRIPTION: "What is <to be> done",
    names.CALENDAR_TIMEZONE: ZONE,
    names.SCHEDULE_CALENDAR_TRANSP: dav.transparency("transparent"),
    OWN: b'<o:pet xmlns:o="urn:example:own">cat</o:pet>',
}


@pytest.fixture(params=["radicale", "xandikos"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


def client(server: Server) -> dav.Client:
    login = dav.BasicAuthentication(server.user, server.password) if server.user else None
    return dav.Client(dav.Transport(server.url, login))


async def backed_up(source: Source) -> Snapshot:
    repository = Repository.create(MemoryStorage(), Configuration.new(encrypted=False))
    outcome = await back_up(source, repository, BackupOptions())
    await source.close()
    assert outcome.snapshot is not None
    return repository.snapshot(bytes.fromhex(outcome.snapshot))


async def restored(snapshot: Snapshot, destination: Destination) -> tuple[set[MatchedBy], RestoreReport]:
    plan = await plan_restore(snapshot, destination, RestoreOptions())
    report = await apply(plan, snapshot, destination)
    await destination.close()
    return {calendar.matched_by for calendar in plan.calendars}, report


def test_a_deleted_calendar_comes_back_with_its_events_and_what_the_server_keeps_of_its_looks(server: Server) -> None:
    url = seed(server, "work", mixed(20), displayname="Büro")

    def source() -> CalDavSource:
        return CalDavSource(client(server), server.home, origin=f"{server.user}@here/path")

    async def attributes() -> dict[str, bytes]:
        async with source() as account:
            (calendar,) = (await account.catalogue()).collections
            return dict(calendar.attributes)

    async def story() -> None:
        async with client(server) as account:
            await account.proppatch(url, PROPERTIES)
        snapshot = await backed_up(source())
        before = await attributes()
        server.expect("DELETE", url)
        assert members(server) == []
        destination = CalDavDestination(client(server), server.home, origin=f"{server.user}@here")
        how, report = await restored(snapshot, destination)
        assert how == {MatchedBy.NEW}
        assert report.counts()[Result.CREATED] == 20
        assert report.differing == 0
        after = await attributes()
        kept = {name for name in before if before[name] == after.get(name)}
        lost = {text.partition(":")[0] for text in report.calendars[0].not_kept}
        assert {"displayname", "color", "order", "description", "timezone", "transp"} & set(before) <= kept | lost
        assert {"displayname", "color"} <= kept
        how, again = await restored(
            snapshot, CalDavDestination(client(server), server.home, origin=f"{server.user}@here")
        )
        assert again.counts()[Result.IDENTICAL] == 20
        assert how <= {MatchedBy.HREF, MatchedBy.NAME}

    asyncio.run(story())


def test_events_that_came_from_a_server_and_go_to_a_directory_and_back_are_the_same_bytes(
    radicale: Server, tmp_path: Path
) -> None:
    url = seed(radicale, "work", events(12), displayname="Büro", color="#ff0000")
    server_bytes = {
        ics.uid(body): body for body in (radicale.expect("GET", href).body for href in members(radicale, url))
    }

    async def story() -> None:
        source = CalDavSource(client(radicale), radicale.home, origin="here")
        _, report = await restored(await backed_up(source), DirectoryDestination(tmp_path / "1"))
        assert report.counts()[Result.CREATED] == 12
        _, report = await restored(
            await backed_up(DirectorySource(tmp_path / "1")), DirectoryDestination(tmp_path / "2")
        )
        assert report.counts()[Result.CREATED] == 12

    asyncio.run(story())
    for directory in ("1", "2"):
        found = {
            ics.uid(path.read_bytes()): path.read_bytes() for path in (tmp_path / directory / "work").glob("*.ics")
        }
        assert found == server_bytes
        assert (tmp_path / directory / "work" / "displayname").read_text() == "Büro"
        assert (tmp_path / directory / "work" / "color").read_text() == "#ff0000"
