"""Our command, as a user starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.stores.contestant import PASSPHRASE, Argv, seconds_apart

_OPEN = """
import sys, time
from caldav_backup.kloset import Repository, open_storage
for _ in range(2):  # the first one imports as well, which is no part of the derivation
    begin = time.perf_counter()
    Repository.open(open_storage(sys.argv[1]), passphrase=sys.argv[2].encode())
print(time.perf_counter() - begin)
"""


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
        self.key_seconds = seconds_apart(_OPEN, str(self.store), PASSPHRASE)

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
