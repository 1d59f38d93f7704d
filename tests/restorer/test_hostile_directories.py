"""Whatever a store calls things and whatever stands in the target: nothing outside is touched, nothing goes unsaid."""

from __future__ import annotations

import asyncio
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caldav_backup.connectors.destination_directory import DirectoryDestination
from caldav_backup.connectors.portable_names import safe_file_name, safe_record_name
from caldav_backup.restorer import OnConflict, RestoreOptions, RestoreReport, Result, apply, plan_restore
from tests.connectors.hostile_names import HOSTILE, NAMES
from tests.ics.corpus import vevent
from tests.restorer.snapshots import Tree, snapshot_of

#: What a store can call something; its own reader refuses everything else.
STORABLE = (st.sampled_from(HOSTILE) | NAMES).filter(
    lambda name: name not in {"", ".", ".."} and not set("/\0") & set(name)
)

#: What may stand where a calendar or a record is to go.
IN_THE_WAY = ["nothing", "link", "dangling", "fifo", "file", "directory", "hard link"]


@dataclass(frozen=True)
class Case:
    """Names of calendars and of their records, and what stands in the way of each of them in turn."""

    calendars: list[str]
    records: list[str]
    before_calendars: list[str]
    before_records: list[str]
    options: RestoreOptions


NAMED = st.lists(STORABLE, min_size=1, max_size=4, unique=True)
PLANTED = st.lists(st.sampled_from(IN_THE_WAY), min_size=4, max_size=4)
OPTIONS = st.builds(
    RestoreOptions,
    on_conflict=st.sampled_from([OnConflict.SKIP, OnConflict.REPLACE, OnConflict.DUPLICATE]),
    delete_extra=st.booleans(),
)


@pytest.mark.full
@settings(max_examples=40)
@given(st.builds(Case, NAMED, NAMED, PLANTED, PLANTED, OPTIONS))
def test_nothing_outside_the_directory_is_touched_and_every_record_is_there_or_reported(case: Case) -> None:
    with tempfile.TemporaryDirectory() as place:
        outside, root = Path(place, "outside"), Path(place, "root")
        outside.mkdir()
        root.mkdir()
        plant(case, root, outside)
        before = states(outside)
        report = restored(tree_of(case), root, case.options)
        assert states(outside) == before
        assert sorted(os.listdir(place)) == ["outside", "root"]
        require_told(tree_of(case), root, report, case.options)


def tree_of(case: Case) -> Tree:
    return {
        calendar: ({}, {f"{name}.ics": vevent(uid(calendar, name)) for name in case.records})
        for calendar in case.calendars
    }


def uid(*names: str) -> str:
    return "-".join(name.encode("utf-8", "surrogateescape").hex() for name in names)


def plant(case: Case, root: Path, outside: Path) -> None:
    """What is in the target before: at the places where calendars go, and in calendars of the same names."""
    for name, what in zip(case.calendars, case.before_calendars, strict=False):
        place = root / safe_file_name(name)
        put(place, what, outside, "a calendar", outside)
        if what == "directory" and not place.is_symlink() and place.is_dir():
            (place / "displayname").write_bytes(name.encode("utf-8", "replace"))
            for record, other in zip(["extra", *case.records], ["link", *case.before_records], strict=False):
                leaf = place / safe_record_name(f"{record}.ics", None, 0)
                put(leaf, other, outside, uid(name, record), outside / f"{len(os.listdir(outside))}.ics")


def put(place: Path, what: str, outside: Path, there: str, linked: Path) -> None:
    """`what` at `place`, unless something is there. Files are other versions of the record of the UID `there`."""
    version = vevent(there, "SUMMARY:Another version")
    if os.path.lexists(place):
        return
    if linked != outside:
        linked.write_bytes(version)
    match what:
        case "link":
            place.symlink_to(linked)
        case "dangling":
            place.symlink_to(outside / "new.ics")
        case "fifo":
            os.mkfifo(place)
        case "file":
            place.write_bytes(version)
        case "directory":
            place.mkdir()
        case "hard link" if linked != outside:
            place.hardlink_to(linked)


def restored(tree: Tree, root: Path, options: RestoreOptions) -> RestoreReport:
    async def run() -> RestoreReport:
        snapshot, destination = snapshot_of(tree), DirectoryDestination(root)
        plan = await plan_restore(snapshot, destination, options)
        return await apply(plan, snapshot, destination)

    return asyncio.run(run())


def states(root: Path) -> dict[str, tuple[int, int, bytes]]:
    return {
        str(path): (path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes())
        for path in [*root.rglob("*")]
        if path.is_file()
    } | {str(root): (root.stat().st_ino, root.stat().st_mtime_ns, b"")}


def require_told(tree: Tree, root: Path, report: RestoreReport, options: RestoreOptions) -> None:
    there = {path.read_bytes() for path in root.glob("*/*.ics") if path.is_file() and not path.is_symlink()}
    assert report.stopped_by is None
    assert {calendar.stored.name for calendar in report.calendars} == set(tree)
    for calendar in report.calendars:
        stored = tree[calendar.stored.name][1]
        assert {record.name for record in calendar.records} == set(stored)
        for record in calendar.records:
            if record.result not in (Result.CREATED, Result.REPLACED, Result.IDENTICAL):
                assert record.reason
            elif options.on_conflict is not OnConflict.DUPLICATE:
                assert stored[record.name] in there
