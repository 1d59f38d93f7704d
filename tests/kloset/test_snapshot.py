"""Reading one snapshot by path."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caldav_backup.kloset.builder import SnapshotBuilder
from caldav_backup.kloset.dirpack import OTHER, Frame
from caldav_backup.kloset.entries import Entry
from caldav_backup.kloset.errors import BlobMissing, Damaged, InvalidArgument, PathNotFound
from caldav_backup.kloset.header import Importer
from caldav_backup.kloset.objects import MODE_DIRECTORY, MODE_SYMLINK, FileInfo
from caldav_backup.kloset.paths import MAX_DEPTH
from caldav_backup.kloset.snapshot import Snapshot
from caldav_backup.kloset.summary import Summary
from tests.kloset.planted import Plant
from tests.kloset.stores import WatchedStorage, body, build, make_repository, some_files, two_calendars


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return build(make_repository()[1], two_calendars)


def test_entries_are_found_by_path(snapshot: Snapshot) -> None:
    entry = snapshot.entry("/work/event-0003.ics")
    assert (entry.path, entry.size, entry.mtime_ns) == ("/work/event-0003.ics", len(body(3)), 4 * 10**9)
    assert snapshot.entry("/").is_directory
    assert snapshot.entry("/home").is_directory


def test_path_that_is_not_there_is_named(snapshot: Snapshot) -> None:
    for path in ("/nothing", "/work/event-0003.ics/below", "/work/event-0003"):
        with pytest.raises(PathNotFound, match=path):
            snapshot.entry(path)
    with pytest.raises(InvalidArgument):
        snapshot.entry("work")
    with pytest.raises(InvalidArgument):
        list(snapshot.list_directory("/work/"))


def test_directories_are_listed_in_order(snapshot: Snapshot) -> None:
    assert [entry.name for entry in snapshot.list_directory("/")] == ["home", "work"]
    assert [entry.path for entry in snapshot.list_directory("/home")] == ["/home/private"]
    for path in ("/work/event-0003.ics", "/nothing"):
        with pytest.raises(PathNotFound):
            list(snapshot.list_directory(path))


def test_names_are_listed_alone(snapshot: Snapshot) -> None:
    for path in ("/", "/home", "/work"):
        assert list(snapshot.list_names(path)) == [entry.name for entry in snapshot.list_directory(path)]


def test_walk_goes_into_each_directory_before_the_next_name(snapshot: Snapshot) -> None:
    walked = [entry.path for entry in snapshot.walk()]
    assert walked[:4] == ["/", "/home", "/home/private", "/home/private/event-0000.ics"]
    assert len(walked) == 4 + 3 + 13
    assert [entry.path for entry in snapshot.walk("/work/long.ics")] == ["/work/long.ics"]
    assert [entry.path for entry in snapshot.walk("/home")] == walked[1:6]


def test_contents_are_read_whole_in_pieces_and_together(snapshot: Snapshot) -> None:
    long = b"".join(body(number) for number in range(60))
    assert snapshot.read("/work/long.ics") == long
    assert len(list(snapshot.stream("/work/long.ics"))) > 1
    files = [entry for entry in snapshot.walk() if entry.is_file]
    together = list(snapshot.read_many(reversed(files)))
    assert [entry for entry, _ in together] == files[::-1]
    assert [content for _, content in together] == [snapshot.read(entry) for entry in files[::-1]]


def test_directory_has_no_content(snapshot: Snapshot) -> None:
    with pytest.raises(PathNotFound, match="no regular file"):
        snapshot.read("/work")
    with pytest.raises(PathNotFound):
        list(snapshot.read_many([snapshot.entry("/")]))


def test_attributes_are_read_all_or_one(snapshot: Snapshot) -> None:
    assert snapshot.extended_attributes("/work") == {
        "user.caldav.color": b"#ff0000",
        "user.caldav.displayname": b"Work",
    }
    assert snapshot.extended_attribute("/work", "user.caldav.color") == b"#ff0000"
    assert snapshot.extended_attribute("/work", "user.caldav.order") is None
    assert snapshot.extended_attribute("/wor", "kuser.caldav.color") is None
    assert snapshot.extended_attributes("/home") == {}


def test_errors_and_totals_are_read(snapshot: Snapshot) -> None:
    assert list(snapshot.errors()) == [("/home/broken.ics", "410 Gone")]
    assert snapshot.summary("/work").directory.files == 13
    assert snapshot.summary() == snapshot.header.summary
    assert (snapshot.summary().below.files, snapshot.summary().below.errors) == (16, 1)
    for path in ("/nothing", "/work/long.ics"):
        with pytest.raises(PathNotFound):
            snapshot.summary(path)


def test_one_event_in_a_large_calendar_takes_a_few_small_reads() -> None:
    def large(builder: SnapshotBuilder) -> None:
        work = builder.open_directory("/work")
        work.add(some_files(1500))
        work.close({})

    storage = WatchedStorage()
    snapshot = build(make_repository(storage=storage)[1], large)
    storage.reads.clear()
    assert snapshot.read("/work/event-1000.ics") == body(1000)
    assert len(storage.reads) <= 6
    assert sum(length for _, length in storage.reads) < 60_000


# Snapshots that no builder here makes: links, broken parts.


def link(path: str, target: str) -> Entry:
    directory, _, name = path.rpartition("/")
    return Entry(directory or "/", FileInfo(name, mode=MODE_SYMLINK | 0o777), symlink_target=target)


def linked() -> Snapshot:
    plant = Plant()
    plant.directory("/a")
    plant.directory("/a/b")
    plant.file("/a/b/file", b"content")
    for path, target in [
        ("/a/to-file", "b/file"),
        ("/to-b", "a/b"),
        ("/absolute", "/a/b/../b/file"),
        ("/twice", "absolute"),
        ("/a/b/up", "../../to-b/file"),
        ("/loop", "loop"),
        ("/outside", "../../../../etc/passwd"),
        ("/gone", "nowhere"),
    ]:
        plant.add(link(path, target))
    return plant.grow()


@pytest.mark.parametrize(
    "path", ["/a/b/file", "/a/to-file", "/to-b/file", "/absolute", "/twice", "/a/b/up", "/to-b/up"]
)
def test_links_are_followed(path: str) -> None:
    snapshot = linked()
    assert snapshot.read(path) == b"content"
    assert snapshot.resolve(path).path == "/a/b/file"


@pytest.mark.parametrize("path", ["/loop", "/outside", "/gone", "/loop/x", "/a/b/file/x"])
def test_links_that_lead_nowhere_are_told(path: str) -> None:
    with pytest.raises(PathNotFound):
        linked().resolve(path)


def test_link_itself_is_an_entry() -> None:
    snapshot = linked()
    assert snapshot.entry("/to-b").symlink_target == "a/b"
    assert "/to-b" in [entry.path for entry in snapshot.walk()]
    with pytest.raises(PathNotFound):
        snapshot.read(snapshot.entry("/to-b"))


def test_entry_whose_blob_is_missing_is_found_in_the_listing() -> None:
    plant = Plant()
    plant.file("/another.ics", b"another")
    plant.file("/event.ics", b"content")
    plant.without_blob("/event.ics")
    snapshot = plant.grow()
    assert snapshot.entry("/event.ics").size == 7
    assert snapshot.read("/event.ics") == b"content"


def test_entry_that_is_nowhere_is_missing() -> None:
    plant = Plant()
    plant.file("/event.ics", b"content")
    plant.without_blob("/event.ics")
    plant.without_frame("/event.ics")
    with pytest.raises(BlobMissing):
        plant.grow().entry("/event.ics")
    lost_root = Plant()
    lost_root.without_blob("/")
    with pytest.raises(BlobMissing):
        lost_root.grow().entry("/")


def test_snapshot_without_listings_is_listed_by_its_tree() -> None:
    plant = Plant(indexes=())
    plant.directory("/a")
    plant.directory("/a-b")
    for path in ("/a/x", "/a/y", "/a-b/z", "/b"):
        plant.file(path, b"content")
    snapshot = plant.grow()
    assert [entry.path for entry in snapshot.walk()] == ["/", "/a", "/a/x", "/a/y", "/a-b", "/a-b/z", "/b"]
    assert list(snapshot.list_names("/a")) == ["x", "y"]
    for path in ("/b", "/c"):
        with pytest.raises(PathNotFound):
            list(snapshot.list_directory(path))
    with pytest.raises(PathNotFound):
        snapshot.summary("/a")
    with pytest.raises(PathNotFound):
        snapshot.directory_frames("/a")


def test_directory_that_the_index_lacks_is_damage() -> None:
    plant = Plant()
    plant.directory("/a")
    plant.without_listing("/a")
    with pytest.raises(Damaged, match="no listing"):
        list(plant.grow().list_directory("/a"))


def test_listing_with_an_entry_of_another_directory_is_refused() -> None:
    plant = Plant()
    plant.directory("/a")
    entry = plant.file("/b", b"content")
    record = entry.to_bytes()
    plant.put_frame("/a", Frame(OTHER, record, plant.mac(record)))
    with pytest.raises(Damaged, match="holds the entry of '/b'"):
        list(plant.grow().list_directory("/a"))


def test_tree_with_the_entry_of_another_path_is_refused() -> None:
    plant = Plant()
    entry = plant.file("/b", b"content")
    plant.tree["/c"] = plant.mac(entry.to_bytes())
    with pytest.raises(Damaged, match="of '/b'"):
        plant.grow().entry("/c")


def test_content_that_its_entry_does_not_fit_is_refused() -> None:
    plant = Plant()
    entry = plant.file("/b", b"content")
    plant.add(entry._replace(info=entry.info._replace(size=3)))
    with pytest.raises(Damaged, match="'/b'"):
        plant.grow().read("/b")


def test_attribute_that_is_listed_but_not_stored_is_damage() -> None:
    plant = Plant()
    plant.add(Entry("/", FileInfo("a", mode=MODE_DIRECTORY), extended_attributes=("user.x",)))
    with pytest.raises(Damaged, match=r"user\.x"):
        plant.grow().extended_attributes("/a")


def test_endless_depth_is_refused() -> None:
    plant = Plant(indexes=["dirpack"])
    plant.root_summary = Summary()
    path = ""
    for _ in range(MAX_DEPTH + 2):
        path += "/d"
        plant.directory(path)
    with pytest.raises(Damaged, match="deeper"):
        list(plant.grow().walk())


def test_header_can_be_replaced_without_touching_its_trees(snapshot: Snapshot) -> None:
    other = Snapshot(snapshot.repository, replace(snapshot.header, name="other"))
    assert [entry.path for entry in other.walk()] == [entry.path for entry in snapshot.walk()]


def test_attributes_of_all_paths_are_those_of_each_path() -> None:
    _, repository = make_repository()
    with SnapshotBuilder(repository, importer=Importer("x", "y", "/")) as builder:
        for name in ("a", "ac", "b"):
            directory = builder.open_directory(f"/{name}")
            directory.close({"user.one": name.encode(), f"{name}user.one": b"another", "user.two": b"2" * 70_000})
        snapshot = repository.snapshot(builder.finish().identifier)
    every = {path: snapshot.extended_attributes(path) for path in ("/a", "/ac", "/b")}
    assert snapshot.attributes_by_path() == every
    assert snapshot.attributes_by_path(only={"user.one"}) == {
        path: {"user.one": held["user.one"]} for path, held in every.items()
    }
    without = snapshot.attributes_by_path(but={"user.two"})
    assert {path: sorted(held) for path, held in without.items()} == {
        path: sorted((f"{path[1:]}user.one", "user.one")) for path in every
    }


def test_totals_of_all_directories_are_those_of_each() -> None:
    _, repository = make_repository()
    with SnapshotBuilder(repository, importer=Importer("x", "y", "/")) as builder:
        directory = builder.open_directory("/a/b")
        directory.add(some_files(3))
        directory.close({})
        snapshot = repository.snapshot(builder.finish().identifier)
    assert snapshot.summaries() == {path: snapshot.summary(path) for path in ("/", "/a", "/a/b")}
