"""The real plakar, run as a program: it opens, lists, checks, cats and restores what we write, and the other way round.

Its exit status is not reliable (v1.1.4 can end with 0 after a state could not be merged), so its output is looked at
too. It caches by repository id, hence each test gives it a home of its own.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

_TROUBLE = re.compile(r"\b(error|errors occurred|failed|panic|✘)", re.IGNORECASE)
_FINE = re.compile(r"without errors?")


@dataclass(frozen=True, slots=True)
class Plakar:
    """A plakar with a home of its own that works on one store."""

    program: str
    home: Path
    store: Path
    passphrase: str | None

    def run(self, *arguments: str | Path, environment: Mapping[str, str] | None = None) -> str:
        """Standard output of a command that must succeed, by its status and by its own words."""
        done = self._run(*arguments, environment=environment or {})
        said = _FINE.sub("", done.stdout.decode("utf-8", "replace") + done.stderr.decode("utf-8", "replace"))
        assert done.returncode == 0, said
        assert not _TROUBLE.search(said), said
        return done.stdout.decode("utf-8", "surrogateescape")

    def maintain(self, grace: str) -> str:
        """Maintenance with a grace period, `0s` or `168h`."""
        return self.run("maintenance", environment={"PLAKAR_GRACEPERIOD": grace})

    def cat(self, snapshot: str, path: str) -> bytes:
        """The exact bytes of one file."""
        done = self._run("cat", f"{snapshot}:{path}")
        assert done.returncode == 0, done.stderr
        return done.stdout

    def snapshots(self) -> list[str]:
        """Short ids, as `plakar ls` prints them."""
        return [line.split()[1] for line in self.run("ls").splitlines() if line.strip()]

    def errors(self, snapshot: str) -> dict[str, str]:
        """What `plakar info -errors` tells of paths that could not be read, and why."""
        done = self._run("info", "-errors", snapshot)
        assert done.returncode == 0, done.stderr
        return dict(line.split(": ", 1) for line in done.stdout.decode("utf-8").splitlines())

    def _run(
        self, *arguments: str | Path, environment: Mapping[str, str] = MappingProxyType({})
    ) -> subprocess.CompletedProcess[bytes]:
        environment = {"HOME": str(self.home), "PATH": os.environ["PATH"], "PLAKAR_LOCKLESS": "1", **environment}
        if self.passphrase is not None:
            environment["PLAKAR_PASSPHRASE"] = self.passphrase
        argv = [self.program, "at", str(self.store), *map(str, arguments)]
        return subprocess.run(argv, env=environment, capture_output=True, check=False, timeout=110)


def find_plakar(store: Path, passphrase: str | None) -> Plakar | None:
    """plakar on PATH, ready for `store`; None when there is none."""
    program = shutil.which("plakar")
    if program is None:
        return None
    home = Path(tempfile.mkdtemp(prefix="plakar-"))  # short: the socket of its helper lies below
    subprocess.run([program, "-disable-security-check"], env={"HOME": str(home)}, check=True, capture_output=True)
    return Plakar(program, home, store, passphrase)
