"""A store in which something of earlier snapshots is damaged: they only save work, so a backup is made all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from caldav_backup.archiver import BackupOptions, Outcome, back_up
from caldav_backup.kloset import Configuration, Repository
from caldav_backup.kloset.check import check
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.storage import Kind
from caldav_backup.kloset.storage.memory import MemoryStorage
from tests.archiver.account import Account
from tests.events import event
from tests.kloset.stores import damage

NOW = 1_800_000_000
TREES = [
    ResourceType.VFS_BTREE,
    ResourceType.VFS_NODE,
    ResourceType.VFS_ENTRY,
    ResourceType.VFS_SUMMARY,
    ResourceType.XATTR_BTREE,
    ResourceType.XATTR_NODE,
    ResourceType.XATTR_ENTRY,
    ResourceType.ERROR_BTREE,
    ResourceType.ERROR_NODE,
    ResourceType.BTREE_ROOT,
    ResourceType.BTREE_NODE,
]


def account() -> Account:
    calendars = {"home": {f"{each:04}.ics": event(each).content for each in range(5)}, "work": {"a.ics": b"BEGIN:"}}
    return Account(calendars, {name: {"ctag": b"1"} for name in calendars}, now_ns=NOW * 1_000_000_000)


def run(there: Account, repository: Repository, **options: object) -> Outcome:
    chosen = BackupOptions(job="home", clock=lambda: NOW, **options)  # type: ignore[arg-type]
    return asyncio.run(back_up(there, repository, chosen))


def blobs(repository: Repository, kind: ResourceType) -> Iterator[bytes]:
    for packfile in repository.index.packfiles:
        yield from (typed[1:] for typed in repository.index.locations_in(packfile) if typed[0] == kind)


def break_all(storage: MemoryStorage, repository: Repository, kind: ResourceType) -> None:
    broken = list(blobs(repository, kind))
    assert broken
    for identifier in broken:
        place = repository.index.find_location(kind, identifier)
        assert place is not None
        damage(storage, Kind.PACKFILE, place.packfile, 16 + place.offset + place.length // 2)


@pytest.mark.parametrize("kind", TREES, ids=lambda kind: kind.name)
def test_a_damaged_tree_ends_no_run_and_is_stored_anew(kind: ResourceType) -> None:
    storage, there = MemoryStorage(), account()
    repository = Repository.create(storage, Configuration.new(encrypted=False), passphrase=None)
    run(there, repository)
    break_all(storage, repository, kind)
    there.calendars["home"]["0001.ics"] = event(77).content
    assert run(there, Repository.open(storage), dry_run=True).records == 6
    outcome = run(there, Repository.open(storage))
    assert (outcome.failures, outcome.trips, outcome.records) == ((), (), 6)
    assert outcome.snapshot is not None
    again = Repository.open(storage)
    newest = again.snapshot(bytes.fromhex(outcome.snapshot))
    held = {entry.path: newest.read(entry) for entry in newest.walk() if entry.is_file}
    assert held == {f"/{name}/{leaf}": each for name, those in there.calendars.items() for leaf, each in those.items()}
    assert list(check(again, snapshots=[newest.header.identifier])) == []
