"""Snapshots to build in tests, and what can be said of stores afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from caldav_backup.kloset import (
    Configuration,
    File,
    Repository,
    SnapshotBuilder,
)
from caldav_backup.kloset.configuration import PackfileSizes
from caldav_backup.kloset.snapshot import Snapshot
from caldav_backup.kloset.storage import MemoryStorage
from tests.kloset.stores import body

MTIME_NS = 1_700_000_000_000_000_000


def some_files(count: int, note: str = "") -> list[File]:
    return [File(f"event-{number:04}.ics", body(number, note), MTIME_NS + number) for number in range(count)]


def make_store(packfile_size: int = 1 << 26) -> tuple[MemoryStorage, Repository]:
    storage = MemoryStorage()
    configuration = Configuration.new(encrypted=False, packfile=PackfileSizes(max_size=packfile_size))
    return storage, Repository.create(storage, configuration)


def add_directory(builder: SnapshotBuilder, path: str, files: Sequence[File], **attributes: bytes) -> None:
    directory = builder.open_directory(path, mtime_ns=MTIME_NS)
    directory.add(files)
    directory.close({f"user.caldav.{name}": value for name, value in attributes.items()})


def two_calendars(builder: SnapshotBuilder) -> None:
    add_directory(builder, "/work", some_files(300), displayname=b"Work", color=b"#ff0000")
    add_directory(builder, "/home", some_files(3, "h"))


def names(snapshot: Snapshot, path: str) -> list[str]:
    return [entry.name for entry in snapshot.list_directory(path)]


def added_bytes(storage: MemoryStorage, work: Callable[[], object]) -> int:
    before = sum(map(len, storage.files.values()))
    work()
    return sum(map(len, storage.files.values())) - before


def assert_sound(repository: Repository) -> None:
    assert list(repository.check(read_data=True)) == []


def nothing(builder: SnapshotBuilder) -> None:
    """An account without calendars."""


def assert_nothing_lost(repository: Repository) -> None:
    assert [finding for finding in repository.check(read_data=True) if finding.severity.value == "damage"] == []
