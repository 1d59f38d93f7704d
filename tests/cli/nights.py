"""Stores of many nights, as the tests of removing and pinning need them."""

from __future__ import annotations

import time
from collections.abc import Sequence

from caldav_backup.kloset import Importer, Repository, open_storage
from tests.cli.conftest import Program
from tests.retention.headers import DAY, NOW
from tests.retention.stores import OURS, snap

THEIRS = Importer("fs", "laptop", "/home")


def store_of(cli: Program) -> Repository:
    """The program's store, made if it is not there."""
    location = cli.home / "store"
    if not location.exists():
        assert cli("init", "--plaintext").code == 0
    return Repository.open(open_storage(str(location)))


def add(cli: Program, days_ago: Sequence[float], *tags: str, job: str = "work", importer: Importer = OURS) -> list[str]:
    """Snapshots of so many days before now; their ids in hex."""
    repository = store_of(cli)
    ahead = (time.time_ns() - NOW) / DAY
    made = [snap(repository, days - ahead, *tags, job=job, importer=importer) for days in days_ago]
    return [header.identifier.hex() for header in made]


def listed(cli: Program) -> list[str]:
    """Ids in the order of `ls`."""
    return [each["id"] for each in cli("ls", "--all", "--json").document["result"]["snapshots"]]
