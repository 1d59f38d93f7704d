"""Every test that the threat model names is there."""

from __future__ import annotations

import re

import pytest

from tests.project.documents import ROOT

NAMED = re.findall(
    r"`(tests/[\w/]+(?:\.py|/))(?:::(\w+))?`", (ROOT / "docs/design/threat-model.md").read_text(encoding="utf-8")
)
MODULES = re.findall(r"`(kloset/[\w/]+\.py)`", (ROOT / "docs/design/threat-model.md").read_text(encoding="utf-8"))


def test_it_names_many() -> None:
    assert len(NAMED) > 30 and len(MODULES) > 5


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_a_test_that_it_names_exists(path: str, name: str) -> None:
    assert (ROOT / path).exists()
    assert not name or f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("module", MODULES)
def test_a_module_that_it_names_exists(module: str) -> None:
    assert (ROOT / "caldav_backup" / module).exists()
