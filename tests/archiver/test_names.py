"""Names of calendars over several runs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from caldav_backup.archiver import BackupOptions, Guard, back_up
from caldav_backup.connectors.base import Catalogue, Collection, Listing, Record, Version
from caldav_backup.kloset import Configuration, Repository
from caldav_backup.kloset.storage.memory import MemoryStorage
from tests.archiver.account import Account
from tests.events import event


class TwoHomes(Account):
    """Every calendar is called `work`; the name in `calendars` is the home that it lies in."""

    async def catalogue(self) -> Catalogue:
        return Catalogue([Collection(f"/{home}/work/", "work", home) for home in self.calendars])

    async def list_versions(self, collection: Collection) -> Listing:
        return Listing([self._version(collection, leaf) for leaf in self.calendars[collection.displayname]])

    async def fetch(self, collection: Collection, versions: Sequence[Version]) -> list[Record]:
        return [self._record(collection, version) for version in versions]

    def _version(self, collection: Collection, leaf: str) -> Version:
        return super()._version(Collection(collection.key, collection.displayname), leaf)

    def _record(self, collection: Collection, version: Version) -> Record:
        return super()._record(Collection(collection.key, collection.displayname), version)


def test_a_calendar_that_comes_back_leaves_its_name_to_the_one_that_has_it_now() -> None:
    repository = Repository.create(MemoryStorage(), Configuration.new(encrypted=False), passphrase=None)
    mine, shared = {"1.ics": event(1).content}, {"2.ics": event(2).content}
    account = TwoHomes({"shared": shared})
    for calendars in ({"shared": shared}, {"mine": mine}, {"mine": mine, "shared": shared}):
        account.calendars = calendars
        asyncio.run(back_up(account, repository, BackupOptions(job="home", guard=Guard(accept_shrink=True))))
    snapshot = repository.snapshot(repository.snapshots()[-1].identifier)
    files = {entry.path: snapshot.read(entry) for entry in snapshot.walk() if entry.is_file}
    assert sorted(files.values()) == sorted([event(1).content, event(2).content])
    assert files["/work/1.ics"] == event(1).content
    assert list(repository.check(read_data=True)) == []
