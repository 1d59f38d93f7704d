"""The documents of the repository, and the few parts of Markdown that tests look at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


class Link(NamedTuple):
    target: str
    anchor: str


def prose(document: Path) -> str:
    """The text without code."""
    without_blocks = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", "", without_blocks)


def links(document: Path) -> Iterator[Link]:
    """The links that do not lead out of the repository."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(document)):
        if not re.match(r"[a-z]+:", target):
            path, _, anchor = target.partition("#")
            yield Link(path, anchor)


def headings(document: Path) -> list[str]:
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return [heading.strip() for heading in re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)]


def anchors(document: Path) -> set[str]:
    """As the usual renderers make them: lower case, blanks to hyphens, other punctuation dropped."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings(document)}


def shell_lines(document: Path) -> Iterator[str]:
    """The lines that a reader may type: after `$ ` in console blocks, and whole lines of crontab and sh blocks."""
    blocks = re.findall(r"^```(\w+)\n(.*?)^```", document.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for language, block in blocks:
        for line in block.splitlines():
            if language == "console" and line.startswith("$ "):
                yield line[2:]
            elif language in ("crontab", "sh"):
                yield line


def tables(document: Path, heading: str) -> list[list[list[str]]]:
    """The tables below a heading, each a list of rows, each a list of cells without back quotes; no header rows."""
    section = re.split(rf"^#+ {re.escape(heading)}$", document.read_text(encoding="utf-8"), flags=re.MULTILINE)[1]
    section = re.split(r"^#+ ", section, flags=re.MULTILINE)[0]
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", section, flags=re.MULTILINE):
        rows = [[cell.strip().strip("`") for cell in line.strip("|\n").split("|")] for line in block.splitlines()]
        found.append(rows[2:])
    return found
