"""The reference pages say what the program's own tables say."""

from __future__ import annotations

from caldav_backup.cli.exits import MEANINGS, WORST_FIRST
from tests.project.documents import ROOT, tables

EXIT_CODES = ROOT / "docs" / "reference" / "exit-codes.md"


def test_exit_codes() -> None:
    assert tables(EXIT_CODES, "Exit codes") == [[[str(int(code)), meaning] for code, meaning in MEANINGS.items()]]
    assert ", ".join(str(int(code)) for code in WORST_FIRST) in EXIT_CODES.read_text(encoding="utf-8")
