"""What the six servers tell of the UIDs in a calendar agrees with what they list and with what is in it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from caldav_backup import dav
from caldav_backup.connectors.destination_caldav import CalDavDestination
from caldav_backup.connectors.uid_listing import list_uids, only_uid
from tests.dav.fakes import BASE, FakeServer, answer, client, run, with_data
from tests.events import event, events
from tests.servers.server import seed

if TYPE_CHECKING:
    from tests.servers.server import Server


def test_each_server_tells_the_uid_of_everything_that_it_lists(each_server: Server) -> None:
    url = seed(each_server, "work", events(12))
    login = dav.BasicAuthentication(each_server.user, each_server.password) if each_server.user else None
    transport = dav.Transport(each_server.url, login)
    destination = CalDavDestination(dav.Client(transport), url, origin="")

    async def story() -> tuple[dict[str, str], int]:
        (collection,) = (await destination.catalogue()).collections
        versions = await destination.list_versions(collection)
        before = transport.requests
        told = await destination.list_uids(collection) or {}
        asked = transport.requests - before
        await destination.close()
        return {version.leaf: told[version.key] for version in versions}, asked

    told, asked = asyncio.run(story())
    assert told == {one.name: one.uid for one in events(12)}
    assert asked == (2 if each_server.name == "sogo" else 1)


@pytest.mark.parametrize(
    ("components", "kind"), [((), "VEVENT"), (("VTODO", "VEVENT"), "VEVENT"), (("VTODO",), "VTODO")]
)
def test_a_server_that_wants_a_kind_to_be_named_is_told_what_the_calendar_is_for(
    components: tuple[str, ...], kind: str
) -> None:
    server = FakeServer()
    server.on("REPORT", "/cal/", answer(), answer(with_data("/cal/a.ics", event(1).content)))
    assert run(list_uids(client(server), f"{BASE}/cal/", components)) == {"/cal/a.ics": event(1).uid}
    assert f'<c:comp-filter name="{kind}"/>' in server.seen[1].content.decode()


def test_an_object_of_several_uids_or_none_has_no_only_one() -> None:
    one, other = event(1), event(2)
    both = one.content.replace(b"END:VCALENDAR\r\n", other.content.split(b"\r\n", 3)[3])
    assert only_uid(one.content) == one.uid
    assert only_uid(both) is None
    assert only_uid(b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n") is None
