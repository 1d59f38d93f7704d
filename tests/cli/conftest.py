"""The program as tests run it: in this process where that is enough, as a process of its own where it matters."""

from __future__ import annotations

import json
import subprocess
import sys
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from caldav_backup.cli.app import main
from caldav_backup.cli.terminal import Terminal
from caldav_backup.settings import Secret
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


class Person(Terminal):
    """A terminal with a person at it, who types what is given here; `questions` are those that were asked."""

    def __init__(self, *typed: str, says_yes: bool = False) -> None:
        self.questions: list[str] = []
        self._typed = list(typed)
        self._says_yes = says_yes

    @property
    def can_ask(self) -> bool:
        return True

    def ask_secret(self, question: str) -> Secret:
        self.questions.append(question)
        return Secret(self._typed.pop(0))

    def ask(self, question: str) -> str:
        self.questions.append(question)
        return self._typed.pop(0)

    def confirm(self, question: str) -> bool:
        self.questions.append(question)
        return self._says_yes


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
        self._terminal: Terminal | None = None

    def at(self, terminal: Terminal) -> Program:
        """The same, run at that terminal."""
        program = copy(self)
        program._terminal = terminal
        return program

    def __call__(self, *arguments: str, **environ: str) -> Ended:
        """Run in this process."""
        self._capsys.readouterr()
        code = main(arguments, self.environ | environ, self._terminal)
        captured = self._capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    def process(self, *arguments: str, typed: str = "", **environ: str) -> Ended:
        """Run as a process with nothing else in its environment, and no terminal."""
        done = subprocess.run(
            [sys.executable, "-m", "caldav_backup", *arguments],
            env=self.environ | environ,
            cwd=ROOT,
            input=typed,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Program:
    return Program(tmp_path, capsys)
