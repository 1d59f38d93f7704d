"""Checks a whole store and tells what is wrong with it; changes nothing.

Owns the order: states, packfiles, snapshots. What is looked for in each is told in `checking`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from caldav_backup.kloset.checking.findings import Finding, Findings, Progress, Severity, Step, no_progress
from caldav_backup.kloset.checking.packfiles import check_packfiles
from caldav_backup.kloset.checking.parts import EVERYTHING, NOTHING, Part
from caldav_backup.kloset.checking.snapshots import SnapshotsCheck
from caldav_backup.kloset.checking.states import check_states
from caldav_backup.kloset.errors import Damaged, SnapshotNotFound
from caldav_backup.kloset.repository import Repository

__all__ = ["EVERYTHING", "Finding", "Part", "Progress", "Severity", "Step", "check", "readable_store"]


def readable_store(repository: Repository) -> Repository:
    """The same store, seen through all states that can be read, where some cannot. StorageError."""
    try:
        return repository.with_index(repository.index)
    except Damaged:
        return repository.with_index(check_states(repository, Findings()))


def check(
    repository: Repository,
    *,
    read_data: bool = False,
    part: Part = EVERYTHING,
    snapshots: Collection[bytes] | None = None,
    progress: Progress = no_progress,
) -> Iterator[Finding]:
    """Everything that is wrong, as it is found: damage that can be seen with the store's own means is not overlooked.

    All structure is read and verified: states, indexes of packfiles, headers, trees, listings, entries, objects,
    totals, attributes, errors. With `read_data` contents and whole packfiles too, or a `part` of them. With `snapshots`
    only those, and no packfiles. Memory grows with the number of different files, about 200 bytes each.
    SnapshotNotFound; StorageError when the storage fails.
    """
    findings = Findings()
    index = check_states(repository, findings)
    yield from findings.drain()
    store = repository.with_index(index)
    read = part if read_data else NOTHING
    if snapshots is None:
        yield from check_packfiles(store, findings, read=read, progress=progress)
    known = index.snapshot_ids()
    wanted = known if snapshots is None else list(snapshots)
    for identifier in wanted:
        if identifier not in known:
            raise SnapshotNotFound(f"the store at {repository.storage.location} has no snapshot {identifier.hex()}")
    checked = SnapshotsCheck(store, findings, read, progress)
    for number, identifier in enumerate(wanted):
        progress(Step("snapshots", number, len(wanted)))
        yield from checked.check(identifier)
    progress(Step("snapshots", len(wanted), len(wanted)))
