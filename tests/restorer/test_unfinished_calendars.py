"""A calendar that was just made when a restore was cut off gets its properties from the next one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from caldav_backup.connectors.destination_directory import DirectoryDestination
from tests.events import Event
from tests.ics.corpus import vevent
from tests.restorer.snapshots import Tree
from tests.restorer.test_to_directories import restored as restored_to_directory
from tests.restorer.test_to_servers import restored
from tests.servers.server import Server, make_calendar, seed

if TYPE_CHECKING:
    from caldav_backup.restorer import RestoreReport

COLOR = b"#ff8800"
TREE: Tree = {
    "work": (
        {
            "displayname": b"Work",
            "color": COLOR,
            "description": b"from nine to five",
            "prop.%7Burn:x%7Dy": b'<y xmlns="urn:x">1</y>',
        },
        {"a.ics": vevent("a")},
    )
}


@pytest.fixture(
    params=["radicale", pytest.param("sabredav", marks=pytest.mark.full), pytest.param("cyrus", marks=pytest.mark.full)]
)
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


def shown(server: Server) -> bytes:
    body = (
        b'<propfind xmlns="DAV:"><prop><calendar-color xmlns="http://apple.com/ns/ical/"/>'
        b'<calendar-description xmlns="urn:ietf:params:xml:ns:caldav"/></prop></propfind>'
    )
    return server.expect("PROPFIND", "work/", body, {"Depth": "0", "Content-Type": "application/xml"}).body


def not_kept(report: RestoreReport) -> list[str]:
    return [what for calendar in report.calendars for what in calendar.not_kept]


def test_an_empty_calendar_gets_what_it_lacks(server: Server) -> None:
    make_calendar(server, "work", displayname="Work")
    _, report, _ = restored(TREE, server)
    assert report.calendars[0].created is False
    assert COLOR in shown(server) and b"from nine to five" in shown(server)
    assert not_kept(report) == (["{urn:x}y: refused with 403"] if server.name == "sabredav" else [])


def test_what_an_empty_calendar_has_stays(server: Server) -> None:
    make_calendar(server, "work", displayname="Work", color="#00ff00")
    restored(TREE, server)
    assert COLOR not in shown(server) and b"from nine to five" in shown(server)


def test_a_calendar_with_events_is_left_as_it_is(server: Server) -> None:
    seed(server, "work", [Event("b", "b.ics", vevent("b"))], displayname="Work")
    restored(TREE, server)
    assert b"from nine to five" not in shown(server)


def test_an_empty_directory_gets_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "displayname").write_text("Work")
    restored_to_directory(TREE, DirectoryDestination(tmp_path))
    assert (tmp_path / "work" / "color").read_bytes() == COLOR
