"""What is there and not in the snapshot goes only where that was asked for, and never because it could not be read."""

from __future__ import annotations

import asyncio
from pathlib import Path

from caldav_backup.connectors.destination_directory import DirectoryDestination
from caldav_backup.kloset import Repository, Snapshot, SnapshotBuilder
from caldav_backup.kloset.configuration import Configuration
from caldav_backup.kloset.directory_writer import File
from caldav_backup.kloset.header import Importer
from caldav_backup.kloset.storage.memory import MemoryStorage
from caldav_backup.restorer import Erasure, RestoreOptions, RestorePlan, RestoreReport, apply, plan_restore
from tests.ics.corpus import vevent
from tests.restorer.snapshots import Tree, snapshot_of
from tests.restorer.test_faults import DamagedSnapshot

OPTIONS = RestoreOptions(delete_extra=True)
STORED = {"a.ics": vevent("a"), "b.ics": vevent("b")}


def restored(snapshot: Snapshot, root: Path, options: RestoreOptions = OPTIONS) -> tuple[RestorePlan, RestoreReport]:
    async def run() -> tuple[RestorePlan, RestoreReport]:
        destination = DirectoryDestination(root)
        plan = await plan_restore(snapshot, destination, options)
        return plan, await apply(plan, snapshot, destination)

    return asyncio.run(run())


def names(root: Path) -> set[str]:
    return {path.name for path in (root / "work").glob("*.ics")}


def filled(root: Path, *uids: str) -> Path:
    (root / "work").mkdir()
    for uid in uids:
        (root / "work" / f"{uid}.ics").write_bytes(vevent(uid))
    return root


def partly_read(*failed: str, tags: tuple[str, ...] = ()) -> Snapshot:
    """A snapshot of the records in STORED that says of other paths that they could not be read."""
    repository = Repository.create(MemoryStorage(), Configuration.new(encrypted=False))
    builder = SnapshotBuilder(repository, importer=Importer("caldav-backup", "alice@there/", "/"))
    directory = builder.open_directory("/work")
    directory.add([File(name, content, 0) for name, content in STORED.items()])
    directory.close({})
    for path in failed:
        builder.fail(path, "500")
    return repository.snapshot(builder.finish(tags=tags).identifier)


def damaged(name: str) -> Snapshot:
    """A snapshot of the records in STORED of which one cannot be read from the store."""
    whole = snapshot_of({"work": ({}, STORED)})
    found = DamagedSnapshot(whole.repository, whole.header)
    found.damaged = frozenset({name})
    return found


def test_a_calendar_becomes_what_the_snapshot_holds(tmp_path: Path) -> None:
    filled(tmp_path, "a", "x", "y")
    plan, report = restored(snapshot_of({"work": ({}, STORED)}), tmp_path)
    assert (plan.to_delete, plan.calendars[0].there) == (2, 3)
    assert names(tmp_path) == {"a.ics", "b.ics"}
    assert report.erasures()[Erasure.DELETED] == 2
    _, again = restored(snapshot_of({"work": ({}, STORED)}), tmp_path)
    assert sum(again.erasures().values()) == 0


def test_nothing_goes_unless_that_was_asked_for(tmp_path: Path) -> None:
    filled(tmp_path, "x")
    plan, _ = restored(snapshot_of({"work": ({}, STORED)}), tmp_path, RestoreOptions())
    assert (plan.to_delete, names(tmp_path)) == (0, {"a.ics", "b.ics", "x.ics"})


def test_calendars_that_were_not_backed_up_are_none_of_its_business(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x.ics").write_bytes(vevent("x"))
    restored(snapshot_of({"work": ({}, STORED)}), filled(tmp_path, "a"))
    assert (tmp_path / "other" / "x.ics").exists()


def test_what_the_backup_could_not_read_stays(tmp_path: Path) -> None:
    filled(tmp_path, "a", "x", "y")
    plan, _ = restored(partly_read("/work/x.ics"), tmp_path)
    assert names(tmp_path) == {"a.ics", "b.ics", "x.ics"}
    assert plan.calendars[0].kept == "what is not in the snapshot stays: 1 that the backup could not read"


def test_nothing_goes_from_a_calendar_that_the_backup_could_not_list(tmp_path: Path) -> None:
    filled(tmp_path, "a", "x")
    for failed in ("/work", "/"):
        plan, _ = restored(partly_read(failed), tmp_path)
        assert (plan.to_delete, names(tmp_path)) == (0, {"a.ics", "b.ics", "x.ics"})
        assert "/work" in plan.calendars[0].kept


def test_several_calendars_that_become_one_keep_what_each_of_them_brings(tmp_path: Path) -> None:
    filled(tmp_path, "x")
    tree: Tree = {name: ({}, {f"{name}.ics": vevent(name)}) for name in ("home", "office")}
    _, report = restored(snapshot_of(tree), tmp_path, RestoreOptions(into="work", delete_extra=True))
    assert names(tmp_path) == {"home.ics", "office.ics"}
    assert report.erasures()[Erasure.DELETED] == 1


def test_a_record_that_changes_between_plan_and_deed_stays(tmp_path: Path) -> None:
    filled(tmp_path, "a", "x")
    snapshot = snapshot_of({"work": ({}, STORED)})

    async def run() -> RestoreReport:
        destination = DirectoryDestination(tmp_path)
        plan = await plan_restore(snapshot, destination, OPTIONS)
        (tmp_path / "work" / "x.ics").write_bytes(vevent("x", "SUMMARY:edited in between"))
        return await apply(plan, snapshot, destination)

    report = asyncio.run(run())
    assert report.erasures()[Erasure.SKIPPED] == 1
    assert (tmp_path / "work" / "x.ics").exists()


def test_what_the_store_cannot_give_back_stays(tmp_path: Path) -> None:
    filled(tmp_path, "a", "b", "x")
    plan, _ = restored(damaged("b.ics"), tmp_path)
    assert names(tmp_path) == {"a.ics", "b.ics"}
    assert plan.calendars[0].kept == "what is not in the snapshot stays: 1 that the store cannot give back"


def test_nothing_goes_where_what_the_store_cannot_give_back_may_have_any_name(tmp_path: Path) -> None:
    filled(tmp_path, "a", "x")
    plan, _ = restored(damaged("b.ics"), tmp_path)
    assert names(tmp_path) == {"a.ics", "x.ics"}
    assert "/work/b.ics" in plan.calendars[0].kept


def test_nothing_goes_for_a_backup_that_was_stopped_in_between(tmp_path: Path) -> None:
    filled(tmp_path, "a", "x")
    plan, _ = restored(partly_read(tags=("incomplete",)), tmp_path)
    assert (plan.to_delete, names(tmp_path)) == (0, {"a.ics", "b.ics", "x.ics"})
    assert "/work" in plan.calendars[0].kept


def test_events_without_a_uid_that_the_snapshot_has_are_not_told_to_be_missing_from_it(tmp_path: Path) -> None:
    bare = vevent("a").replace(b"UID:a\r\n", b"")
    tree: Tree = {"work": ({}, {"a.ics": bare})}
    restored(snapshot_of(tree), tmp_path)
    plan, _ = restored(snapshot_of(tree), tmp_path)
    assert (plan.to_delete, plan.calendars[0].kept, names(tmp_path)) == (0, "", {"a.ics"})
