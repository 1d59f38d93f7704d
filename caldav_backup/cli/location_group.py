"""The verbs that sources, destinations and stores share: add, set, unset, rm, ls, show; and ping, for the first two.

Owns their options and output; the changes themselves are `settings.changes`, and asking a location is `ping`'s.
"""

from __future__ import annotations

from typing import Annotated

import typer

from caldav_backup.cli.answer import Answer, Table
from caldav_backup.cli.commands import STYLE
from caldav_backup.cli.exits import Usage
from caldav_backup.cli.invocation import invocation_of
from caldav_backup.cli.option_words import option_values
from caldav_backup.cli.ping import ping
from caldav_backup.settings import Kind, masked
from caldav_backup.settings.changes import add_entry, remove_entry, set_options, unset_options
from caldav_backup.settings.document import dump_mapping
from caldav_backup.settings.names import check_name
from caldav_backup.settings.options import SECRET_OPTIONS

Name = Annotated[str, typer.Argument(metavar="NAME", help="Its name, with or without @.")]
Words = Annotated[list[str], typer.Argument(metavar="KEY=VALUE", help="Options; password=- asks for the value.")]
OptionalWords = Annotated[
    list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Options; password=- asks for the value.")
]
Keys = Annotated[list[str], typer.Argument(metavar="KEY", help="Names of options.")]
Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Only these; all when none is given.")]
LocationText = Annotated[
    str, typer.Argument(metavar="LOCATION", help="A URL (caldav://host/path), a mail address or a directory.")
]
Pinged = Annotated[str, typer.Argument(metavar="@NAME|URL", help="Which one: a name, a URL or a directory.")]
ShowSecrets = Annotated[bool, typer.Option("--secrets", help="Print passwords and passphrases, too.")]


def location_group(kind: Kind) -> typer.Typer:
    """The commands of one kind."""
    group = typer.Typer(help=f"Named {kind.plural}.", add_completion=False, **STYLE)

    @group.command("add")
    def add(context: typer.Context, name: Name, location: LocationText, words: OptionalWords = None) -> Answer:
        """Save a location under a name."""
        run = invocation_of(context)
        key, equals, _ = location.partition("=")
        if equals and key in kind.options.keys() - {"location"}:
            raise Usage(f"{key}=… stands where LOCATION belongs: a URL or a directory, in front of the options")
        values = option_values(kind, [f"location={location.removeprefix('location=')}", *(words or [])], run)
        add_entry(run.settings, kind, name, values)
        return _changed(kind, name, "added", values)

    @group.command("set")
    def set_(context: typer.Context, name: Name, words: Words) -> Answer:
        """Change or add options of one."""
        values = option_values(kind, words, invocation_of(context))
        set_options(invocation_of(context).settings, kind, name, values)
        return _changed(kind, name, "changed", values)

    @group.command("unset")
    def unset(context: typer.Context, name: Name, keys: Keys) -> Answer:
        """Take options away from one."""
        unset_options(invocation_of(context).settings, kind, name, keys)
        return _changed(kind, name, "changed", keys)

    @group.command("rm")
    def remove(context: typer.Context, name: Name) -> Answer:
        """Forget one; what it points to stays as it is."""
        remove_entry(invocation_of(context).settings, kind, name)
        return _changed(kind, name, "removed", ())

    @group.command("ls")
    def list_(context: typer.Context) -> Answer:
        """List all of them."""
        entries = invocation_of(context).settings.entries(kind)
        shown = {name: _shown(values, secrets=False) for name, values in entries.items()}
        rows = [[f"@{name}", values.get("location", ""), values.get("username", "")] for name, values in shown.items()]
        result = [{"name": name, "options": values} for name, values in shown.items()]
        return Answer(
            {kind.plural: result}, [Table(["name", "location", "username"], rows, empty=f"no {kind.plural} yet")]
        )

    @group.command("show")
    def show(context: typer.Context, names: Names = None, secrets: ShowSecrets = False) -> Answer:
        """Print entries as YAML, as plakar imports them. Secrets are *** unless asked for."""
        run = invocation_of(context)
        chosen = [check_name(name) for name in names or run.settings.names(kind)]
        entries = run.settings.entries(kind)
        for name in set(chosen) - entries.keys():
            run.settings.location(kind, name)
        shown = {name: _shown(entries[name], secrets=secrets) for name in chosen if name in entries}
        return Answer({kind.plural: shown}, raw=[dump_mapping(shown).encode()] if shown else [])

    if kind is not Kind.STORE:
        _add_ping(group, kind)
    return group


def _add_ping(group: typer.Typer, kind: Kind) -> None:
    @group.command("ping")
    def ping_(context: typer.Context, location: Pinged) -> Answer:
        """Log in, read one event, and tell what is there. Changes nothing."""
        return ping(invocation_of(context), kind, location)


def _shown(values: dict[str, str], *, secrets: bool) -> dict[str, str]:
    if secrets:
        return values
    masks = dict.fromkeys(SECRET_OPTIONS & values.keys(), "***")
    return {key: masked(value) if key == "location" else value for key, value in values.items()} | masks


def _changed(kind: Kind, name: str, what: str, options: object) -> Answer:
    bare = name.removeprefix("@")
    keys = sorted(options) if isinstance(options, (dict, list)) else []
    return Answer(
        {"kind": kind.value, "name": bare, "action": what, "options": keys}, summary=[f"{kind.value} @{bare} {what}"]
    )
