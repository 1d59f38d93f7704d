"""`caldav-backup undelete`: events that the server no longer has, back from the newest snapshot that holds them."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from caldav_backup.cli.answer import Answer
from caldav_backup.cli.invocation import invocation_of
from caldav_backup.cli.restore import Conflicts, Invites, Mapped, OnConflict
from caldav_backup.cli.selecting import mapping

Words = Annotated[
    str, typer.Argument(metavar="[TEXT|UID]", help="Words of the event, or its UID; none: all that vanished.")
]


def command(
    context: typer.Context,
    *,
    text: Words = "",
    to: Annotated[str, typer.Option("--to", metavar="DEST", help="Where it is missing: @name, a URL or a directory.")],
    source: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="From backups of this source: @name or origin.")
    ] = None,
    since: Annotated[str | None, typer.Option(metavar="WHEN", help="Vanished since: 2026-05-01, or 7d.")] = None,
    list_only: Annotated[bool, typer.Option("--list", help="List them, and put nothing back.")] = False,
    map: Mapped = None,
    into: Annotated[str, typer.Option(metavar="NAME", help="Everything into this one calendar.")] = "",
    on_conflict: Conflicts = None,
    invites: Annotated[
        Invites, typer.Option(help="Guests: tell nobody, take them out, or mail them.")
    ] = Invites.SUPPRESS,
    no_safety_snapshot: Annotated[
        bool, typer.Option("--no-safety-snapshot", help="Do not back up first what is replaced.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan, write nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: put back all that is found.")] = False,
) -> Answer:
    """Find events that vanished, and put them back."""
    from caldav_backup import restorer
    from caldav_backup.cli.undeleting import Undelete
    from caldav_backup.inspection.moments import moment_ns

    options = restorer.RestoreOptions(
        mapping=mapping(map, into),
        into=into,
        on_conflict=restorer.OnConflict(on_conflict or OnConflict.SKIP),
        invites=restorer.Invites(invites),
    )
    asked = Undelete(
        invocation_of(context),
        text,
        source,
        moment_ns(since, time.time_ns()) if since else None,
        options,
        list_only=list_only,
        dry_run=dry_run,
        yes=yes,
        skip_chosen=on_conflict is not None,
        is_safe=not no_safety_snapshot,
    )
    return asked.put_back(to)
