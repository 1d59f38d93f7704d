"""An answer or an error as text for people, or as the one JSON document for programs.

Owns what is printed where: data to standard output, everything else to standard error. Tables are aligned plain text
in a pipe, and fit the window on a terminal.
"""

from __future__ import annotations

import contextlib
import json
import re
import traceback
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Literal

import typer

from caldav_backup.cli.answer import Answer, Table
from caldav_backup.cli.argv import Globals
from caldav_backup.cli.exits import Exit, Terminated, is_expected
from caldav_backup.cli.terminal import Terminal, clean
from caldav_backup.settings import scrubbed

#: Version of the JSON document's shape; a new key is no new version.
DOCUMENT_VERSION = 1

_GAP = "  "
# Columns of shortened ids: they are copied from the window, so they stay on one line there.
_LEAST = {"id": 8, "new id": 8, "lock": 8}
# Below so many columns there is no room for that.
_NARROW = 40
# Words and signs of a document that are written at once.
_PIECES = 10_000


def show_answer(answer: Answer, command: str, options: Globals, terminal: Terminal) -> None:
    """Print what a command handed back."""
    if options.json:
        _show_document(_document(command, answer.exit, {"result": answer.result}), terminal)
        return
    for line in answer.trouble:
        terminal.tell(line)
    if answer.raw is not None:
        terminal.write_bytes(answer.raw)
    for block in answer.body:
        terminal.write(_table(block, terminal) if isinstance(block, Table) else _lines(block))
        if isinstance(block, Table) and not block.rows and block.empty and not options.quiet:
            terminal.tell(block.empty)
    if options.quiet:
        return
    for part in answer.summary:
        if isinstance(part, Table):
            terminal.write(_table(part, terminal))
        elif answer.raw is None:
            terminal.write(f"{clean(part)}\n")
        else:
            terminal.tell(part)


def show_error(error: BaseException, code: Exit, command: str, options: Globals, terminal: Terminal) -> None:
    """Print why a command ended: one line, and a traceback only when -vv asks for it."""
    message = error_message(error)
    if options.json and not terminal.output_lost:
        error_content = {"error": {"kind": error_kind(error), "message": message}}
        _show_document(_document(command, code, error_content), terminal)
    else:
        terminal.tell(message)
    show_traceback(error, options, terminal)


def show_traceback(error: BaseException, options: Globals, terminal: Terminal) -> None:
    """Where `error` comes from, when -vv asks for it."""
    if options.verbose > 1:
        for line in scrubbed("".join(traceback.format_exception(error))).splitlines():
            terminal.tell(line)


@contextlib.contextmanager
def about(subject: str, kind: type[Exception] = Exception) -> Iterator[None]:
    """An error of this kind is told with `subject` in front of it, unless its message names that anyway."""
    try:
        yield
    except kind as error:
        if subject not in str(error):
            error.add_note(subject)
        raise


def error_message(error: BaseException) -> str:
    """One line for `error`, without the private parts of addresses; a defect of this program says so."""
    subjects = "".join(f"{subject}: " for subject in getattr(error, "__notes__", ()))
    return scrubbed(subjects + _message(error))


def _message(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return _message(error.exceptions[0])
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if isinstance(error, Terminated):
        return "terminated"
    if isinstance(error, OSError) and error.strerror:
        name = f"{error.filename}: " if error.filename else ""
        return f"{name}{error.strerror}"
    if is_parser_error(error):
        return _parser_message(error)
    text = " ".join(str(error).split())
    if is_expected(error):
        return text or error_kind(error).replace("-", " ")
    return f"internal error: {type(error).__name__}: {text}; please report it with what -vv shows"


def error_kind(error: BaseException) -> str:
    """The error's class as a word of the JSON document: `wrong-passphrase`."""
    if isinstance(error, BaseExceptionGroup):
        return error_kind(error.exceptions[0])
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", type(error).__name__).lower()


def is_parser_error(error: BaseException) -> bool:
    """True for what the parser raises when the command line has not its form."""
    return isinstance(error, typer.TyperException)


def _parser_message(error: BaseException) -> str:
    assert isinstance(error, typer.TyperException)
    context = getattr(error, "ctx", None)
    message = " ".join(error.format_message().split()).removesuffix(".")
    if context is None or message.endswith("?"):
        # `Did you mean 'backup'?` is hint enough.
        return message
    return f"{message}; see '{context.command_path} --help'"


def _show_document(pieces: Iterator[str], terminal: Terminal) -> None:
    for piece in pieces:
        terminal.write(piece)


def _document(command: str, code: Exit, content: Mapping[str, Any]) -> Iterator[str]:
    """The document in pieces: a list in it may be longer than memory, see `spool`."""
    document = {"version": DOCUMENT_VERSION, "command": command, "ok": code is Exit.DONE, "exit": int(code), **content}
    pieces = json.JSONEncoder(ensure_ascii=False, indent=2).iterencode(document)
    while piece := "".join(islice(pieces, _PIECES)):
        yield piece
    yield "\n"


def _lines(text: str) -> str:
    return "".join(f"{clean(line)}\n" for line in text.splitlines())


def _table(table: Table, terminal: Terminal) -> str:
    rows = [[clean(cell) for cell in row] for row in table.rows]
    return _fitted(table, rows, terminal) if terminal.shows_data else plain_table(table, rows)


def plain_table(table: Table, rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns, nothing cut, nothing wrapped; no rows, no text."""
    if not rows:
        return ""
    lines = [[heading.upper() for heading in table.headings], *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(table.headings))]
    text = ""
    for line in lines:
        cells = [
            cell.rjust(width) if heading in table.right else cell.ljust(width)
            for cell, width, heading in zip(line, widths, table.headings, strict=True)
        ]
        text += _GAP.join(cells).rstrip() + "\n"
    return text


def _fitted(table: Table, rows: Sequence[Sequence[str]], terminal: Terminal) -> str:
    """The same for the window at hand: the widest columns are wrapped until everything fits."""
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    console = Console(width=terminal.width)
    view = RichTable(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, header_style="bold")
    least = _LEAST if console.width >= _NARROW else {}
    for heading in table.headings:
        justify: Literal["left", "right"] = "right" if heading in table.right else "left"
        view.add_column(heading, justify=justify, overflow="fold", min_width=least.get(heading))
    for row in rows:
        view.add_row(*map(Text, row))
    with console.capture() as capture:
        console.print(view)
    return capture.get() if rows else ""
