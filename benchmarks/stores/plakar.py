"""plakar, in a home of its own. What its helper process takes is in its wall time, but not in that of the processor."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.stores.contestant import PASSPHRASE, Argv


class Plakar:
    """plakar from PATH."""

    name = "plakar"

    def __init__(self, scratch: Path, source: Path) -> None:
        self.store = scratch / "plakar"
        self._source = source
        self._target = scratch / "restored-plakar"
        self._home = tempfile.mkdtemp(prefix="plakar-")  # short: the socket of its helper lies below
        self.environment: Mapping[str, str] = {
            "HOME": self._home,
            "PATH": os.environ["PATH"],
            "PLAKAR_PASSPHRASE": PASSPHRASE,
            "PLAKAR_GRACEPERIOD": "0s",
            # It leaves its locks behind, and waits for none.
            "PLAKAR_LOCKLESS": "1",
        }
        self._run("-disable-security-check")
        self._run("at", str(self.store), "create")
        plain = scratch / "plakar-plaintext"
        self._run("at", str(plain), "create", "-plaintext")
        # Nothing tells of the derivation alone, but all that both stores have in common is nearly nothing.
        self.key_seconds = self._seconds_to_list(self.store) - self._seconds_to_list(plain)

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(["plakar", *arguments], check=True, env=dict(self.environment), capture_output=True)
        return done.stdout.decode()

    def commands(self, step: str) -> Sequence[Argv]:
        found = self._arguments(step)
        return [["plakar", "at", str(self.store), *arguments] for arguments in found]

    def _arguments(self, step: str) -> Sequence[Argv]:
        match step:
            case "list":
                return [["ls"]]
            case "restore all":
                return [["restore", "-to", str(self._target), self._snapshots()[0]]]
            case "check":
                return [["check", "-fast"]]
            case "check all data":
                return [["check"]]
            case "prune":
                # Unused packfiles are marked by the first maintenance, and deleted by the second.
                return [["prune", "-apply", *self._snapshots()[1:]], ["maintenance"], ["maintenance"]]
            case _:
                return [["backup", str(self._source)]]

    def _seconds_to_list(self, store: Path) -> float:
        return statistics.median(self._timed_list(store) for _ in range(5))

    def _timed_list(self, store: Path) -> float:
        begin = time.perf_counter()
        self._run("at", str(store), "ls")
        return time.perf_counter() - begin

    def _snapshots(self) -> list[str]:
        """Short ids, the newest first."""
        listed = self._run("at", str(self.store), "ls")
        return [line.split()[1] for line in listed.splitlines() if line.strip()]

    def close(self) -> None:
        shutil.rmtree(self._home, ignore_errors=True)
