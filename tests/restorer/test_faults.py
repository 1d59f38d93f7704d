"""What goes wrong on either side costs as little as it can, and is told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from caldav_backup.connectors.base import Collection, CollectionUnreadable, Failed, Record, Version
from caldav_backup.connectors.destination import CalendarNotMade, Created
from caldav_backup.connectors.destination_directory import DirectoryDestination
from caldav_backup.kloset import Damaged, StorageUnavailable
from caldav_backup.kloset.snapshot import Snapshot
from caldav_backup.restorer import RestoreOptions, RestorePlan, RestoreReport, Result, apply, plan_restore
from tests.events import event, events
from tests.restorer.snapshots import Tree, snapshot_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from caldav_backup.connectors.destination import Destination
    from caldav_backup.kloset.entries import Entry

TREE: Tree = {
    "home": ({}, {one.name: one.content for one in events(3)}),
    "work": ({}, {one.name: one.content for one in events(3, first=10)}),
}


class DamagedSnapshot(Snapshot):
    """One whose contents of some names cannot be read; with `unreachable`, when they are read for the second time."""

    damaged: frozenset[str] = frozenset()
    unreachable = 10**9

    def read_many(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, bytes]]:
        for entry, content in super().read_many(entries):
            self.unreachable -= 1
            if self.unreachable < 0:
                raise StorageUnavailable("the disk is gone")
            if entry.name in self.damaged:
                raise Damaged(f"{entry.path} is damaged")
            yield entry, content


def snapshot(*damaged: str, unreachable: int = 10**9) -> Snapshot:
    whole = snapshot_of(TREE)
    found = DamagedSnapshot(whole.repository, whole.header)
    found.damaged = frozenset(damaged)
    found.unreachable = unreachable
    return found


def restored(source: Snapshot, destination: Destination) -> tuple[RestorePlan, RestoreReport]:
    async def run() -> tuple[RestorePlan, RestoreReport]:
        plan = await plan_restore(source, destination, RestoreOptions())
        return plan, await apply(plan, source, destination)

    return asyncio.run(run())


def counts(report: RestoreReport) -> dict[str, int]:
    return {result.value: count for result, count in report.counts().items() if count}


def test_a_damaged_record_costs_itself_only(tmp_path: Path) -> None:
    _, report = restored(snapshot(event(1).name), DirectoryDestination(tmp_path))
    assert counts(report) == {"created": 5, "failed": 1}
    (failed,) = [one for one in report.calendars[0].records if one.result is Result.FAILED]
    assert failed.name == event(1).name
    assert "damaged" in failed.reason


def test_a_store_that_goes_away_in_the_middle_leaves_a_report_of_what_was_done(tmp_path: Path) -> None:
    _, report = restored(snapshot(unreachable=6 + 4), DirectoryDestination(tmp_path))
    assert isinstance(report.stopped_by, StorageUnavailable)
    assert counts(report) == {"created": 3, "failed": 3}


def test_a_store_that_is_away_from_the_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable):
        restored(snapshot(unreachable=0), DirectoryDestination(tmp_path))


class Unwilling(DirectoryDestination):
    """Makes no calendar of one name, and cannot list another."""

    async def create(self, hint: str, attributes: Mapping[str, bytes]) -> Created:
        if hint == "home":
            raise CalendarNotMade("403: you have ten calendars already")
        return await super().create(hint, attributes)

    async def list_versions(self, collection: Collection) -> list[Version]:
        if collection.key == "work":
            raise CollectionUnreadable("500: out of order")
        return await super().list_versions(collection)


def test_a_calendar_that_cannot_be_made_costs_its_own_records_only(tmp_path: Path) -> None:
    _, report = restored(snapshot(), Unwilling(tmp_path))
    assert counts(report) == {"created": 3, "failed": 3}
    assert {one.reason for one in report.calendars[0].records} == {"403: you have ten calendars already"}


def test_nothing_is_written_to_a_calendar_that_cannot_be_listed(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    plan, report = restored(snapshot(), Unwilling(tmp_path))
    assert counts(report) == {"failed": 6}
    assert "500: out of order" in plan.calendars[1].reason
    assert list((tmp_path / "work").iterdir()) == []


class Forgetful(DirectoryDestination):
    """Cannot read back what it was given."""

    async def fetch(self, collection: Collection, versions: Sequence[Version]) -> list[Record]:
        del collection
        return [Failed(version, "500: forgotten") for version in versions]


def test_what_cannot_be_read_back_was_written_all_the_same_and_says_so(tmp_path: Path) -> None:
    _, report = restored(snapshot(), Forgetful(tmp_path))
    assert counts(report) == {"created": 6}
    assert {one.reason for one in report.calendars[0].records} == {"could not be read back: 500: forgotten"}


class Vanishing(Forgetful):
    """Loses its calendars as soon as they are written."""

    async def fetch(self, collection: Collection, versions: Sequence[Version]) -> list[Record]:
        raise CollectionUnreadable(f"410: {len(versions)} records of {collection.key} are gone")


def test_a_calendar_that_is_away_when_it_is_read_back_is_told_record_by_record(tmp_path: Path) -> None:
    _, report = restored(snapshot(), Vanishing(tmp_path))
    assert counts(report) == {"created": 6}
    assert all(one.reason.startswith("could not be read back: 410") for one in report.calendars[0].records)


def test_records_that_are_there_and_cannot_be_read_keep_their_names(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    unreadable = tmp_path / "home" / event(0).name
    unreadable.write_text("<html>")
    _, report = restored(snapshot(), DirectoryDestination(tmp_path))
    assert counts(report) == {"created": 6}
    assert unreadable.read_text() == "<html>"
