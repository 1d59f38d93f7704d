"""Ours: `back_up` into an encrypted store that is open before the first request."""

from __future__ import annotations

import asyncio
from pathlib import Path

from benchmarks.crawlers.account import Account, begin, done, now
from caldav_backup.archiver import BackupOptions, back_up
from caldav_backup.connectors.caldav import CalDavSource
from caldav_backup.dav import BasicAuthentication, Client, Transport
from caldav_backup.kloset import Configuration, Repository, open_storage

PASSPHRASE = b"a passphrase of the benchmark"


def opened(directory: Path) -> Repository:
    storage = open_storage(str(directory))
    if not directory.exists():
        return Repository.create(storage, Configuration.new(encrypted=True), passphrase=PASSPHRASE)
    return Repository.open(storage, passphrase=PASSPHRASE)


async def run(account: Account, repository: Repository) -> int:
    """How many events the new snapshot holds."""
    transport = Transport(account.url, BasicAuthentication(account.user, account.password))
    async with CalDavSource(Client(transport), account.url, origin="benchmark") as source:
        outcome = await back_up(source, repository, BackupOptions(job="benchmark"))
    assert not outcome.failures
    return outcome.records


def main() -> None:
    account = Account.from_command_line()
    repository = opened(Path(account.directory) / "store")
    begin(account)
    events = asyncio.run(run(account, repository))
    done(account, events, now())


if __name__ == "__main__":
    main()
