"""Other programs read the directories that a restore or an unpacked export leaves."""

from __future__ import annotations

import asyncio
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from caldav_backup import ics
from caldav_backup.connectors.archives import TarArchive
from caldav_backup.connectors.destination import Destination
from caldav_backup.connectors.destination_archive import ArchiveDestination
from caldav_backup.connectors.destination_directory import DirectoryDestination
from caldav_backup.connectors.outputs import FileOutput
from caldav_backup.restorer import RestoreOptions, apply, plan_restore
from tests.events import events, journal, todo
from tests.ics.corpus import calendar, custom_zone, vevent
from tests.interop.vdir_readers import VARIABLE, find_reader, khal_events, vdirsyncer_copy
from tests.restorer.snapshots import Tree, snapshot_of

pytestmark = pytest.mark.full

SERIES = calendar(
    *("BEGIN:VEVENT", "UID:series", "DTSTAMP:20260101T000000Z", "DTSTART:20300504T100000Z", "DTEND:20300504T110000Z"),
    *("RRULE:FREQ=DAILY;COUNT=3", "SUMMARY:Daily", "END:VEVENT"),
    *("BEGIN:VEVENT", "UID:series", "RECURRENCE-ID:20300505T100000Z", "DTSTAMP:20260101T000000Z"),
    *("DTSTART:20300505T120000Z", "DTEND:20300505T130000Z", "SUMMARY:Moved", "END:VEVENT"),
)
ZONED = calendar(
    *custom_zone("Custom", "+0300"),
    *("BEGIN:VEVENT", "UID:zoned", "DTSTAMP:20260101T000000Z", "DTSTART;TZID=Custom:20300506T120000"),
    *("DURATION:PT1H", "SUMMARY:Zone of its own", "END:VEVENT"),
)
TALK = vevent("talk", "SUMMARY:Über uns").replace(b"202605", b"203005")
DEVICE = vevent("dev", "SUMMARY:Device").replace(b"202605", b"203005").replace(b"\r\n", b"\n")
WORK = {"displayname": "Büro".encode(), "color": b"#FF2968FF", "order": b"3", "description": b"Where I work"}
TREE: Tree = {
    "work": (WORK, {one.name: one.content for one in [*events(3), todo(5), journal(6)]}),
    "home": ({"displayname": b"At home", "color": b"#0082c9"}, {"series.ics": SERIES, "zoned.ics": ZONED}),
    "con": ({}, {"CON.ics": DEVICE, "Gespräch über.ics": TALK}),
    "empty": ({"displayname": b"Empty"}, {}),
}
IN_MAY_2030 = [
    ("con", "2030-05-01 10:00", "Device"),
    ("con", "2030-05-01 10:00", "Über uns"),
    ("At home", "2030-05-04 10:00", "Daily"),
    ("At home", "2030-05-05 12:00", "Moved"),
    ("At home", "2030-05-06 09:00", "Zone of its own"),
    ("At home", "2030-05-06 10:00", "Daily"),
]


def reader(name: str) -> str:
    found = find_reader(name)
    if found is None:
        pytest.skip(f"{name} is not on the PATH, and {VARIABLE} does not say where it is")
    return found


def restored(destination: Destination) -> None:
    async def run() -> None:
        snapshot = snapshot_of(TREE)
        plan = await plan_restore(snapshot, destination, RestoreOptions())
        await apply(plan, snapshot, destination)
        await destination.close()

    asyncio.run(run())


def by_restore(root: Path) -> None:
    restored(DirectoryDestination(root))


def by_export(root: Path) -> None:
    packed = root.with_suffix(".tar")
    restored(ArchiveDestination(FileOutput(packed), TarArchive, seconds=1_777_777_777))
    with tarfile.open(packed) as tar:
        tar.extractall(root, filter="data")


@pytest.mark.parametrize("write", [by_restore, by_export])
def test_khal_shows_events_with_the_names_and_colours_of_their_calendars(
    tmp_path: Path, write: Callable[[Path], None]
) -> None:
    khal = reader("khal")
    write(tmp_path / "vdir")
    shown = khal_events(khal, tmp_path / "vdir", tmp_path, "2030-05-01", 30)
    assert sorted(line[:3] for line in shown) == sorted(IN_MAY_2030)
    # As a terminal is told: red, green, blue of #0082c9.
    assert {"38;2;0;130;201" in line[3] for line in shown if line[0] == "At home"} == {True}


def test_khal_takes_the_colour_of_apples_calendars(tmp_path: Path) -> None:
    khal = reader("khal")
    by_restore(tmp_path / "vdir")
    shown = khal_events(khal, tmp_path / "vdir", tmp_path, "2020-01-01", 7300)
    assert {"38;2;255;41;104" in line[3] for line in shown if line[0] == "Büro"} == {True}


def test_vdirsyncer_copies_every_byte_and_the_metadata(tmp_path: Path) -> None:
    vdirsyncer = reader("vdirsyncer")
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    by_restore(ours)
    said = vdirsyncer_copy(vdirsyncer, ours, theirs, tmp_path)
    assert "error" not in said.lower()
    assert contents(theirs) == contents(ours)
    work = {name: (theirs / "work" / name).read_text() for name in ("displayname", "color", "order", "description")}
    assert work == {"displayname": "Büro", "color": "#FF2968", "order": "3", "description": "Where I work"}


def contents(root: Path) -> dict[tuple[str, str | None], bytes]:
    """Every event by its calendar and UID; vdirsyncer gives files names of its own."""
    found = {(path.parent.name, ics.uid(path.read_bytes())): path.read_bytes() for path in root.rglob("*.ics")}
    assert len(found) == sum(len(records) for _, records in TREE.values())
    return found
