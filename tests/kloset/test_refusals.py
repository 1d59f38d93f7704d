"""A builder takes nothing that a snapshot cannot hold, and nothing out of order."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from caldav_backup.kloset import (
    File,
    InvalidArgument,
    SnapshotBuilder,
)
from tests.kloset.builds import (
    add_directory,
    make_store,
    two_calendars,
)
from tests.kloset.stores import IMPORTER, body, build


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0b", "\ud800"])
def test_names_that_no_file_can_have_are_refused(name: str) -> None:
    _, repository = make_store()
    with SnapshotBuilder(repository, importer=IMPORTER) as builder:
        directory = builder.open_directory("/work")
        with pytest.raises(InvalidArgument):
            directory.add([File("-first", b"", 0), File(name, b"", 0)])
        with pytest.raises(InvalidArgument):
            directory.add_stream(name, [b""], 0)


@pytest.mark.parametrize("batches", [["ba"], ["aa"], ["a", "a"], ["bc", "a"], ["é", "z"]])
def test_names_that_do_not_ascend_are_refused(batches: list[str]) -> None:
    _, repository = make_store()
    with SnapshotBuilder(repository, importer=IMPORTER) as builder:
        directory = builder.open_directory("/work")
        for batch in batches[:-1]:
            directory.add([File(name, body(1), 0) for name in batch])
        with pytest.raises(InvalidArgument, match="ascend"):
            directory.add([File(name, body(1), 0) for name in batches[-1]])


@pytest.mark.parametrize("path", ["", "work", "/work/", "//work", "/a/../b", "/a/./b", "/a\0"])
def test_paths_that_are_not_clean_are_refused(path: str) -> None:
    _, repository = make_store()
    parent = build(repository, two_calendars)
    with SnapshotBuilder(repository, importer=IMPORTER) as builder:
        with pytest.raises(InvalidArgument):
            builder.open_directory(path)
        with pytest.raises(InvalidArgument):
            builder.keep_directory(path, parent=parent)
        with pytest.raises(InvalidArgument):
            builder.fail(path, "unreadable")


def test_directories_come_once_and_before_those_above_them() -> None:
    _, repository = make_store()
    parent = build(repository, two_calendars)
    with SnapshotBuilder(repository, importer=IMPORTER) as builder:
        add_directory(builder, "/a", [])
        builder.keep_directory("/home", parent=parent)
        for path in ("/a", "/a/b", "/home", "/home/b"):
            with pytest.raises(InvalidArgument, match="complete"):
                builder.open_directory(path)
            with pytest.raises(InvalidArgument, match="complete"):
                builder.keep_directory(path, parent=parent)
        add_directory(builder, "/work/b", [])
        with pytest.raises(InvalidArgument, match="below"):
            builder.keep_directory("/work", parent=parent)


def test_a_file_cannot_have_the_name_of_a_directory() -> None:
    _, repository = make_store()
    with SnapshotBuilder(repository, importer=IMPORTER) as builder:
        add_directory(builder, "/a/b", [])
        directory = builder.open_directory("/a")
        with pytest.raises(InvalidArgument, match="directory already"):
            directory.add([File("a", b"", 0), File("b", b"", 0)])


def test_one_directory_is_open_at_a_time() -> None:
    _, repository = make_store()
    parent = build(repository, two_calendars)
    with SnapshotBuilder(repository, importer=IMPORTER) as builder:
        directory = builder.open_directory("/a")
        refused: list[Callable[[], object]] = [
            lambda: builder.open_directory("/b"),
            lambda: builder.keep_directory("/home", parent=parent),
            builder.finish,
        ]
        for call in refused:
            with pytest.raises(InvalidArgument, match="still open"):
                call()
        directory.close({})
        for call in (lambda: directory.add([]), lambda: directory.keep([]), lambda: directory.close({})):
            with pytest.raises(InvalidArgument, match="closed"):
                call()
        builder.finish()
        for call in (lambda: builder.open_directory("/b"), lambda: builder.fail("/x", ""), builder.finish):
            with pytest.raises(InvalidArgument, match="finished"):
                call()
