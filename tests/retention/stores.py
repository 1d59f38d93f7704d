"""Stores of small snapshots at made-up times."""

from __future__ import annotations

from collections.abc import Sequence

from caldav_backup.kloset import Header, Importer, Repository, SnapshotBuilder
from caldav_backup.kloset.storage import Storage
from caldav_backup.marks import IMPORTER_TYPE
from tests.kloset.builds import add_directory, some_files
from tests.retention.headers import DAY, NOW

OURS = Importer(IMPORTER_TYPE, "alice@host/dav", "/")


def snap(
    repository: Repository,
    days_ago: float,
    *tags: str,
    job: str = "work",
    selection: str = "",
    importer: Importer = OURS,
    failed: Sequence[str] = (),
    note: str = "",
) -> Header:
    """One more snapshot, of so many days before `NOW`."""
    builder = SnapshotBuilder(
        repository,
        importer=importer,
        job=job,
        perimeter=selection,
        tags=tags,
        timestamp_ns=NOW - int(days_ago * DAY),
        tree_order=25,
    )
    add_directory(builder, "/personal", some_files(2, note))
    for path in failed:
        builder.fail(path, "500")
    return builder.finish()


def again(repository: Repository, storage: Storage) -> Repository:
    """The same store, opened anew by somebody else."""
    return Repository.open(storage)


def ids(headers: Sequence[Header]) -> list[bytes]:
    return [header.identifier for header in headers]
