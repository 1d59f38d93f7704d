"""Which commands there are, and where each is written.

Owns the table, and that only the module of the command at hand is imported. Help and completion need all of them, so
a command's module imports at its top nothing but typer and light modules of this package.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any

import typer


@dataclass(frozen=True, slots=True)
class Command:
    """One command: `attribute` of `module` is its function, or the typer app of a group."""

    name: str
    module: str
    attribute: str = "command"
    is_group: bool = False
    is_alias: bool = False


COMMANDS: tuple[Command, ...] = (
    Command("init", "init"),
    Command("create", "init", is_alias=True),
    Command("discover", "discover"),
    Command("backup", "backup"),
    Command("restore", "restore"),
    Command("export", "export"),
    Command("undelete", "undelete"),
    Command("ls", "ls"),
    Command("cat", "cat"),
    Command("info", "info"),
    Command("stats", "stats"),
    Command("check", "check"),
    Command("repair", "repair"),
    Command("verify", "verify"),
    Command("prune", "prune"),
    Command("rm", "rm"),
    Command("pin", "pin"),
    Command("maintenance", "maintenance"),
    Command("unlock", "unlock"),
    Command("sync", "sync"),
    Command("dup", "dup"),
    Command("passwd", "passwd"),
    Command("demo", "demo"),
    Command("source", "source", "group", is_group=True),
    Command("destination", "destination", "group", is_group=True),
    Command("store", "store", "group", is_group=True),
)

#: Plain help, since rich's takes longer to import than a listing takes to run; errors are printed by `render`.
STYLE: Mapping[str, Any] = {
    "context_settings": {"help_option_names": ["-h", "--help"]},
    "pretty_exceptions_enable": False,
    "rich_markup_mode": None,
}

#: Below the help of each command.
MORE = "Every command also has --store, --json, --quiet and the other options of 'caldav-backup --help'."

_BY_NAME: Mapping[str, Command] = {command.name: command for command in COMMANDS}


def build_all() -> Any:
    """The parser for everything: help, completion, and commands that are not known."""
    app = typer.Typer(
        name="caldav-backup",
        epilog="Global options stand before or after the command. `at STORE COMMAND` is `--store STORE COMMAND`.",
        **STYLE,
    )
    app.callback()(_global_options)
    for command in COMMANDS:
        target = _load(command)
        if command.is_group:
            app.add_typer(target, name=command.name)
        else:
            app.command(command.name, hidden=command.is_alias, epilog=MORE)(target)
    return typer.main.get_command(app)


class BuiltGrammar:
    """The rewriter's `Grammar`, answered by the parser itself; a command is built when it is first asked about."""

    def __init__(self) -> None:
        self._built: dict[str, Any] = {}

    def subcommands(self, command: tuple[str, ...]) -> Collection[str]:
        """The verbs of a group; only groups have some, and none has a second level."""
        if len(command) != 1 or not is_known(command[0]) or not _BY_NAME[command[0]].is_group:
            return ()
        names: Collection[str] = self.parser(command[0]).commands
        return names

    def options(self, command: tuple[str, ...]) -> Mapping[str, bool]:
        """Every spelling of the command's options, and whether a value follows."""
        if not command or not is_known(command[0]):
            return {}
        parsed = self.parser(command[0])
        for name in command[1:]:
            parsed = parsed.commands[name]
        return {
            spelling: not (parameter.is_flag or parameter.count)
            for parameter in parsed.params
            if parameter.param_type_name == "option"
            for spelling in (*parameter.opts, *parameter.secondary_opts)
        }

    def parser(self, name: str) -> Any:
        """The parser of the one command `name`, and of nothing around it."""
        if name not in self._built:
            self._built[name] = _build(_BY_NAME[name])
        return self._built[name]


def is_known(name: str) -> bool:
    """True when there is a command `name`."""
    return name in _BY_NAME


def canonical(name: str) -> str:
    """`name`, or what it is another word for."""
    command = _BY_NAME.get(name)
    if command is None or not command.is_alias:
        return name
    return next(each.name for each in COMMANDS if each.module == command.module)


def _load(command: Command) -> Any:
    return getattr(import_module(f"caldav_backup.cli.{command.module}"), command.attribute)


def _build(command: Command) -> Any:
    target = _load(command)
    if command.is_group:
        return typer.main.get_command(target)
    app = typer.Typer(add_completion=False, **STYLE)
    app.command(command.name, epilog=MORE)(target)
    return typer.main.get_command(app)


def _global_options(
    *,
    store: Annotated[
        str | None, typer.Option("--store", "-s", metavar="STORE", help="The store: a directory, or @name.")
    ] = None,
    config_dir: Annotated[
        str | None, typer.Option("--config-dir", metavar="DIR", help="Where the settings are.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing on success.")] = False,
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose", "-v", count=True, show_default=False, help="Say more; twice for each request and tracebacks."
        ),
    ] = 0,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
    allow_kdf_cost: Annotated[
        bool, typer.Option("--allow-kdf-cost", help="Open a store whose key costs more than 1 GiB or 16 passes.")
    ] = False,
) -> None:
    """Encrypted, deduplicated, incremental backups of CalDAV calendars, and single events back from them."""
    # `argv` has taken all of these out of the command line; they stand here for --help and completion.
    del store, config_dir, json, quiet, verbose, version, allow_kdf_cost
