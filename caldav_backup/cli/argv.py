"""The command line before the parser sees it: global options from anywhere, plakar's forms made ours.

Owns `at STORE COMMAND`, global options before or after the command, and single-dash options (`-to`). Pure: words in,
words out; which options a command has is asked of `Grammar`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from caldav_backup.cli.exits import Usage


@dataclass(frozen=True, slots=True)
class Globals:
    """The options that every command has."""

    store: str | None = None
    config_dir: str | None = None
    json: bool = False
    quiet: bool = False
    verbose: int = 0
    version: bool = False
    allow_kdf_cost: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """A command line taken apart: `words` are what the parser gets, without global options.

    `command` is the command's path (`("source", "add")`), empty when there is none.
    """

    globals: Globals
    command: tuple[str, ...]
    words: tuple[str, ...]


class Grammar(Protocol):
    """What the rewriter must know of the commands."""

    def subcommands(self, command: tuple[str, ...]) -> Collection[str]:
        """The commands below `command`; empty when it is no group, or unknown."""

    def options(self, command: tuple[str, ...]) -> Mapping[str, bool]:
        """Every spelling of `command`'s options, and whether a value follows it."""


_FLAGS: Mapping[str, str] = {
    "--json": "json",
    "--quiet": "quiet",
    "-q": "quiet",
    "--version": "version",
    "--allow-kdf-cost": "allow_kdf_cost",
}
_COUNTS: Mapping[str, str] = {"--verbose": "verbose", "-v": "verbose"}
_VALUES: Mapping[str, str] = {"--store": "store", "-s": "store", "--config-dir": "config_dir"}

#: All spellings of the global options, and whether a value follows.
GLOBAL_OPTIONS: Mapping[str, bool] = dict.fromkeys([*_FLAGS, *_COUNTS], False) | dict.fromkeys(_VALUES, True)

_LONG_WITH_ONE_DASH = re.compile(r"-([A-Za-z][A-Za-z0-9-]+)(=.*)?", re.DOTALL)
_SHORT_CLUSTER = re.compile(r"-[A-Za-z]{2,}")


def rewrite(arguments: Sequence[str], grammar: Grammar) -> Request:
    """Take `arguments` (without the program's name) apart; Usage when a global option lacks its value."""
    return _Rewriter(arguments, grammar).run()


class _Rewriter:
    """One pass from left to right."""

    def __init__(self, arguments: Sequence[str], grammar: Grammar) -> None:
        self._rest = list(reversed(arguments))
        self._grammar = grammar
        self._globals: dict[str, Any] = {}
        self._command: tuple[str, ...] = ()
        self._words: list[str] = []

    def run(self) -> Request:
        while self._rest:
            word = self._rest.pop()
            if word == "--":
                self._words += [word, *reversed(self._rest)]
                break
            if word.startswith("-") and word != "-":
                self._option(word)
            else:
                self._argument(word)
        return Request(Globals(**self._globals), self._command, tuple(self._words))

    def _argument(self, word: str) -> None:
        if not self._command and word == "at":
            self._globals["store"] = self._value("at")
            return
        if not self._command or word in self._grammar.subcommands(self._command):
            self._command = (*self._command, word)
        self._words.append(word)

    def _option(self, word: str) -> None:
        options = self._grammar.options(self._command)
        word = _with_two_dashes(word, options)
        if self._global(word) or self._short_globals(word, options):
            return
        self._words.append(word)
        if options.get(word, False) and self._rest:
            self._words.append(self._rest.pop())

    def _global(self, word: str) -> bool:
        name, equals, value = word.partition("=")
        if word in _FLAGS:
            self._globals[_FLAGS[word]] = True
        elif word in _COUNTS:
            self._globals[_COUNTS[word]] = self._globals.get(_COUNTS[word], 0) + 1
        elif name in _VALUES and (name.startswith("--") or not equals):
            self._globals[_VALUES[name]] = value if equals else self._value(name)
        else:
            return False
        return True

    def _short_globals(self, word: str, options: Mapping[str, bool]) -> bool:
        """`-qv`: taken when every letter is a global flag and none is the command's own."""
        letters = [f"-{letter}" for letter in word[1:]]
        if not _SHORT_CLUSTER.fullmatch(word):
            return False
        if any(letter in options or GLOBAL_OPTIONS.get(letter, True) for letter in letters):
            return False
        return all(self._global(letter) for letter in letters)

    def _value(self, option: str) -> str:
        if not self._rest:
            raise Usage(f"{option} needs a value: the store" if option != "--config-dir" else f"{option} needs a value")
        return self._rest.pop()


def _with_two_dashes(word: str, options: Mapping[str, bool]) -> str:
    """plakar's `-to` as `--to`, where there is such an option; short options stay what they are."""
    match = _LONG_WITH_ONE_DASH.fullmatch(word)
    if match is None or word.partition("=")[0] in options:
        return word
    long = f"--{match[1]}"
    return f"-{word}" if long in options or long in GLOBAL_OPTIONS else word
