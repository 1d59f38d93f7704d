"""What is taken over from a parent is the same as there, and costs little."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest

from caldav_backup.kloset import (
    Damaged,
    File,
    InvalidArgument,
    PathNotFound,
    Repository,
    SnapshotBuilder,
    open_storage,
)
from caldav_backup.kloset.btree import VFS_TREE, bulk_load
from caldav_backup.kloset.dirpack import Frame
from caldav_backup.kloset.snapshot import Snapshot
from tests.kloset.builds import (
    MTIME_NS,
    add_directory,
    added_bytes,
    assert_sound,
    make_store,
    names,
    some_files,
    two_calendars,
)
from tests.kloset.conftest import Golden
from tests.kloset.stores import IMPORTER, body, build, put_blobs


def test_unchanged_files_are_taken_from_the_parent_beside_new_ones() -> None:
    storage, repository = make_store()
    parent = build(repository, two_calendars)
    kept = [file.name for file in some_files(300)]

    def fill(builder: SnapshotBuilder) -> None:
        directory = builder.open_directory("/work", parents=[parent], mtime_ns=MTIME_NS)
        directory.keep(kept[:100])
        directory.add([File("event-0100.ics", b"BEGIN:VCALENDAR changed", 5), File("event-0100b.ics", b"new", 6)])
        directory.keep(kept[102:])
        directory.close({"user.caldav.displayname": b"Work"})
        builder.keep_directory("/home", parent=parent)

    size = added_bytes(storage, lambda: build(repository, fill))
    snapshot = repository.snapshot(repository.snapshots()[-1].identifier)
    assert size < 60_000
    assert names(snapshot, "/work") == [*kept[:101], "event-0100b.ics", *kept[102:]]
    assert snapshot.read("/work/event-0100.ics") == b"BEGIN:VCALENDAR changed"
    assert snapshot.read("/work/event-0299.ics") == body(299)
    assert snapshot.entry("/work/event-0099.ics") == parent.entry("/work/event-0099.ics")
    assert snapshot.summary("/home") == parent.summary("/home")
    assert_sound(repository)


def test_nothing_changed_takes_over_every_tree_and_adds_little() -> None:
    storage, repository = make_store()
    parent = build(repository, two_calendars)

    def fill(builder: SnapshotBuilder) -> None:
        builder.keep_directory("/work", parent=parent)
        builder.keep_directory("/home", parent=parent)

    assert added_bytes(storage, lambda: build(repository, fill)) < 7000
    latest = repository.snapshots()[-1]
    assert latest.source == parent.header.source
    assert_sound(repository)


def test_a_kept_directory_may_get_other_attributes() -> None:
    _, repository = make_store()
    parent = build(repository, two_calendars)

    def fill(builder: SnapshotBuilder) -> None:
        builder.keep_directory("/home", parent=parent, xattrs={"user.caldav.color": b"blue"})
        builder.keep_directory("/work", parent=parent, xattrs={"user.caldav.displayname": b"Job"})

    snapshot = build(repository, fill)
    assert snapshot.extended_attributes("/work") == {"user.caldav.displayname": b"Job"}
    assert snapshot.extended_attributes("/home") == {"user.caldav.color": b"blue"}
    assert snapshot.entry("/work").mtime_ns == MTIME_NS
    assert names(snapshot, "/work") == names(parent, "/work")
    assert_sound(repository)


def test_keeping_the_root_keeps_everything() -> None:
    _, repository = make_store()
    parent = build(repository, two_calendars)
    snapshot = build(repository, lambda builder: builder.keep_directory("/", parent=parent))
    assert snapshot.header.source == parent.header.source


def test_a_kept_directory_keeps_what_is_below_it_and_its_failures() -> None:
    _, repository = make_store()

    def fill(builder: SnapshotBuilder) -> None:
        add_directory(builder, "/a/b", some_files(3), color=b"red")
        add_directory(builder, "/a", some_files(1))
        builder.fail("/a/b/lost.ics", "timeout")

    parent = build(repository, fill)

    def fill_again(builder: SnapshotBuilder) -> None:
        builder.keep_directory("/a", parent=parent)
        add_directory(builder, "/new", some_files(1))
        builder.fail("/a/b/lost too.ics", "timeout")

    snapshot = build(repository, fill_again)
    assert names(snapshot, "/a/b") == names(parent, "/a/b")
    assert snapshot.extended_attributes("/a/b") == {"user.caldav.color": b"red"}
    assert [path for path, _ in snapshot.errors()] == ["/a/b/lost too.ics", "/a/b/lost.ics"]
    assert snapshot.summary("/a/b").below.errors == 2
    assert snapshot.summary().below.errors == 2
    assert_sound(repository)


def test_directories_can_come_from_different_parents() -> None:
    _, repository = make_store()
    first = build(repository, lambda builder: add_directory(builder, "/one", some_files(5)))
    second = build(repository, lambda builder: add_directory(builder, "/two", some_files(6)))

    def fill(builder: SnapshotBuilder) -> None:
        builder.keep_directory("/one", parent=first)
        builder.keep_directory("/two", parent=second)

    snapshot = build(repository, fill)
    assert len(names(snapshot, "/one")) == 5
    assert len(names(snapshot, "/two")) == 6
    assert_sound(repository)


def test_files_of_one_directory_can_come_from_several_parents_in_turn() -> None:
    _, repository = make_store()
    files = some_files(600)
    even = build(repository, lambda builder: add_directory(builder, "/work", files[::2], displayname=b"Work"))
    odd = build(repository, lambda builder: add_directory(builder, "/work", files[1::2]))

    def fill(builder: SnapshotBuilder) -> None:
        directory = builder.open_directory("/work", parents=[odd, even], mtime_ns=1)
        for place, file in enumerate(files[:500]):
            directory.keep([file.name], source=(place + 1) % 2)
        directory.add([File("event-0499b.ics", b"BEGIN:VCALENDAR new", 6)])
        directory.keep([file.name for file in files[500::2]], source=1)
        directory.close({"user.caldav.displayname": b"Job"}, mtime_ns=MTIME_NS + 7)

    snapshot = build(repository, fill)
    assert names(snapshot, "/work") == [*[file.name for file in files[:500]], "event-0499b.ics"] + [
        file.name for file in files[500::2]
    ]
    assert snapshot.entry("/work/event-0000.ics") == even.entry("/work/event-0000.ics")
    assert snapshot.entry("/work/event-0001.ics") == odd.entry("/work/event-0001.ics")
    assert snapshot.summary("/work").directory.files == 551
    assert snapshot.entry("/work").mtime_ns == MTIME_NS + 7
    assert_sound(repository)


def test_a_directory_of_several_parents_is_the_one_that_a_first_backup_makes() -> None:
    _, repository = make_store()
    files = some_files(300)
    thirds = [build(repository, partial(add_directory, path="/work", files=files[start::3])) for start in range(3)]

    def fill(builder: SnapshotBuilder) -> None:
        directory = builder.open_directory("/work", parents=thirds)
        for place, file in enumerate(files):
            directory.keep([file.name], source=place % 3)
        directory.close({}, mtime_ns=MTIME_NS)

    kept = build(repository, fill)
    anew = build(repository, lambda builder: add_directory(builder, "/work", files))
    assert kept.header.source == anew.header.source


def test_what_the_parent_does_not_have_cannot_be_kept() -> None:
    _, repository = make_store()
    parent = build(repository, two_calendars)
    with SnapshotBuilder(repository, importer=IMPORTER) as builder:
        with pytest.raises(PathNotFound, match="/nowhere"):
            builder.keep_directory("/nowhere", parent=parent)
        with pytest.raises(PathNotFound, match="/nowhere"):
            builder.keep_directory("/nowhere/deep", parent=parent)
        with pytest.raises(PathNotFound):
            builder.open_directory("/home", parents=[parent]).keep(["event-0001b.ics"])
    with SnapshotBuilder(repository, importer=IMPORTER) as builder, pytest.raises(PathNotFound):
        builder.open_directory("/home", parents=[parent]).keep(["event-0002.ics", "event-0003.ics"])
    with SnapshotBuilder(repository, importer=IMPORTER) as builder, pytest.raises(InvalidArgument, match="parent"):
        builder.open_directory("/home").keep(["event-0001.ics"])
    for source in (-1, 1):
        with SnapshotBuilder(repository, importer=IMPORTER) as builder, pytest.raises(InvalidArgument, match="parent"):
            builder.open_directory("/home", parents=[parent]).keep(["event-0001.ics"], source=source)
    with SnapshotBuilder(repository, importer=IMPORTER) as builder, pytest.raises(PathNotFound):
        builder.open_directory("/new", parents=[parent]).keep(["event-0001.ics"])


def test_files_of_plakar_are_kept_as_they_are(golden: Golden) -> None:
    path, facts = golden("g-xattr-symlink-error")
    repository = Repository.open(open_storage(str(path)))
    parent = repository.snapshot(repository.snapshots()[-1].identifier)
    root = facts["snapshots"][-1]["root"]
    attributed = [entry.path for entry in parent.walk(root) if entry.extended_attributes]

    def fill(builder: SnapshotBuilder) -> None:
        for entry in parent.list_directory(root):
            if entry.is_directory:
                builder.keep_directory(entry.path, parent=parent)
        directory = builder.open_directory(root, parents=[parent])
        directory.keep([entry.name for entry in parent.list_directory(root) if not entry.is_directory])
        directory.close(parent.extended_attributes(root))

    snapshot = build(repository, fill)
    assert [e for e in snapshot.walk(root) if e.path != root] == [e for e in parent.walk(root) if e.path != root]
    assert len(attributed) > 1
    for place in attributed:
        assert snapshot.extended_attributes(place) == parent.extended_attributes(place)
    assert_sound(repository)


def test_a_listing_with_a_wrong_id_is_not_taken_over() -> None:
    _, repository = make_store()
    parent = build(repository, two_calendars)

    class Liar(Snapshot):
        def directory_frames(self, path: str) -> Iterator[Frame]:
            return (frame._replace(mac=bytes(32)) for frame in super().directory_frames(path))

    with SnapshotBuilder(repository, importer=IMPORTER) as builder:
        directory = builder.open_directory("/work", parents=[Liar(repository, parent.header)])
        with pytest.raises(Damaged, match="event-0000"):
            directory.keep(["event-0000.ics"])


def test_a_parent_without_listings_gives_no_whole_directories() -> None:
    """As stores of early versions have them."""
    _, repository = make_store()
    header = build(repository, two_calendars).header
    bare = Snapshot(repository, replace(header, source=header.source._replace(indexes=())))
    with SnapshotBuilder(repository, importer=IMPORTER) as builder:
        with pytest.raises(InvalidArgument, match="dirpack"):
            builder.keep_directory("/home", parent=bare)
        directory = builder.open_directory("/home", parents=[bare])
        directory.add(some_files(3, "h"))
        directory.close({})
        snapshot = repository.snapshot(builder.finish().identifier)
    assert names(snapshot, "/home") == names(bare, "/home")


def test_the_root_of_a_parent_without_entries_cannot_be_kept() -> None:
    _, repository = make_store()
    header = build(repository, two_calendars).header
    blobs = list(bulk_load(VFS_TREE, [], [], repository.keyed.mac))
    *_, root = put_blobs(repository, bytes(32), [(blob.type, blob.record) for blob in blobs])
    empty = Snapshot(repository, replace(header, source=header.source._replace(root=root)))
    with SnapshotBuilder(repository, importer=IMPORTER) as builder, pytest.raises(PathNotFound):
        builder.keep_directory("/", parent=empty)
