"""The program: a command line in, an exit code out."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import typer

from caldav_backup import __version__
from caldav_backup.cli import commands
from caldav_backup.cli.answer import Answer
from caldav_backup.cli.argv import Globals, Request, rewrite
from caldav_backup.cli.exits import Exit, Usage, exit_of
from caldav_backup.cli.invocation import Invocation
from caldav_backup.cli.render import is_parser_error, show_answer, show_error
from caldav_backup.cli.running import terminating
from caldav_backup.cli.terminal import PROGRAM, OutputClosed, Terminal, open_closed_streams

#: The shell's completion asks through this variable.
COMPLETION_VARIABLE = "_CALDAV_BACKUP_COMPLETE"


def main(
    arguments: Sequence[str] | None = None,
    environ: Mapping[str, str] | None = None,
    terminal: Terminal | None = None,
) -> int:
    """Run the command line `arguments` and return the exit code; whatever is not given is the process's own."""
    open_closed_streams()
    words = list(sys.argv[1:] if arguments is None else arguments)
    terminal = terminal or Terminal()
    try:
        with terminating():
            return _run(words, os.environ if environ is None else environ, terminal)
    except (OutputClosed, BrokenPipeError):
        return Exit.FAILED
    finally:
        terminal.finish()


def _run(words: Sequence[str], environ: Mapping[str, str], terminal: Terminal) -> int:
    # Until the command line is understood, this is all that is known of it.
    request = Request(Globals(json="--json" in words), (), ())
    try:
        grammar = commands.BuiltGrammar()
        if COMPLETION_VARIABLE in environ:
            return int(commands.build_all().main(prog_name=PROGRAM, standalone_mode=False) or 0)
        request = rewrite(words, grammar)
        answer = _answer(request, grammar, Invocation(request.globals, environ, terminal, words))
        if answer is None:
            return Exit.DONE
        show_answer(answer, _title(request), request.globals, terminal)
    except BaseException as error:
        if isinstance(error, (SystemExit, OutputClosed, BrokenPipeError)):
            raise
        return _failed(error, request, terminal)
    return answer.exit


def _answer(request: Request, grammar: commands.BuiltGrammar, invocation: Invocation) -> Answer | None:
    """What the command hands back; None when the parser itself printed (help, completion)."""
    if request.globals.version:
        return Answer({"version": __version__}, [f"{PROGRAM} {__version__}"])
    if not request.words:
        raise Usage(f"no command given; '{PROGRAM} --help' lists them")
    name, *words = request.words
    if request.command[:1] == (name,) and commands.is_known(name):
        return _parse(grammar.parser(name), f"{PROGRAM} {name}", words, invocation)
    return _parse(commands.build_all(), PROGRAM, request.words, invocation)


def _parse(parser: Any, program: str, words: Sequence[str], invocation: Invocation) -> Answer | None:
    try:
        # Not `parser.main`: that turns interrupts and broken pipes into exit codes of its own.
        with parser.make_context(program, list(words), obj=invocation) as context:
            answer: Answer = parser.invoke(context)
            return answer
    except typer.Exit:
        return None


def _failed(error: BaseException, request: Request, terminal: Terminal) -> int:
    code = Exit.USAGE if is_parser_error(error) else exit_of(error)
    show_error(error, code, _title(request), request.globals, terminal)
    return code


def _title(request: Request) -> str:
    if request.globals.version:
        return "version"
    if not request.command:
        return ""
    return " ".join([commands.canonical(request.command[0]), *request.command[1:]])
