"""Nights at a scripted server: whole runs into one store, and what the store holds after them."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import httpx

from caldav_backup.archiver import BackupOptions, Outcome, back_up
from caldav_backup.connectors.caldav import CalDavSource
from caldav_backup.dav import BasicAuthentication, Client, Retries, Transport
from caldav_backup.dav.limits import Limits
from caldav_backup.kloset import Configuration, Repository, Snapshot
from caldav_backup.kloset.storage.memory import MemoryStorage
from tests.servers.scripted import Account, ScriptedServer

#: Without these a calendar is listed every night.
SIGNALS = ("{http://calendarserver.org/ns/}getctag", "{DAV:}sync-token")
#: As patient as the program, in a shorter time.
SOON = Retries(first_wait=0.01)


class Night(NamedTuple):
    """One run: what came of it, and how many requests it took."""

    outcome: Outcome
    requests: int


class Nights:
    """One source that is backed up again and again into one store in memory."""

    def __init__(self) -> None:
        self.repository = Repository.create(MemoryStorage(), Configuration.new(encrypted=False), passphrase=None)

    def backup(
        self,
        server: ScriptedServer,
        url: str = "",
        *,
        timeout: float = 10.0,
        full: bool = False,
        network: httpx.AsyncBaseTransport | None = None,
        limits: Limits = Limits(),  # noqa: B008  # frozen
    ) -> Night:
        """One run from `url`, by default the server's; the server counts its requests anew."""
        account, address = server.account, url or server.url
        server.forget()

        async def run() -> Night:
            login = BasicAuthentication(account.user, account.password) if account.user else None
            transport = Transport(address, login, timeout=timeout, retries=SOON, network=network, limits=limits)
            async with CalDavSource(Client(transport), address, origin="alice@scripted") as source:
                outcome = await back_up(source, self.repository, BackupOptions(job="test", full=full))
                return Night(outcome, transport.requests)

        return asyncio.run(run())

    @property
    def snapshots(self) -> int:
        return len(self.repository.snapshots())

    @property
    def newest(self) -> Snapshot:
        return self.repository.snapshot(self.repository.snapshots()[-1].identifier)

    def stored(self) -> dict[str, bytes]:
        """Every event of the newest snapshot."""
        snapshot = self.newest
        return {entry.path: snapshot.read(entry) for entry in snapshot.walk() if entry.is_file}

    def assert_sound(self) -> None:
        assert list(self.repository.check(read_data=True)) == []


def served(account: Account) -> dict[str, bytes]:
    """Every event of the account under the path that it has in a snapshot, where nothing has a strange name."""
    found: dict[str, bytes] = {}
    for collection in account.collections.values():
        if collection.is_calendar:
            name = collection.path.rstrip("/").rpartition("/")[2]
            found |= {f"/{name}/{item.segment}": item.content for item in collection.items.values()}
    return found
