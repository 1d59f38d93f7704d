"""Ours: the newest snapshot of an encrypted store that is open before the first request, planned, written, read back.

`prepare N` makes the store, of N events in one calendar; `verify` restores it, `trust` does so without reading back.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from benchmarks.crawlers.account import Account, begin, done, now
from benchmarks.pipeline import MemorySource
from caldav_backup.archiver import BackupOptions, back_up
from caldav_backup.connectors.destination_caldav import CalDavDestination
from caldav_backup.dav import BasicAuthentication, Client, Transport
from caldav_backup.kloset import Configuration, Repository, open_storage
from caldav_backup.kloset.snapshot import Snapshot
from caldav_backup.restorer import RestoreOptions, Result, apply, plan_restore

PASSPHRASE = b"a passphrase of the benchmark"


def make_store(directory: Path, count: int) -> None:
    repository = Repository.create(
        open_storage(str(directory)), Configuration.new(encrypted=True), passphrase=PASSPHRASE
    )
    asyncio.run(back_up(MemorySource(count), repository, BackupOptions(job="benchmark")))


def newest(directory: Path) -> Snapshot:
    repository = Repository.open(open_storage(str(directory)), passphrase=PASSPHRASE)
    (header,) = repository.snapshots()
    return repository.snapshot(header.identifier)


async def run(account: Account, snapshot: Snapshot, *, verify: bool) -> int:
    """How many events are at the server now."""
    login = BasicAuthentication(account.user, account.password)
    transport = Transport(account.url, login, room=CalDavDestination.concurrency)
    destination = CalDavDestination(Client(transport), account.url, origin="benchmark")
    try:
        plan = await plan_restore(snapshot, destination, RestoreOptions(verify=verify))
        report = await apply(plan, snapshot, destination)
    finally:
        await destination.close()
    counts = report.counts()
    return counts[Result.CREATED] + counts[Result.IDENTICAL]


def main() -> None:
    account = Account.from_command_line()
    store = Path(account.directory) / "store"
    if sys.argv[2] == "prepare":
        make_store(store, int(sys.argv[3]))
        return
    snapshot = newest(store)
    begin(account)
    restored = asyncio.run(run(account, snapshot, verify=sys.argv[2] == "verify"))
    done(account, restored, now())


if __name__ == "__main__":
    main()
