"""What a builder is given stands in the snapshot."""

from __future__ import annotations

import random

from caldav_backup.kloset import (
    File,
    SnapshotBuilder,
)
from tests.kloset.builds import (
    MTIME_NS,
    add_directory,
    added_bytes,
    assert_sound,
    make_store,
    names,
    nothing,
    some_files,
    two_calendars,
)
from tests.kloset.stores import IMPORTER, body, build


def test_files_come_back_with_names_contents_and_times() -> None:
    _, repository = make_store()
    snapshot = build(repository, two_calendars)
    assert names(snapshot, "/") == ["home", "work"]
    assert names(snapshot, "/work") == [file.name for file in some_files(300)]
    entry = snapshot.entry("/work/event-0007.ics")
    assert (entry.size, entry.mode, entry.mtime_ns) == (len(body(7)), 0o644, MTIME_NS + 7)
    assert entry.content_type == "text/calendar"
    assert snapshot.read(entry) == body(7)
    assert_sound(repository)


def test_directories_have_their_time_and_attributes() -> None:
    _, repository = make_store()
    snapshot = build(repository, two_calendars)
    work = snapshot.entry("/work")
    assert work.is_directory and work.mode & 0o777 == 0o755
    assert work.mtime_ns == MTIME_NS
    assert work.extended_attributes == ("user.caldav.color", "user.caldav.displayname")
    assert snapshot.extended_attributes("/work") == {
        "user.caldav.displayname": b"Work",
        "user.caldav.color": b"#ff0000",
    }
    assert snapshot.extended_attributes("/home") == {}


def test_the_header_says_what_it_was_told() -> None:
    _, repository = make_store()
    builder = SnapshotBuilder(
        repository,
        importer=IMPORTER,
        job="home",
        perimeter="work*",
        name="calendars",
        tags=["a"],
        context=[("Client", "test")],
        timestamp_ns=MTIME_NS,
        identifier=bytes(range(32)),
    )
    two_calendars(builder)
    written = builder.finish(tags=["b", "c"])
    header = repository.header(bytes(range(32)))
    assert header == written
    assert (header.importer, header.job, header.perimeter, header.name) == (IMPORTER, "home", "work*", "calendars")
    assert (header.timestamp_ns, header.tags, header.context) == (MTIME_NS, ("b", "c"), (("Client", "test"),))
    assert header.duration_ns > 0


def test_totals_count_what_is_there() -> None:
    _, repository = make_store()
    snapshot = build(repository, two_calendars)
    root, work = snapshot.summary(), snapshot.summary("/work")
    assert (root.directory.directories, root.below.files) == (2, 303)
    assert root == snapshot.header.summary
    assert (work.directory.files, work.directory.chunks, work.directory.MIME_text) == (300, 300, 300)
    assert work.directory.size == sum(len(file.content) for file in some_files(300))


def test_an_account_without_calendars_is_a_root_without_children() -> None:
    _, repository = make_store()
    snapshot = build(repository, nothing)
    assert [entry.path for entry in snapshot.walk()] == ["/"]
    assert_sound(repository)


def test_an_empty_calendar_and_an_empty_file_are_kept() -> None:
    _, repository = make_store()

    def fill(builder: SnapshotBuilder) -> None:
        add_directory(builder, "/empty", [])
        add_directory(builder, "/one", [File("e.ics", b"", 0)])

    snapshot = build(repository, fill)
    assert names(snapshot, "/empty") == []
    assert snapshot.read("/one/e.ics") == b""
    assert snapshot.entry("/one/e.ics").content_type == "text/plain"
    assert_sound(repository)


def test_large_files_are_cut_and_streams_are_like_files() -> None:
    _, repository = make_store()
    large = random.Random(1).randbytes(300_000)

    def fill(builder: SnapshotBuilder) -> None:
        directory = builder.open_directory("/work")
        directory.add([File("a.ics", body(1), 0), File("large", large, 0), File("m.ics", body(2), 0)])
        directory.add_stream("streamed", (large[at : at + 1000] for at in range(0, len(large), 1000)), 0)
        directory.close({"user.large": large[:100_000], "user.pieces": iter([b"in ", b"pieces"])})

    snapshot = build(repository, fill)
    assert snapshot.entry("/work/large").chunks > 1
    assert snapshot.entry("/work/large").object == snapshot.entry("/work/streamed").object
    assert snapshot.read("/work/large") == snapshot.read("/work/streamed") == large
    assert snapshot.extended_attributes("/work") == {"user.large": large[:100_000], "user.pieces": b"in pieces"}
    assert_sound(repository)


def test_directories_nobody_opened_are_made_up() -> None:
    _, repository = make_store()

    def fill(builder: SnapshotBuilder) -> None:
        add_directory(builder, "/a/b/c", some_files(2))
        add_directory(builder, "/a", [File("z.ics", body(1), 0)])

    snapshot = build(repository, fill)
    assert [entry.path for entry in snapshot.walk()] == [
        "/",
        "/a",
        "/a/b",
        "/a/b/c",
        "/a/b/c/event-0000.ics",
        "/a/b/c/event-0001.ics",
        "/a/z.ics",
    ]
    assert snapshot.entry("/a/b").mtime_ns == 0
    assert snapshot.entry("/a/b").mode & 0o777 == 0o755
    assert_sound(repository)


def test_child_directories_stand_between_files_in_order() -> None:
    _, repository = make_store()

    def fill(builder: SnapshotBuilder) -> None:
        for name in ("b", "d", "zz"):
            add_directory(builder, f"/{name}", [])
        add_directory(builder, "/", [File(name, body(1), 0) for name in ("a", "c", "e")])

    assert names(build(repository, fill), "/") == ["a", "b", "c", "d", "e", "zz"]
    assert_sound(repository)


def test_names_that_are_no_utf8_are_kept() -> None:
    _, repository = make_store()
    snapshot = build(repository, lambda builder: add_directory(builder, "/caf\udce9", [File("\udcff.ics", body(1), 0)]))
    assert snapshot.read("/caf\udce9/\udcff.ics") == body(1)


def test_equal_contents_are_stored_once() -> None:
    storage, repository = make_store()
    same = [File(f"{number}.ics", random.Random(1).randbytes(3000), 0) for number in range(10, 99)]
    assert added_bytes(storage, lambda: build(repository, lambda builder: add_directory(builder, "/w", same))) < 60_000
    assert_sound(repository)


def test_failures_stand_in_the_error_index_and_count() -> None:
    _, repository = make_store()

    def fill(builder: SnapshotBuilder) -> None:
        builder.fail("/work/event-0100.ics", "404 Not Found")
        two_calendars(builder)
        builder.fail("/gone", "403 Forbidden")

    snapshot = build(repository, fill)
    assert list(snapshot.errors()) == [("/gone", "403 Forbidden"), ("/work/event-0100.ics", "404 Not Found")]
    assert snapshot.summary("/work").below.errors == 1
    assert snapshot.summary().below.errors == 2
    assert_sound(repository)
