"""The program as tests run it: in this process where that is enough, as a process of its own where it matters."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from caldav_backup.cli.app import main
from tests.cli.schemas import check_document
from tests.kloset.conftest import golden

__all__ = ["golden"]

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ended:
    """One run of the program."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The JSON document on standard output, which is what its schema says."""
        return check_document(json.loads(self.out))


class Program:
    """Runs command lines with settings and state of their own, below `home`."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self.environ = {
            "CALDAV_BACKUP_CONFIG_DIR": str(home / "config"),
            "CALDAV_BACKUP_STATE_DIR": str(home / "state"),
            "CALDAV_BACKUP_CACHE_DIR": str(home / "cache"),
            "CALDAV_BACKUP_STORE": str(home / "store"),
        }
        self._capsys = capsys

    def __call__(self, *arguments: str, **environ: str) -> Ended:
        """Run in this process."""
        self._capsys.readouterr()
        code = main(arguments, self.environ | environ)
        captured = self._capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    def process(self, *arguments: str, **environ: str) -> Ended:
        """Run as a process with nothing else in its environment, and no terminal."""
        done = subprocess.run(
            [sys.executable, "-m", "caldav_backup", *arguments],
            env=self.environ | environ,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Program:
    return Program(tmp_path, capsys)
