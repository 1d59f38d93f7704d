"""Events a second that the pipeline stores on one core: `back_up` from a source in memory into an encrypted LZ4 store.

100,000 events of about 550 bytes in one calendar, made before; then the same again with nothing changed. Each round is
a process of its own that is pinned to one core, where the event loop, the store's thread and every fsync share it; key
derivation is apart. By the clock, and by CPU time, which a busy machine leaves alone. Ends with 1 when the median by
the clock misses what is promised.

    python -m benchmarks.pipeline [--events N] [--rounds N]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from caldav_backup.archiver import BackupOptions, back_up
from caldav_backup.connectors.base import Catalogue, Changes, Collection, Listing, Record, Resource, Version
from caldav_backup.kloset import Configuration, Repository, open_storage
from tests.events import event

EVENTS = 100_000
ROUNDS = 3
AT_LEAST = 12_000


class MemorySource:
    """One calendar whose events are there already: what a source costs is next to nothing."""

    hint = ""

    origin = "memory"
    requests = 0

    def __init__(self, count: int) -> None:
        self._contents: dict[str, bytes] = {}
        self._versions: list[Version] = []
        for number in range(count):
            name, _, content = event(number)
            self._contents[name] = content
            self._versions.append(Version(name, name, f"{number}", 1_700_000_000_000_000_000, len(content)))
        self._collections = [Collection("/work/", "work", "Work", {"displayname": b"Work"})]

    async def catalogue(self) -> Catalogue:
        return Catalogue(self._collections)

    async def complete(self, collections: Sequence[Collection]) -> list[Collection]:
        return list(collections)

    async def list_versions(self, collection: Collection) -> Listing:
        del collection
        return Listing(list(self._versions))

    async def list_changes(self, collection: Collection, since: bytes) -> Changes | None:
        del collection, since
        return None

    async def fetch(self, collection: Collection, versions: Sequence[Version]) -> list[Record]:
        del collection
        return [Resource(version, self._contents[version.key]) for version in versions]

    async def close(self) -> None:
        """Nothing is open."""


class Step(NamedTuple):
    """One backup: seconds by the clock, and of CPU."""

    wall: float
    cpu: float


# In the process that is measured


def work(count: int) -> list[Step]:
    """A first backup and a quiet one, on one core."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    source = MemorySource(count)
    with tempfile.TemporaryDirectory(prefix="pipeline-") as directory:
        storage = open_storage(str(Path(directory) / "store"))
        repository = Repository.create(storage, Configuration.new(encrypted=True), passphrase=b"benchmark")
        return [store(source, repository, count) for _ in range(2)]


def store(source: MemorySource, repository: Repository, count: int) -> Step:
    wall, cpu = time.perf_counter(), time.process_time()
    outcome = asyncio.run(back_up(source, repository, BackupOptions(job="benchmark")))
    step = Step(time.perf_counter() - wall, time.process_time() - cpu)
    assert outcome.records == count
    return step


# The rounds


def measured(count: int) -> list[Step]:
    argv = [sys.executable, "-m", "benchmarks.pipeline", "--events", str(count), "--work"]
    done = subprocess.run(argv, check=True, stdout=subprocess.PIPE)
    return [Step(*each) for each in json.loads(done.stdout)]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline", description="Measure the pipeline.")
    parser.add_argument("--events", type=int, default=EVENTS, metavar="N")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N")
    parser.add_argument("--work", action="store_true", help="internal")
    options = parser.parse_args()
    if options.work:
        print(json.dumps(work(options.events)))
        return 0
    rounds = [measured(options.events) for _ in range(options.rounds)]
    print(
        f"{options.events:,} events, medians of {options.rounds}\n{'':>16} {'seconds':>8} {'events/s':>9} {'by CPU':>9}"
    )
    speeds = []
    for label, steps in zip(("first", "nothing changed"), zip(*rounds, strict=True), strict=True):
        wall, cpu = (statistics.median(each) for each in zip(*steps, strict=True))
        speeds.append(options.events / wall)
        print(f"{label:>16} {wall:8.2f} {speeds[-1]:9,.0f} {options.events / cpu:9,.0f}")
    is_reached = speeds[0] >= AT_LEAST
    print(f"  first run, events a second (at least {AT_LEAST:,})   {'ok' if is_reached else 'MISSED'}")
    return 0 if is_reached else 1


if __name__ == "__main__":
    sys.exit(main())
