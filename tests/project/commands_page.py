"""docs/reference/commands.md, from the commands themselves; `python -m tests.project.commands_page` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from caldav_backup.cli import commands
from tests.project.documents import ROOT

PAGE = ROOT / "docs" / "reference" / "commands.md"
HEAD = """\
# Commands

Written from the program's own help by `python -m tests.project.commands_page`; `caldav-backup COMMAND --help` says the
same.

`SNAP` is the beginning of a snapshot's identifier (four characters or more), `latest`, `latest~2` (two before it) or
`@2026-05-01` (the newest of that day or before); `SNAP:/calendar/event.ics` is a path in it. A source, destination or
store is `@name`, or an address or directory. What is asked for goes to standard output, all else to standard error.
[Exit codes](exit-codes.md) and [settings](settings.md) have pages of their own.
"""


def page() -> str:
    root = commands.build_all()
    lines = [HEAD, "## Everywhere", ""]
    lines += ["Before or after the command; `caldav-backup at STORE …` is the same as `--store STORE`.", ""]
    lines += option_table(root.params)
    for name, command in root.commands.items():
        if not command.hidden:
            lines += section(name, command)
    return "\n".join(lines).rstrip() + "\n"


def section(name: str, command: Any) -> Iterator[str]:
    yield from ["", f"## {name}", "", command.help or ""]
    verbs = getattr(command, "commands", None)
    for usage, each in [(f"{name} {verb}", each) for verb, each in verbs.items()] if verbs else [(name, command)]:
        if verbs:
            yield from ["", f"### {usage}", "", each.help or ""]
        words = [parameter.metavar for parameter in each.params if parameter.param_type_name == "argument"]
        yield from ["", "```", " ".join(["caldav-backup", usage, *words]), "```"]
        if rows := option_table(each.params):
            yield from ["", *rows]


def option_table(parameters: list[Any]) -> list[str]:
    rows = [row(parameter) for parameter in parameters if parameter.help]
    return ["| | |", "|---|---|", *rows] if rows else []


def row(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"| `{parameter.metavar}` | {cell(parameter.help)} |"
    value = "" if parameter.is_flag or parameter.count else f" {metavar(parameter)}"
    spellings = ", ".join(f"`{spelling}{value}`" for spelling in parameter.opts)
    return f"| {spellings} | {cell(parameter.help)} |"


def metavar(parameter: Any) -> str:
    choices = getattr(parameter.type, "choices", None)
    return parameter.metavar or ("\\|".join(map(str, choices)) if choices else "VALUE")


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
