"""What one run of the program knows: its global options, its environment, its terminal, its settings.

Owns the warning about settings that others can read, and the way from names to locations. Every command gets it from
`invocation_of`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import typer

from caldav_backup.cli.argv import Globals
from caldav_backup.cli.terminal import Terminal
from caldav_backup.settings import (
    Directories,
    Identities,
    Location,
    Secret,
    Settings,
    find_directories,
    resolve_store,
)


class Invocation:
    """One run; everything in it is looked up when it is first needed. `words` is the command line as it was typed."""

    def __init__(
        self, options: Globals, environ: Mapping[str, str], terminal: Terminal, words: Sequence[str] = ()
    ) -> None:
        self.options = options
        self.environ = environ
        self.terminal = terminal
        self.words = words
        #: Snapshots of this run's store that were left out because their headers are damaged.
        self.damaged_snapshots = 0
        #: Passwords that a person has typed, by what was asked.
        self.answers: dict[str, Secret] = {}

    @cached_property
    def directories(self) -> Directories:
        """Where settings, state and caches are."""
        return find_directories(self.environ, self.options.config_dir)

    @cached_property
    def settings(self) -> Settings:
        """The user's settings; tells when others can read them."""
        settings = Settings(self.directories.config, self.environ)
        if exposed := settings.exposed_files():
            names = " ".join(str(path) for path in exposed)
            self.warn(f"others can read or change your settings; run: chmod go= {names}")
        return settings

    @cached_property
    def identities(self) -> Identities:
        """What is remembered of stores."""
        return Identities(self.directories.state)

    def store(self) -> Location:
        """The store of this run, with an absolute path."""
        return resolve_store(self.options.store, self.environ, self.settings, self.directories)

    def other_store(self, word: str) -> Location:
        """Another store than this run's: a directory or `@name`, with an absolute path."""
        return resolve_store(word, self.environ, self.settings, self.directories)

    def warn(self, message: str) -> None:
        """Something that may be wrong, on standard error, also with -q."""
        self.terminal.tell(f"warning: {message}")

    def note(self, message: str) -> None:
        """Something good to know, on standard error; not with -q."""
        if not self.options.quiet:
            self.terminal.tell(message)


def invocation_of(context: typer.Context) -> Invocation:
    """The run that the parser's `context` belongs to."""
    found = context.obj
    assert isinstance(found, Invocation)
    return found
