"""A path that could not be read and has the entry of an older copy all the same."""

from __future__ import annotations

from caldav_backup.kloset import SnapshotBuilder
from caldav_backup.kloset.snapshot import Snapshot
from tests.kloset.builds import MTIME_NS, add_directory, assert_sound, make_store, names, some_files, two_calendars
from tests.kloset.stores import body, build

NAMES = [file.name for file in some_files(300)]
STALE = "/work/event-0007.ics"


def stale(builder: SnapshotBuilder, parent: Snapshot) -> None:
    """As after a night when one event could not be read, and another one neither, of which there is no copy."""
    directory = builder.open_directory("/work", parents=[parent], mtime_ns=MTIME_NS)
    directory.keep(NAMES)
    builder.fail(STALE, "HTTP 500; the copy in snapshot 1a2b3c4d is kept")
    builder.fail("/work/lost.ics", "HTTP 500")
    directory.close({"user.caldav.displayname": b"Work"})
    builder.keep_directory("/home", parent=parent)


def test_an_entry_and_an_error_at_one_path_count_each() -> None:
    _, repository = make_store()
    parent = build(repository, two_calendars)
    snapshot = build(repository, lambda builder: stale(builder, parent))
    assert names(snapshot, "/work") == NAMES
    assert snapshot.read(STALE) == body(7)
    assert snapshot.entry(STALE) == parent.entry(STALE)
    assert list(snapshot.failed_paths()) == [STALE, "/work/lost.ics"]
    before, after = parent.summary("/work"), snapshot.summary("/work")
    assert after.directory == before.directory
    assert after.below == before.below._replace(errors=2)
    assert snapshot.summary().below.errors == 2
    assert_sound(repository)


def test_a_kept_directory_keeps_its_stale_copies_once() -> None:
    _, repository = make_store()
    parent = build(repository, two_calendars)
    first = build(repository, lambda builder: stale(builder, parent))

    def again(builder: SnapshotBuilder) -> None:
        builder.keep_directory("/work", parent=first)
        builder.keep_directory("/home", parent=first)

    second = build(repository, again)
    assert second.header.source == first.header.source

    def failed_again(builder: SnapshotBuilder) -> None:
        builder.keep_directory("/work", parent=second)
        builder.keep_directory("/home", parent=second)
        builder.fail(STALE, "HTTP 503; the copy in snapshot 1a2b3c4d is kept")

    third = build(repository, failed_again)
    assert [path for path, _ in third.errors()] == [STALE, "/work/lost.ics"]
    assert dict(third.errors())[STALE].startswith("HTTP 503")
    assert third.summary("/work").below.errors == 2
    assert third.summary().below.errors == 2
    assert_sound(repository)


def test_a_stale_copy_can_appear_in_a_directory_that_is_kept() -> None:
    _, repository = make_store()
    parent = build(repository, two_calendars)

    def fill(builder: SnapshotBuilder) -> None:
        builder.keep_directory("/work", parent=parent)
        builder.fail(STALE, "HTTP 500")

    snapshot = build(repository, fill)
    assert snapshot.read(STALE) == body(7)
    assert snapshot.summary("/work").below.errors == 1
    assert_sound(repository)


def test_that_a_calendar_could_not_be_read_is_not_said_again_when_it_is_kept_later() -> None:
    _, repository = make_store()
    parent = build(repository, two_calendars)

    def unlisted(builder: SnapshotBuilder) -> None:
        builder.keep_directory("/work", parent=parent)
        builder.fail("/work", "HTTP 500")
        builder.fail("/work/event-0001.ics", "HTTP 500")
        builder.keep_directory("/home", parent=parent)

    first = build(repository, unlisted)
    assert list(first.failed_paths()) == ["/work", "/work/event-0001.ics"]
    assert first.summary().below.errors == 2
    assert_sound(repository)

    def fill(builder: SnapshotBuilder) -> None:
        builder.keep_directory("/work", parent=first)
        add_directory(builder, "/home", some_files(2))

    second = build(repository, fill)
    assert list(second.failed_paths()) == ["/work/event-0001.ics"]
    assert second.summary().below.errors == 1
    assert_sound(repository)
