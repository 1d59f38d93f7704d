"""What every contestant can do, and what one step costs it.

Owns running a program and counting what the kernel says of it: wall time, time of the processor (its children's too),
the largest resident set.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

PASSPHRASE = "a passphrase of the benchmark"
#: What is measured, in this order.
STEPS = ("first backup", "nothing changed", "1 changed", "list", "restore all", "check", "check all data", "prune")

Argv = Sequence[str]


class Cost(NamedTuple):
    """Seconds of wall and processor time, MiB of the largest process, bytes that the store grew by (or shrank)."""

    wall: float
    cpu: float
    mebibytes: float
    grown: int


class Contestant(Protocol):
    """One program with a store of its own, made and empty."""

    name: str
    store: Path
    environment: Mapping[str, str]
    key_seconds: float
    """What one derivation of the key takes; each command does one, and it is taken off."""

    def commands(self, step: str) -> Sequence[Argv]:
        """What has to be run for a step."""

    def close(self) -> None:
        """Leave nothing behind."""


def measure(contestant: Contestant, step: str) -> Cost:
    """Run one step; SystemExit with what the program said when it fails."""
    before = size_of(contestant.store)
    wall = cpu = mebibytes = 0.0
    for argv in contestant.commands(step):
        begin = time.perf_counter()
        with subprocess.Popen(
            argv, env=dict(contestant.environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            assert process.stdout is not None
            said = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{contestant.name}: {' '.join(argv)} ended with {process.returncode}: {said!r}")
        wall += time.perf_counter() - begin - contestant.key_seconds
        cpu += usage.ru_utime + usage.ru_stime - contestant.key_seconds
        mebibytes = max(mebibytes, usage.ru_maxrss / 1024)
    return Cost(wall, cpu, mebibytes, size_of(contestant.store) - before)


def seconds_apart(program: str, *arguments: str) -> float:
    """The number that a Python program prints. A process of its own derives keys: the memory that this one once had
    would be counted as that of each program it starts (`ru_maxrss` goes on through exec).
    """
    done = subprocess.run([sys.executable, "-c", program, *arguments], check=True, stdout=subprocess.PIPE)
    return float(done.stdout)


def size_of(store: Path) -> int:
    return sum(path.stat().st_size for path in store.rglob("*") if path.is_file())
