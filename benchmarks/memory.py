"""Peak memory and time of a first and a quiet backup of 10,000 and of 100,000 events, from a directory and by CalDAV.

The store is plaintext, for the key derivation alone takes 270 MiB. Each run is a process of its own, started as a user
starts it; the peak is the kernel's (`ru_maxrss`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.events import event

LIMITS = {10_000: 150, 100_000: 256}


class Run(NamedTuple):
    """A process that ended well: wall time in seconds, peak memory in MiB."""

    seconds: float
    mebibytes: float


def run(argv: list[str]) -> Run:
    begin = time.perf_counter()
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(argv)} ended with {process.returncode}")
    return Run(seconds, usage.ru_maxrss / 1024)


def fill(directory: Path, count: int) -> None:
    calendar = directory / "work"
    calendar.mkdir(parents=True)
    for number in range(count):
        (calendar / f"{number:06}.ics").write_bytes(event(number).content)


def measure(label: str, location: str, count: int, scratch: Path) -> tuple[Run, Run]:
    ours = [
        sys.executable,
        "-m",
        "caldav_backup",
        "--config-dir",
        str(scratch / "settings"),
        "--store",
        str(scratch / label),
    ]
    subprocess.run([*ours, "init", "--plaintext"], check=True, stdout=subprocess.DEVNULL)
    first, quiet = (run([*ours, "backup", "-q", location]) for _ in range(2))
    print(
        f"{label:>20}: first {first.seconds:6.1f} s {first.mebibytes:5.0f} MiB   quiet {quiet.seconds:6.1f} s "
        f"{quiet.mebibytes:5.0f} MiB   (at most {LIMITS[count]} MiB)",
        flush=True,
    )
    return first, quiet


def from_directory(count: int, scratch: Path) -> tuple[Run, Run]:
    source = scratch / f"events-{count}"
    fill(source, count)
    return measure(f"directory-{count}", str(source), count, scratch)


def from_server(count: int, scratch: Path) -> tuple[Run, Run]:
    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.synthetic_caldav", str(count)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        return measure(f"caldav-{count}", server.stdout.readline().strip(), count, scratch)
    finally:
        server.terminate()
        server.wait()


def main() -> int:
    passed = True
    with tempfile.TemporaryDirectory() as directory:
        for kind in (from_directory, from_server):
            runs = {count: kind(count, Path(directory)) for count in LIMITS}
            for count, both in runs.items():
                passed &= max(each.mebibytes for each in both) <= LIMITS[count]
            small, large = runs[10_000][0].seconds, runs[100_000][0].seconds
            print(f"{'':>20}  ten times the events took {large / small:.1f} times as long")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
