"""restic, with its cache, compressing by default where its version does so."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.stores.contestant import PASSPHRASE, Argv, seconds_apart

_DERIVE = """
import base64, json, sys, time
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
key = json.loads(sys.argv[1])
begin = time.perf_counter()
Scrypt(base64.b64decode(key["salt"]), 64, key["N"], key["r"], key["p"]).derive(sys.argv[2].encode())
print(time.perf_counter() - begin)
"""


class Restic:
    """restic from PATH."""

    name = "restic"

    def __init__(self, scratch: Path, source: Path) -> None:
        self.store = scratch / "restic"
        self._source = source
        self._target = scratch / "restored-restic"
        self.environment: Mapping[str, str] = {
            "PATH": os.environ["PATH"],
            "HOME": str(scratch),
            "XDG_CACHE_HOME": str(scratch / "restic-cache"),
            "RESTIC_PASSWORD": PASSPHRASE,
            "RESTIC_REPOSITORY": str(self.store),
        }
        subprocess.run(["restic", "init"], check=True, env=self.environment, capture_output=True)
        self.key_seconds = _derivation(self.store)

    def commands(self, step: str) -> Sequence[Argv]:
        commands = {
            "list": ["snapshots"],
            "restore all": ["restore", "latest", "--target", str(self._target)],
            "check": ["check"],
            "check all data": ["check", "--read-data"],
            "prune": ["forget", "--keep-last", "1", "--prune"],
        }
        return [["restic", *commands.get(step, ["backup", str(self._source)])]]

    def close(self) -> None:
        """Everything lies in the scratch directory."""


def _derivation(store: Path) -> float:
    """Seconds for its scrypt, whose cost it chooses by the machine when it makes a key."""
    (path,) = (store / "keys").iterdir()
    return seconds_apart(_DERIVE, path.read_text(encoding="utf-8"), PASSPHRASE)
