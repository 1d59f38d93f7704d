"""What chunk sizes and the order of trees cost: bytes of a first backup, and of one changed event, on average.

The store is in memory, encrypted and LZ4; events of about 550 bytes, one calendar with its attributes; the changed
events are spread evenly over the calendar, each on top of the one before. These are the figures of the decisions on
chunk sizes and on the shape of trees (`docs/design/decisions`).

    python -m benchmarks.store_growth [--events 1000,10000] [--changes 16]
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import NamedTuple

from benchmarks.store_build import attributes
from caldav_backup.kloset import Configuration, File, Importer, Repository, Snapshot, SnapshotBuilder
from caldav_backup.kloset.btree import DEFAULT_ORDER
from caldav_backup.kloset.configuration import ChunkSizes
from caldav_backup.kloset.keys import Argon2id
from caldav_backup.kloset.storage import MemoryStorage
from tests.events import event

CHUNKS = ((4, 8, 64), (4, 16, 64), (8, 32, 128), (16, 64, 256), (64, 256, 1024), (512, 1024, 8192))
ORDERS = (25, 50, 100, 200, 400, 1000)
_MTIME_NS = 1_700_000_000_000_000_000


class Growth(NamedTuple):
    """Bytes of the first backup and of one changed event, and seconds of the first."""

    first: int
    changed: float
    seconds: float


class Calendar:
    """One calendar in a store of its own."""

    def __init__(self, count: int, chunks: tuple[int, int, int], order: int) -> None:
        files = [File(f"{event(number).uid}.ics", event(number).content, _MTIME_NS) for number in range(count)]
        self._files = sorted(files)
        minimum, normal, maximum = chunks
        sizes = ChunkSizes(minimum << 10, normal << 10, maximum << 10)
        cheap = Argon2id(time=1, memory=1 << 10)
        self._storage = MemoryStorage()
        configuration = Configuration.new(encrypted=True, chunking=sizes, kdf=cheap)
        self._repository = Repository.create(self._storage, configuration, passphrase=b"a passphrase")
        self._order = order

    def measure(self, changes: int) -> Growth:
        begin = time.perf_counter()
        snapshot, first = self._backup(None, -1)
        seconds = time.perf_counter() - begin
        total = 0
        for turn in range(changes):
            place = (2 * turn + 1) * len(self._files) // (2 * changes)
            file = self._files[place]
            content = file.content.replace(b"SUMMARY:", b"SUMMARY:Moved: ")
            self._files[place] = File(file.name, content, file.mtime_ns + turn + 1)
            snapshot, added = self._backup(snapshot, place)
            total += added
        return Growth(first, total / changes, seconds)

    def _backup(self, parent: Snapshot | None, changed: int) -> tuple[Snapshot, int]:
        before = sum(map(len, self._storage.files.values()))
        importer = Importer("caldav-backup", "benchmark", "/")
        builder = SnapshotBuilder(self._repository, importer=importer, tree_order=self._order)
        target = builder.open_directory("/work", parents=[parent] if parent else [])
        if parent is None:
            target.add(self._files)
        else:
            names = [file.name for file in self._files]
            target.keep(names[:changed])
            target.add(self._files[changed : changed + 1])
            target.keep(names[changed + 1 :])
        versions = b"".join(self._repository.keyed.mac(file.content)[:9] for file in self._files)
        target.close(attributes(versions))
        snapshot = self._repository.snapshot(builder.finish().identifier)
        return snapshot, sum(map(len, self._storage.files.values())) - before


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure what chunk sizes and the order of trees cost.")
    parser.add_argument("--events", default="1000,10000")
    parser.add_argument("--changes", type=int, default=16)
    options = parser.parse_args()
    for count in map(int, options.events.split(",")):
        print(f"{count} events, {options.changes} changes\n{'':>18} {'first':>12} {'one changed':>12} {'seconds':>8}")
        variants = {f"{'/'.join(map(str, chunks))} KiB": (chunks, DEFAULT_ORDER) for chunks in CHUNKS}
        variants |= {f"order {order}": ((4, 16, 64), order) for order in ORDERS}
        for label, (chunks, order) in variants.items():
            growth = Calendar(count, chunks, order).measure(options.changes)
            print(f"{label:>18} {growth.first:12,} {growth.changed:12,.0f} {growth.seconds:8.2f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
