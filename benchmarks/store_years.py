"""What years of nightly snapshots cost whoever opens a store, before and after `maintenance --repack`.

A store on a file system, encrypted and LZ4 with a cheap key derivation, one calendar of which one event changes each
night, with the attributes that a CalDAV source has. Measured are the seconds until the index is there ("open"), until
all headers are ("ls"), until the newest one is ("latest"), and those of a backup that finds nothing changed, each in a
store opened anew; the best of several turns, by CPU time, which a busy machine leaves alone (files are in the cache of
the operating system). The ratios are to a store that has only one night.

    python -m benchmarks.store_years [--events 10000] [--nights 3000] [--turns 5] [--directory DIR]
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.store_build import attributes
from caldav_backup.kloset import Configuration, File, Importer, Repository, SnapshotBuilder, open_storage
from caldav_backup.kloset.header import Header
from caldav_backup.kloset.keys import Argon2id
from caldav_backup.kloset.maintenance.merging import apply_merging
from caldav_backup.kloset.maintenance.repacking import apply_repack, plan_repack
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.state import DeleteEntry, EntryType, make_run
from caldav_backup.kloset.storage import Kind
from tests.events import event

_MTIME_NS = 1_700_000_000_000_000_000
_NIGHT_NS = 86_400_000_000_000
_PASSPHRASE = b"a passphrase"
_IMPORTER = Importer("caldav-backup", "benchmark", "/")


def held() -> None:
    """Nobody else is at work."""


def open_store(path: Path) -> Repository:
    return Repository.open(open_storage(str(path)), passphrase=_PASSPHRASE)


class Calendar:
    """One calendar, of which another event changes each night."""

    def __init__(self, count: int) -> None:
        contents = (event(number) for number in range(count))
        self._files = sorted(File(f"{each.uid}.ics", each.content, _MTIME_NS) for each in contents)
        self._versions = bytearray(9 * count)

    def back_up(self, repository: Repository, night: int, parent: Header | None) -> Header:
        """The first backup, or one of a night in which one event has changed."""
        place = night * 7919 % len(self._files)
        file = self._files[place]
        self._files[place] = File(file.name, file.content + b"X-NIGHT:%d\r\n" % night, file.mtime_ns + night)
        self._versions[9 * place : 9 * place + 9] = night.to_bytes(9)
        # Committed as if the nights had really gone by.
        builder = SnapshotBuilder(repository, importer=_IMPORTER, clock=lambda: _MTIME_NS + night * _NIGHT_NS)
        parents = [repository.snapshot(parent.identifier)] if parent else []
        directory = builder.open_directory("/work", parents=parents)
        if parent is None:
            directory.add(self._files)
        else:
            names = [each.name for each in self._files]
            directory.keep(names[:place])
            directory.add(self._files[place : place + 1])
            directory.keep(names[place + 1 :])
        directory.close(attributes(bytes(self._versions)))
        return builder.finish()


def back_up_nothing(repository: Repository) -> None:
    """What a run does that finds every calendar unchanged; the snapshot is not committed."""
    parent = repository.snapshot(next(iter(repository.snapshots_newest_first())).identifier)
    with SnapshotBuilder(repository, importer=_IMPORTER) as builder:
        builder.keep_directory("/work", parent=parent)


def make_store(path: Path, calendar: Calendar, nights: range) -> None:
    configuration = Configuration.new(encrypted=True, kdf=Argon2id(time=1, memory=1 << 10))
    repository = Repository.create(open_storage(str(path)), configuration, passphrase=_PASSPHRASE)
    header = None
    for night in nights:
        header = calendar.back_up(repository, night, header)
        if night % 100 == 0:
            print(f"\r{night} nights", end="", file=sys.stderr, flush=True)
    print("\r", end="", file=sys.stderr)


def measure(path: Path, turns: int) -> dict[str, float]:
    """Seconds of CPU time by what was done, of a store opened anew each time."""
    works: dict[str, Callable[[Repository], object]] = {
        "open": lambda repository: repository.index,
        "ls": lambda repository: repository.snapshots(),
        "latest": lambda repository: next(iter(repository.snapshots_newest_first())),
        "backup": back_up_nothing,
    }
    found = {}
    for name, work in works.items():
        seconds = []
        for _ in range(turns):
            repository = open_store(path)
            begin = time.process_time()
            work(repository)
            seconds.append(time.process_time() - begin)
        found[name] = min(seconds)
    return found


def repack(path: Path) -> float:
    begin = time.process_time()
    repository = open_store(path)
    apply_repack(repository, plan_repack(repository), confirm=held)
    apply_merging(repository, confirm=held)
    return time.process_time() - begin


def sweep(path: Path) -> None:
    """What a maintenance does once the grace period is over, and merging once more."""
    repository = open_store(path)
    coloured = [each.identifier for each in repository.index.colours if each.resource_type == ResourceType.PACKFILE]
    entries = [DeleteEntry(EntryType.PACKFILE, packfile=packfile) for packfile in coloured]
    marks = [DeleteEntry(EntryType.COLOURED, ResourceType.PACKFILE, packfile) for packfile in coloured]
    repository.put_state(b"w" * 32, [make_run(entries), make_run(marks)])
    for packfile in coloured:
        repository.storage.delete(Kind.PACKFILE, packfile)
    apply_merging(repository, confirm=held)


def report(label: str, path: Path, turns: int, fresh: dict[str, float] | None) -> dict[str, float]:
    found = measure(path, turns)
    files = [each for each in path.rglob("*") if each.is_file()]
    size = sum(each.stat().st_size for each in files)
    columns = [f"{seconds * 1000:8.1f} ms {seconds / (fresh or found)[name]:6.1f}x" for name, seconds in found.items()]
    print(f"{label:>22} {len(files):6,} files {size / 1e6:8.1f} MB " + " ".join(columns), flush=True)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure what years of nightly snapshots cost.")
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--nights", type=int, default=3_000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--directory", type=Path, help="keep the stores here, and take those that are there")
    options = parser.parse_args()
    root = options.directory or Path(tempfile.mkdtemp(prefix="store-years-"))
    years, one = root / f"years-{options.events}-{options.nights}", root / f"one-{options.events}"
    try:
        if not years.exists():
            make_store(years, Calendar(options.events), range(options.nights))
        if not one.exists():
            make_store(one, Calendar(options.events), range(1))
        print(f"{options.events:,} events, {options.nights:,} nights")
        print(" " * 48 + "             ".join(f"{name:>6}" for name in ("open", "ls", "latest", "backup")))
        fresh = report("one night", one, options.turns, None)
        report("all nights", years, options.turns, fresh)
        used = root / "repacked"
        shutil.rmtree(used, ignore_errors=True)
        shutil.copytree(years, used)
        print(f"{'repacking':>22} {repack(used):.1f} s")
        report("repacked", used, options.turns, fresh)
        sweep(used)
        report("and swept", used, options.turns, fresh)
        shutil.rmtree(used)
    finally:
        if options.directory is None:
            shutil.rmtree(root)
    return 0


if __name__ == "__main__":
    sys.exit(main())
