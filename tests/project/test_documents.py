"""The documents keep their word: links lead somewhere, and the headings that code cites exist."""

from __future__ import annotations

import re
import shlex
from itertools import takewhile
from pathlib import Path

import pytest

from caldav_backup.cli.argv import rewrite
from caldav_backup.cli.commands import BuiltGrammar
from tests.project.documents import DOCUMENTS, ROOT, anchors, headings, links, shell_lines

CODE = sorted([*(ROOT / "caldav_backup").rglob("*.py"), *(ROOT / "tests").rglob("*.py")])
GRAMMAR = BuiltGrammar()
CITATION = re.compile(r'format\.md`?(?:,|:)[\s#:]+\(?"([^"]+)"')


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_inside_the_repository_leads_somewhere(document: Path) -> None:
    for target, anchor in links(document):
        found = (document.parent / target).resolve() if target else document
        assert found.is_relative_to(ROOT) and found.exists(), f"{target} does not exist"
        if anchor:
            assert anchor in anchors(found), f"{target or document.name} has no heading for #{anchor}"


def test_every_heading_of_the_format_that_code_cites_exists() -> None:
    there = headings(ROOT / "docs" / "design" / "format.md")
    found = ((path, name) for path in CODE for name in CITATION.findall(path.read_text(encoding="utf-8")))
    cited = {(path, " ".join(name.replace("#", " ").split())) for path, name in found}
    assert len(cited) > 10
    lost = [(str(path.relative_to(ROOT)), name) for path, name in cited if not any(name in one for one in there)]
    assert lost == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_tasks_of_dev_that_documents_name_exist(document: Path) -> None:
    known = (ROOT / "dev.py").read_text(encoding="utf-8").split('"""')[1]
    for task in re.findall(r"python3 dev\.py (\w+)", document.read_text(encoding="utf-8")):
        assert re.search(rf"\b{task}\b", known), f"dev.py has no task {task}"


def test_the_readme_has_its_two_commands() -> None:
    lines = list(shell_lines(ROOT / "README.md"))
    assert "python3 dev.py demo" in lines and "python3 dev.py test" in lines


def own_commands(document: Path) -> list[list[str]]:
    """The words after `caldav-backup`, up to a pipe, in every line that calls it, whatever stands before it."""
    lines = [shlex.split(line, comments=True) for line in shell_lines(document)]
    called = [line for line in lines if line and line[0] not in ("pipx", "uv")]
    return [
        list(takewhile("|".__ne__, line[place + 1 :]))
        for line in called
        for place, word in enumerate(line)
        if Path(word).name == "caldav-backup"
    ]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_documents_show_is_understood(document: Path) -> None:
    for words in own_commands(document):
        request = rewrite(words, GRAMMAR)
        if request.command:
            command = GRAMMAR.parser(request.command[0])
            for name in request.command[1:]:
                command = command.commands[name]
            # Raises, naming the word, where the command line has not its form.
            command.make_context(" ".join(request.command), list(request.words[len(request.command) :]))
        else:
            assert request.globals.version or "--install-completion" in request.words, words


def test_documents_show_commands_at_all() -> None:
    assert len(own_commands(ROOT / "README.md")) > 10
