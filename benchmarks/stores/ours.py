"""Our command, as a user starts it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.stores.contestant import PASSPHRASE, Argv
from caldav_backup.kloset import Repository, open_storage


class Ours:
    """caldav-backup with an encrypted LZ4 store."""

    name = "ours"

    def __init__(self, scratch: Path, source: Path) -> None:
        self.store = scratch / "ours"
        self._source = source
        self._target = scratch / "restored-ours"
        state, cache = str(scratch / "ours-state"), str(scratch / "ours-cache")
        self.environment: Mapping[str, str] = {
            **os.environ,
            "CALDAV_BACKUP_PASSPHRASE": PASSPHRASE,
            "CALDAV_BACKUP_STATE_DIR": state,
            "CALDAV_BACKUP_CACHE_DIR": cache,
        }
        self._argv = [sys.executable, "-m", "caldav_backup", "--config-dir", str(scratch / "settings")]
        self._argv += ["--store", str(self.store)]
        subprocess.run([*self._argv, "init", "-q"], check=True, env=self.environment)
        begin = time.perf_counter()
        Repository.open(open_storage(str(self.store)), passphrase=PASSPHRASE.encode())
        self.key_seconds = time.perf_counter() - begin

    def commands(self, step: str) -> Sequence[Argv]:
        commands = {
            "list": [["ls"]],
            "restore all": [["restore", "latest", "--to", str(self._target), "--yes"]],
            "check": [["check"]],
            "check all data": [["check", "--read-data"]],
            # Unused packfiles are marked by the first maintenance, and deleted by the second.
            "prune": [["prune", "--keep-last", "1", "--apply"], *[["maintenance", "--apply", "--grace", "0s"]] * 2],
        }
        return [[*self._argv, *command] for command in commands.get(step, [["backup", str(self._source)]])]

    def close(self) -> None:
        """Everything lies in the scratch directory."""
