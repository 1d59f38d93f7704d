"""dev.py on machines that lack something: it says what, and touches nothing that is not its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project.documents import ROOT

LOCKS = ("runtime", "build", "test", "lint")


def dev(directory: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(directory / "dev.py"), *arguments]
    environ = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run(command, check=False, capture_output=True, text=True, env=environ, cwd=directory)


def test_help_names_every_task_and_an_unknown_one_is_refused() -> None:
    shown = dev(ROOT, "--help")
    assert shown.returncode == 0 and "dev.py demo" in shown.stdout and "dev.py test" in shown.stdout
    refused = dev(ROOT, "tset")
    assert refused.returncode == 2 and "unknown: tset" in refused.stderr


def test_only_the_standard_library_is_needed_to_start() -> None:
    isolated = [sys.executable, "-I", "-S", str(ROOT / "dev.py"), "--help"]
    assert subprocess.run(isolated, check=False, capture_output=True).returncode == 0


@pytest.mark.full
def test_without_an_index_it_says_what_is_missing_and_leaves_a_foreign_environment_alone(tmp_path: Path) -> None:
    shutil.copy(ROOT / "dev.py", tmp_path)
    (tmp_path / "requirements").mkdir()
    for name in LOCKS:
        (tmp_path / "requirements" / f"{name}.lock").write_text(f"nobody-has-this==1.0 --hash=sha256:{'0' * 64}\n")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "mine").write_text("untouched")
    result = dev(tmp_path, "demo", PIP_NO_INDEX="1", HOME=str(tmp_path))
    assert result.returncode == 2, result.stderr
    assert "nobody-has-this" in result.stderr and "PIP_FIND_LINKS" in result.stderr
    assert [path.name for path in (tmp_path / ".venv").iterdir()] == ["mine"]
    assert (tmp_path / ".venv-dev" / "made-by-dev.json").is_file()
