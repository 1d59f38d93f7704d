"""A snapshot comes back as directories, completely, once, and with a result for every record."""

from __future__ import annotations

import asyncio
import errno
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import icalendar
import pytest

from caldav_backup import ics
from caldav_backup.connectors.archives import TarArchive
from caldav_backup.connectors.base import Collection, Version
from caldav_backup.connectors.destination import DestinationNotWritable, DestinationUnreachable, Outcome, Refused
from caldav_backup.connectors.destination_archive import ArchiveDestination
from caldav_backup.connectors.destination_directory import DirectoryDestination
from caldav_backup.connectors.destination_file import FileDestination, StreamDestination
from caldav_backup.connectors.outputs import StreamOutput
from caldav_backup.kloset.errors import PathNotFound
from caldav_backup.progress import Event, Planned, RecordRestored, silent
from caldav_backup.restorer import (
    Action,
    AmbiguousTarget,
    Invites,
    NoSuchCalendar,
    NoSuchEvent,
    OnConflict,
    RestoreOptions,
    RestorePlan,
    RestoreReport,
    Result,
    apply,
    plan_restore,
)
from caldav_backup.restorer.applying import NOT_REACHED
from tests.events import event, events
from tests.ics.corpus import vevent
from tests.restorer.snapshots import Tree, snapshot_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from caldav_backup.connectors.destination import Destination

EVERYTHING = RestoreOptions()

WORK = {"displayname": "Büro".encode(), "color": b"#ff0000", "href": b"/alice/work/", "resources": b"\1"}
TREE: Tree = {
    "work": (WORK, {one.name: one.content for one in events(5)}),
    "home": ({"href": b"/alice/home/"}, {one.name: one.content for one in events(3, first=10)}),
    "empty": ({"displayname": b"Nothing yet"}, {}),
}


def restored(
    tree: Tree,
    destination: Destination,
    options: RestoreOptions = EVERYTHING,
    progress: Callable[[Event], None] = silent,
) -> tuple[RestorePlan, RestoreReport]:
    async def run() -> tuple[RestorePlan, RestoreReport]:
        snapshot = snapshot_of(tree)
        plan = await plan_restore(snapshot, destination, options, progress=progress)
        report = await apply(plan, snapshot, destination, progress=progress)
        await destination.close()
        return plan, report

    return asyncio.run(run())


def planned(tree: Tree, destination: Destination, options: RestoreOptions = EVERYTHING) -> RestorePlan:
    return asyncio.run(plan_restore(snapshot_of(tree), destination, options))


def counts(report: RestoreReport) -> dict[str, int]:
    return {result.value: count for result, count in report.counts().items() if count}


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def states(root: Path) -> dict[Path, tuple[int, int]]:
    """Which file stands at each path, and when it was written."""
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in root.rglob("*")}


def test_everything_comes_back_byte_for_byte_with_names_and_colours(tmp_path: Path) -> None:
    plan, report = restored(TREE, DirectoryDestination(tmp_path))
    assert (plan.total, plan.to_write, counts(report)) == (8, 8, {"created": 8})
    assert report.verified
    assert report.stopped_by is None
    found = files(tmp_path)
    assert found["work/displayname"].decode() == "Büro"
    assert found["work/color"] == b"#ff0000"
    assert (tmp_path / "empty").is_dir()
    expected = {f"{name}/{leaf}": body for name, (_, contents) in TREE.items() for leaf, body in contents.items()}
    assert {path: body for path, body in found.items() if path.endswith(".ics")} == expected


def test_restoring_twice_changes_nothing(tmp_path: Path) -> None:
    restored(TREE, DirectoryDestination(tmp_path))
    before = states(tmp_path)
    plan, report = restored(TREE, DirectoryDestination(tmp_path))
    assert (plan.to_write, counts(report)) == (0, {"identical": 8})
    assert states(tmp_path) == before


def test_planning_writes_nothing(tmp_path: Path) -> None:
    plan = planned(TREE, DirectoryDestination(tmp_path / "new"))
    assert plan.counts()[Action.CREATE] == 8
    assert list(tmp_path.iterdir()) == []


def test_an_event_that_differs_is_left_alone_until_told_to_replace_it(tmp_path: Path) -> None:
    restored(TREE, DirectoryDestination(tmp_path))
    changed = tmp_path / "work" / event(1).name
    changed.write_bytes(event(1).content.replace(b"SUMMARY:", b"SUMMARY:mine "))
    mine = changed.read_bytes()
    plan, report = restored(TREE, DirectoryDestination(tmp_path))
    assert plan.counts()[Action.CONFLICT] == 1
    assert counts(report) == {"identical": 7, "skipped": 1}
    assert changed.read_bytes() == mine
    replacing = RestoreOptions(on_conflict=OnConflict.REPLACE)
    plan, report = restored(TREE, DirectoryDestination(tmp_path), replacing)
    assert plan.to_replace == 1
    assert counts(report) == {"identical": 7, "replaced": 1}
    assert changed.read_bytes() == event(1).content


def test_what_only_a_server_rewrote_is_identical(tmp_path: Path) -> None:
    restored(TREE, DirectoryDestination(tmp_path))
    path = tmp_path / "work" / event(1).name
    path.write_bytes(event(1).content.replace(b"DTSTAMP:2", b"CLASS:PUBLIC\r\nDTSTAMP:1").replace(b"\r\n", b"\n"))
    _, report = restored(TREE, DirectoryDestination(tmp_path), RestoreOptions(on_conflict=OnConflict.REPLACE))
    assert counts(report) == {"identical": 8}


def test_an_event_is_found_by_its_uid_under_another_file_name(tmp_path: Path) -> None:
    restored(TREE, DirectoryDestination(tmp_path))
    (tmp_path / "work" / event(1).name).rename(tmp_path / "work" / "renamed.ics")
    _, report = restored(TREE, DirectoryDestination(tmp_path))
    assert counts(report) == {"identical": 8}


def test_another_event_of_the_same_file_name_keeps_its_file(tmp_path: Path) -> None:
    (tmp_path / "Büro").mkdir()
    mine = tmp_path / "Büro" / event(1).name.upper().replace(".ICS", ".ics")
    mine.write_bytes(vevent("mine"))
    plan, report = restored({"work": TREE["work"]}, DirectoryDestination(tmp_path))
    assert counts(report) == {"created": 5}
    assert mine.read_bytes() == vevent("mine")
    assert len(list((tmp_path / "Büro").glob("*.ics"))) == 6
    assert sum(bool(record.leaf) for record in plan.calendars[0].records) == 1


def test_one_event_by_uid_touches_its_calendar_only(tmp_path: Path) -> None:
    options = RestoreOptions(events=[event(11).uid])
    _, report = restored(TREE, DirectoryDestination(tmp_path), options)
    assert counts(report) == {"created": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_one_event_or_calendar_by_path(tmp_path: Path) -> None:
    restored(TREE, DirectoryDestination(tmp_path / "1"), RestoreOptions(path=f"/work/{event(2).name}"))
    assert [path for path in files(tmp_path / "1") if path.endswith(".ics")] == [f"work/{event(2).name}"]
    restored(TREE, DirectoryDestination(tmp_path / "2"), RestoreOptions(path="/home"))
    assert {path.parent.name for path in (tmp_path / "2").rglob("*.ics")} == {"home"}


def test_calendars_by_glob_of_either_name(tmp_path: Path) -> None:
    restored(TREE, DirectoryDestination(tmp_path), RestoreOptions(calendars=["büro", "HO*"]))
    assert {path.name for path in tmp_path.iterdir()} == {"work", "home"}


def test_what_is_not_in_the_snapshot_is_named(tmp_path: Path) -> None:
    destination = DirectoryDestination(tmp_path)
    with pytest.raises(NoSuchCalendar, match="empty, home, work"):
        planned(TREE, destination, RestoreOptions(calendars=["privat"]))
    with pytest.raises(NoSuchEvent, match="no-such-uid"):
        planned(TREE, destination, RestoreOptions(events=["no-such-uid"]))
    with pytest.raises(PathNotFound):
        planned(TREE, destination, RestoreOptions(path="/privat"))


def test_several_calendars_become_one_only_when_told_to(tmp_path: Path) -> None:
    same_name: Tree = {"a": ({"displayname": b"X"}, TREE["work"][1]), "b": ({"displayname": b"X"}, TREE["home"][1])}
    restored(same_name, DirectoryDestination(tmp_path / "two"))
    assert len(list((tmp_path / "two").iterdir())) == 2
    _, again = restored(same_name, DirectoryDestination(tmp_path / "two"))
    assert counts(again) == {"identical": 8}
    (tmp_path / "one" / "X").mkdir(parents=True)
    with pytest.raises(AmbiguousTarget):
        planned(same_name, DirectoryDestination(tmp_path / "one"))
    _, report = restored(TREE, DirectoryDestination(tmp_path / "into"), RestoreOptions(into="All of it"))
    assert counts(report) == {"created": 8}
    assert [path.name for path in (tmp_path / "into").iterdir()] == ["All of it"]


def test_no_calendar_is_made_when_none_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    options = RestoreOptions(create_calendars=False)
    plan, report = restored(TREE, DirectoryDestination(tmp_path), options)
    assert counts(report) == {"created": 3, "failed": 5}
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    assert {calendar.reason == "" for calendar in plan.calendars} == {True, False}


def test_names_from_a_hostile_store_stay_below_the_directory(tmp_path: Path) -> None:
    tree: Tree = {"nul": ({}, {"..\\..\\evil.ics": vevent("a"), "COM1.ics": vevent("b"), "A.ics": vevent("c")})}
    tree["nul"][1]["a.ics"] = vevent("d")
    _, report = restored(tree, DirectoryDestination(tmp_path / "root"))
    assert counts(report) == {"created": 4}
    assert [path.name for path in tmp_path.iterdir()] == ["root"]
    names = [path.name for path in (tmp_path / "root").rglob("*.ics") if path.is_file()]
    assert len({name.casefold() for name in names}) == 4
    assert "COM1.ics" not in names
    assert not any("\\" in name for name in names)


def test_a_calendar_behind_a_symbolic_link_gets_one_line_and_nothing_is_written(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    outside.mkdir()
    root.mkdir()
    (root / "home").symlink_to(outside)
    plan, report = restored({"home": TREE["home"]}, DirectoryDestination(root))
    assert counts(report) == {"failed": 3}
    assert "symbolic link" in plan.calendars[0].reason
    assert list(outside.iterdir()) == []


def test_what_is_no_calendar_object_is_reported_and_the_rest_restored(tmp_path: Path) -> None:
    tree: Tree = {"home": ({}, {"a.ics": b"<html>", "b.ics": b"", "c.ics": vevent("c")})}
    plan, report = restored(tree, DirectoryDestination(tmp_path))
    assert plan.counts()[Action.CANNOT] == 2
    assert counts(report) == {"created": 1, "failed": 2}
    assert all(record.reason for record in report.calendars[0].records if record.result is Result.FAILED)


def test_identical_twins_in_the_snapshot_are_restored_once_and_different_ones_both(tmp_path: Path) -> None:
    twins = {"a.ics": vevent("twin"), "b.ics": vevent("twin").replace(b"PRODID:-", b"PRODID:+")}
    tree: Tree = {"home": ({}, twins | {"c.ics": vevent("twin", "SUMMARY:other")})}
    _, report = restored(tree, DirectoryDestination(tmp_path))
    assert counts(report) == {"created": 2, "identical": 1}
    _, again = restored(tree, DirectoryDestination(tmp_path))
    assert counts(again) == {"identical": 3}


def test_records_without_a_uid_are_known_by_their_names(tmp_path: Path) -> None:
    tree: Tree = {"home": ({}, {f"{name}.ics": vevent("x").replace(b"UID:x\r\n", b"") for name in "ab"})}
    restored(tree, DirectoryDestination(tmp_path))
    _, again = restored(tree, DirectoryDestination(tmp_path))
    assert counts(again) == {"identical": 2}


GUESTS = "ORGANIZER:mailto:ann@example.org", "ATTENDEE:mailto:bob@example.org"


def test_a_directory_keeps_guests_as_they_are_and_strip_takes_them_out(tmp_path: Path) -> None:
    tree: Tree = {"home": ({}, {"a.ics": vevent("a", *GUESTS)})}
    restored(tree, DirectoryDestination(tmp_path / "1"))
    assert files(tmp_path / "1")["home/a.ics"] == vevent("a", *GUESTS)
    stripping = RestoreOptions(invites=Invites.STRIP)
    _, report = restored(tree, DirectoryDestination(tmp_path / "2"), stripping)
    assert "guests" in report.calendars[0].records[0].reason
    assert not ics.has_guests(files(tmp_path / "2")["home/a.ics"])
    _, again = restored(tree, DirectoryDestination(tmp_path / "2"), stripping)
    assert counts(again) == {"identical": 1}


def test_progress_tells_of_every_record_once(tmp_path: Path) -> None:
    heard: list[Event] = []
    restored(TREE, DirectoryDestination(tmp_path), progress=heard.append)
    assert heard[0] == Planned(8, 8)
    paths = [one.path for one in heard if isinstance(one, RecordRestored)]
    assert sorted(paths) == sorted(f"/{name}/{leaf}" for name, (_, contents) in TREE.items() for leaf in contents)


class Faulty(DirectoryDestination):
    """Refuses the first record it is given, and is gone with the last."""

    def __init__(self, root: Path, *, dies_after: int = 10**9, loses: bool = False, rewrites: bool = False) -> None:
        super().__init__(root)
        self.taken = 0
        self.dies_after = dies_after
        self.loses = loses
        self.rewrites = rewrites

    async def write(
        self, collection: Collection, leaf: str, content: bytes, *, replaced: Version | None, silent: bool
    ) -> Outcome:
        self.taken += 1
        if self.taken > self.dies_after:
            raise DestinationUnreachable("the server is gone")
        if self.taken == 1 and self.dies_after > 100:
            return Refused("403: not this one")
        content = content.replace(b"SUMMARY:", b"SUMMARY:improved ") if self.rewrites else content
        outcome = await super().write(collection, leaf, content, replaced=replaced, silent=silent)
        if self.loses:
            (Path(self.origin) / collection.key / leaf).unlink()
        return outcome


def test_one_refused_record_does_not_stop_the_rest(tmp_path: Path) -> None:
    _, report = restored(TREE, Faulty(tmp_path))
    assert counts(report) == {"created": 7, "failed": 1}
    assert "403: not this one" in {one.reason for calendar in report.calendars for one in calendar.records}


def test_a_destination_that_goes_away_ends_the_restore_and_the_next_one_does_the_rest(tmp_path: Path) -> None:
    _, report = restored(TREE, Faulty(tmp_path, dies_after=4))
    assert isinstance(report.stopped_by, DestinationUnreachable)
    assert not report.verified
    assert counts(report) == {"created": 4, "failed": 4}
    _, again = restored(TREE, DirectoryDestination(tmp_path))
    assert counts(again) == {"created": 4, "identical": 4}


def test_what_is_not_there_when_it_is_read_back_has_failed(tmp_path: Path) -> None:
    _, report = restored({"home": TREE["home"]}, Faulty(tmp_path, loses=True))
    assert counts(report) == {"failed": 3}


def test_what_reads_back_otherwise_is_named(tmp_path: Path) -> None:
    _, report = restored({"home": TREE["home"]}, Faulty(tmp_path, rewrites=True))
    assert report.differing == 2
    assert report.calendars[0].records[1].differs == ("changed VEVENT SUMMARY",)
    unverified = RestoreOptions(verify=False)
    _, report = restored({"home": TREE["home"]}, Faulty(tmp_path / "2", rewrites=True), unverified)
    assert (report.differing, report.verified) == (0, False)


def test_a_file_gets_everything_once_and_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "all.ics"
    _, report = restored(TREE, FileDestination(path))
    assert counts(report) == {"created": 8}
    assert len(icalendar.Calendar.from_ical(path.read_bytes()).walk("VEVENT")) == 8
    _, again = restored(TREE, FileDestination(path))
    assert counts(again) == {"identical": 8}
    path.write_bytes(b"mine")
    _, kept = restored(TREE, FileDestination(path))
    assert counts(kept) == {"skipped": 8}
    assert path.read_bytes() == b"mine"
    _, replaced = restored(TREE, FileDestination(path), RestoreOptions(on_conflict=OnConflict.REPLACE))
    assert counts(replaced) == {"created": 8}


def test_a_stream_gets_one_calendar_with_the_name_of_the_one_that_was_asked_for() -> None:
    stream = io.BytesIO()
    restored(TREE, StreamDestination(stream), RestoreOptions(path="/work"))
    assert "NAME:Büro\r\n" in stream.getvalue().decode()
    assert stream.getvalue().count(b"BEGIN:VEVENT") == 5


class Small(io.BytesIO):
    """A stream that takes 4 KiB."""

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > 4096:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


def test_no_event_counts_as_written_into_an_archive_that_could_not_be_finished() -> None:
    contents = {one.name: one.content for one in events(20)}
    snapshot = snapshot_of({"home": ({}, contents)})
    output = StreamOutput(Small(), "all.tar")

    async def restored() -> RestoreReport:
        destination = ArchiveDestination(output, TarArchive, seconds=0)
        plan = await plan_restore(snapshot, destination, RestoreOptions())
        try:
            return await apply(plan, snapshot, destination)
        finally:
            await destination.close()

    report = asyncio.run(restored())
    assert isinstance(report.stopped_by, DestinationNotWritable)
    (calendar,) = report.calendars
    assert {(record.result, record.reason) for record in calendar.records} == {(Result.FAILED, NOT_REACHED)}
