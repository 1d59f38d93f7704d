"""What a command hands back: its result for programs, its words for people, its exit code. Prints nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from caldav_backup.cli.exits import Exit


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts under headings; `right` are the headings of columns that hold numbers.

    Without rows people get the words `empty` on standard error instead, if there are some.
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: frozenset[str] = frozenset()
    empty: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of one command.

    `result` is the JSON document's `result`. People get `body` (what was asked for: always printed, on standard
    output), `summary` (that it was done: not with -q) and `trouble` (on standard error, also with -q). `raw` takes the
    place of `body` where the bytes themselves are asked for; the summary then goes to standard error.
    """

    result: Mapping[str, Any]
    body: Sequence[Table | str] = ()
    summary: Sequence[Table | str] = ()
    trouble: Sequence[str] = ()
    raw: Iterable[bytes] | None = None
    exit: Exit = field(default=Exit.DONE)
