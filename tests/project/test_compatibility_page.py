"""The page of what servers do to each other's calendars is there, found, and written by its command."""

from __future__ import annotations

from tests.compatibility.servers import NAMES
from tests.compatibility.table import BEGIN, END
from tests.project.documents import ROOT, headings, links

PAGE = ROOT / "docs" / "compatibility.md"


def test_the_page_has_a_row_a_column_and_a_section_for_each_server() -> None:
    text = PAGE.read_text(encoding="utf-8")
    table = text[text.index(BEGIN) : text.index(END)]
    (head,) = (line for line in table.splitlines() if line.startswith("| from"))
    for name in NAMES.values():
        assert f" {name} |" in head
        assert f"\n| {name} |" in table
        assert f"To {name}" in headings(PAGE)
    assert "unreported" not in table


def test_the_page_is_linked() -> None:
    assert any(link.target == "compatibility.md" for link in links(ROOT / "docs" / "index.md"))
