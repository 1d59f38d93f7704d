"""The store alone: speed, bytes on disk and memory of the write side, against plakar's own backup of the same files.

Files of about 550 bytes in one calendar go into an encrypted LZ4 store; then one in the middle is changed, then
nothing. Each backup is a process of its own that imports, opens the store, reads the files and commits; key derivation
is measured and taken off both sides. Events a second are those of the builder alone, fsync included, by the clock and
by CPU time, which a busy machine leaves alone. Where `plakar` is on PATH it backs up the same files in the same run.

    python -m benchmarks.store_build [--events 10000,100000] [--chunks 4,16,64] [--plaintext]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.crawlers.account import peak_memory
from tests.events import event

PASSPHRASE = "a passphrase of the benchmark"
BATCH = 100


class Step(NamedTuple):
    """One backup: bytes that it added to the store, seconds without key derivation, peak memory in MiB."""

    added: int
    seconds: float
    key_seconds: float
    builder_seconds: float = 0.0
    builder_cpu: float = 0.0
    peak: float = 0.0


def fill(directory: Path, count: int) -> None:
    directory.mkdir(parents=True)
    for number in range(count):
        (directory / f"{event(number).uid}.ics").write_bytes(event(number).content)


def change_one(directory: Path) -> str:
    names = sorted(os.listdir(directory))
    name = names[len(names) // 2]
    content = (directory / name).read_bytes()
    (directory / name).write_bytes(content.replace(b"SUMMARY:", b"SUMMARY:Moved: "))
    return name


def size_of(store: Path) -> int:
    return sum(path.stat().st_size for path in store.rglob("*") if path.is_file())


# In the process that is measured


def work(store: str, directory: Path, changed: str, plaintext: bool) -> dict[str, Any]:
    """One backup; `changed` names the file that differs from the last snapshot, `*` means all of them, empty none."""
    from caldav_backup.kloset import Importer, Repository, SnapshotBuilder, open_storage

    begin = time.perf_counter()
    repository = Repository.open(open_storage(store), passphrase=None if plaintext else PASSPHRASE.encode())
    key_seconds = time.perf_counter() - begin
    if not plaintext:
        # The derivation alone takes 270 MiB: the peak is counted from here on.
        Path("/proc/self/clear_refs").write_text("5")
    watch = Stopwatch()
    builder = SnapshotBuilder(repository, importer=Importer("caldav-backup", "benchmark", "/"), job="benchmark")
    calendar = f"/{directory.name}"
    if changed == "":
        builder.keep_directory(calendar, parent=latest(repository))
    else:
        store_calendar(repository, builder, directory, changed, watch)
    builder.finish()
    wall, cpu = watch.read()
    return {"key_seconds": key_seconds, "builder_seconds": wall, "builder_cpu": cpu, "peak": peak_memory()}


class Stopwatch:
    """Wall and CPU seconds since it was made, without those of its pauses."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> tuple[float, float]:
        return time.perf_counter() - self._wall, time.process_time() - self._cpu

    @contextmanager
    def paused(self) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self._wall += time.perf_counter() - wall
        self._cpu += time.process_time() - cpu


def latest(repository: Any) -> Any:
    return repository.snapshot(repository.snapshots()[-1].identifier)


def store_calendar(repository: Any, builder: Any, directory: Path, changed: str, watch: Stopwatch) -> None:
    """Reading the files is no part of what is measured."""
    from caldav_backup.kloset import File

    parents = [] if changed == "*" else [latest(repository)]
    target = builder.open_directory(f"/{directory.name}", parents=parents)
    names = sorted(os.listdir(directory))
    versions = bytearray()
    for start in range(0, len(names), BATCH):
        with watch.paused():
            batch = names[start : start + BATCH]
            files = [File(name, (directory / name).read_bytes(), 1_700_000_000_000_000_000) for name in batch]
            versions += b"".join([repository.keyed.mac(file.content)[:9] for file in files])
        if changed == "*":
            target.add(files)
        else:
            store_batch(target, files, changed)
    target.close(attributes(bytes(versions)))


def store_batch(target: Any, files: list[Any], changed: str) -> None:
    for place, file in enumerate(files):
        if file.name == changed:
            target.keep([file.name for file in files[:place]])
            target.add([file])
            target.keep([file.name for file in files[place + 1 :]])
            return
    target.keep([file.name for file in files])


def attributes(versions: bytes) -> dict[str, bytes]:
    """What a calendar's directory carries: its properties, and nine bytes for each event's version."""
    texts = {
        "displayname": "Work",
        "color": "#ff0000ff",
        "order": "1",
        "description": "What happens at work",
        "timezone": "Europe/Berlin",
        "components": "VEVENT VTODO",
        "transp": "opaque",
        "owner": "/principals/alice/",
        "rights": "read write",
        "href": "/calendars/alice/work/",
        "ctag": versions[-20:].hex(),
        "sync-token": f"https://example.org/sync/{versions[-9:].hex()}",
    }
    return {f"user.caldav.{name}": text.encode() for name, text in texts.items()} | {"user.caldav.resources": versions}


# The runs


class Ours:
    """Stores by the write side here."""

    def __init__(self, scratch: Path, options: argparse.Namespace) -> None:
        self._store = scratch / "ours"
        self._options = options
        self._create()
        # As after an installation: what is imported was compiled before.
        self._environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
        subprocess.run(
            [sys.executable, "-c", "import numpy, benchmarks.store_build, caldav_backup.kloset.builder"],
            check=True,
            env=self._environment,
        )

    def _create(self) -> None:
        from caldav_backup.kloset import Configuration, Repository, open_storage
        from caldav_backup.kloset.configuration import ChunkSizes

        minimum, normal, maximum = (int(size) << 10 for size in self._options.chunks.split(","))
        sizes = ChunkSizes(minimum, normal, maximum)
        configuration = Configuration.new(encrypted=not self._options.plaintext, chunking=sizes)
        passphrase = None if self._options.plaintext else PASSPHRASE.encode()
        Repository.create(open_storage(str(self._store)), configuration, passphrase=passphrase)

    def backup(self, directory: Path, changed: str) -> Step:
        before = size_of(self._store)
        argv = [sys.executable, "-m", "benchmarks.store_build", "--work", str(self._store), str(directory), changed]
        argv += ["--plaintext"] if self._options.plaintext else []
        begin = time.perf_counter()
        done = subprocess.run(argv, check=True, stdout=subprocess.PIPE, env=self._environment)
        seconds = time.perf_counter() - begin
        told = json.loads(done.stdout)
        added = size_of(self._store) - before
        return Step(added, seconds - told["key_seconds"], **told)


class Plakar:
    """Stores by the real plakar, in a home of its own."""

    def __init__(self, scratch: Path, options: argparse.Namespace) -> None:
        self._store = scratch / "plakar"
        self._home = tempfile.mkdtemp(prefix="plakar-")  # short: the socket of its helper lies below
        self._environment = {"HOME": self._home, "PATH": os.environ["PATH"], "PLAKAR_PASSPHRASE": PASSPHRASE}
        self._run("-disable-security-check")
        self._run("at", str(self._store), "create", *(["-plaintext"] if options.plaintext else []))

    def _run(self, *arguments: str) -> float:
        begin = time.perf_counter()
        subprocess.run(["plakar", *arguments], check=True, env=self._environment, capture_output=True)
        return time.perf_counter() - begin

    def backup(self, directory: Path, key_seconds: float) -> Step:
        """Its key derivation has the parameters of ours and takes as long."""
        before = size_of(self._store)
        seconds = self._run("at", str(self._store), "backup", str(directory.parent))
        return Step(size_of(self._store) - before, seconds - key_seconds, key_seconds)

    def close(self) -> None:
        shutil.rmtree(self._home, ignore_errors=True)


def measure(count: int, options: argparse.Namespace, scratch: Path) -> None:
    directory = scratch / "source" / "work"
    fill(directory, count)
    ours = Ours(scratch, options)
    plakar = Plakar(scratch, options) if shutil.which("plakar") and not options.alone else None
    print(f"{count} events, chunks of {options.chunks} KiB", flush=True)
    columns = f"{'':>16} {'bytes':>12} {'seconds':>8} {'events/s':>9} {'by CPU':>9} {'MiB':>5}"
    print(columns if plakar is None else f"{columns}   plakar: {'bytes':>12} {'seconds':>8}   ratios")
    for label in ("first", "one changed", "nothing changed"):
        changed = {"first": "*", "nothing changed": ""}.get(label)
        step = ours.backup(directory, change_one(directory) if changed is None else changed)
        told = f"{label:>16} {step.added:12,} {step.seconds:8.2f} {count / step.builder_seconds:9,.0f}"
        told += f" {count / step.builder_cpu:9,.0f} {step.peak:5.0f}"
        if plakar is not None:
            theirs = plakar.backup(directory, step.key_seconds)
            told += f"           {theirs.added:12,} {theirs.seconds:8.2f}"
            told += f"   {step.added / theirs.added:.3f} of its bytes, {step.seconds / theirs.seconds:.2f} of its time"
        print(told, flush=True)
    if plakar is not None:
        plakar.close()


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the store's write side.")
    parser.add_argument("--events", default="10000,100000")
    parser.add_argument("--chunks", default="4,16,64", help="smallest, normal and largest chunk in KiB")
    parser.add_argument("--plaintext", action="store_true")
    parser.add_argument("--alone", action="store_true", help="without plakar")
    parser.add_argument("--work", nargs=3, metavar=("STORE", "DIRECTORY", "CHANGED"), help="internal")
    options = parser.parse_args()
    if options.work:
        store, directory, changed = options.work
        print(json.dumps(work(store, Path(directory), changed, options.plaintext)))
        return 0
    for count in map(int, options.events.split(",")):
        with tempfile.TemporaryDirectory() as scratch:
            measure(count, options, Path(scratch))
    return 0


if __name__ == "__main__":
    sys.exit(main())
