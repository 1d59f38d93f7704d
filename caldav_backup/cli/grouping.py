"""The same thing told of many events in one line: how many, and one of them for example.

Owns what counts as the same reason: servers put the address, the UID or the size of the one event into theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from caldav_backup.cli.counting import counted

#: Addresses and paths, UIDs and digests, sizes; the status code of an answer is none of these.
_OF_ONE = re.compile(r"\S*/\S*|[0-9A-Za-z_.@-]*[0-9A-Fa-f]{8}[0-9A-Za-z_.@-]*|\d{5,}")
#: Characters of a name without its ending that is no word of a sentence, either.
_LONG_ENOUGH = 4


class Told(NamedTuple):
    """What is told of one event: its `label` for people, what became of it, and why; `name` is its file's."""

    name: str
    label: str
    what: str
    reason: str = ""

    @property
    def kind(self) -> tuple[str, str]:
        """The same for events of which the same is told."""
        plain = self.reason
        stem = self.name.removesuffix(".ics")
        for part in (self.name, *([stem] if len(stem) >= _LONG_ENOUGH else [])):
            if part in plain:
                plain = re.sub(rf"(?<![\w.-]){re.escape(part)}(?![\w.-])", "…", plain)
        return self.what, _OF_ONE.sub("…", plain)

    @property
    def line(self) -> str:
        """It alone."""
        return ": ".join(part for part in (self.label, self.what, self.reason) if part)


def grouped(told: Iterable[Told], most: int) -> list[str]:
    """A line for each thing that is told, in the order of first appearance; at most `most`, and what is left out."""
    groups: dict[tuple[str, str], tuple[Told, int]] = {}
    for one in told:
        kind = one.kind
        first, count = groups.get(kind, (one, 0))
        groups[kind] = first, count + 1
    lines = [_line(first, count) for first, count in groups.values()]
    if len(lines) > most:
        left_out = sum(count for _, count in list(groups.values())[most:])
        lines[most:] = [f"{counted(left_out, 'event')} more; --json lists all"]
    return lines


def _line(first: Told, count: int) -> str:
    if count == 1:
        return first.line
    reason = f": {first.reason}" if first.reason else ""
    return f"{counted(count, 'event')} {first.what}{reason}; for example {first.label}"


def labelled(path: str, title: str) -> str:
    """`/work/a.ics (Lunch)`."""
    return f"{path} ({title})" if title else path
