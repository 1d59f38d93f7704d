"""`caldav-backup restore`: calendars and events of a snapshot, back to where calendars live."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from caldav_backup.cli.answer import Answer
from caldav_backup.cli.exits import Usage
from caldav_backup.cli.invocation import invocation_of
from caldav_backup.cli.restoring import Restore


class OnConflict(StrEnum):
    """What happens to an event that is there with another meaning."""

    SKIP = "skip"
    REPLACE = "replace"


class Invites(StrEnum):
    """What happens to guests."""

    SUPPRESS = "suppress"
    STRIP = "strip"
    ALLOW = "allow"


Only = Annotated[list[str] | None, typer.Option(metavar="GLOB", help="Only these calendars (may be repeated).")]
Mapped = Annotated[
    list[str] | None, typer.Option(metavar="OLD=NEW", help="This calendar goes into that one (may be repeated).")
]
Conflicts = Annotated[
    OnConflict | None, typer.Option(help="Events that are there with other content (default: skip, and exit 3).")
]


def command(
    context: typer.Context,
    *,
    snapshot: Annotated[
        str, typer.Argument(metavar="[SNAP[:PATH]]", help="What to restore; the newest snapshot when none is given.")
    ] = "latest",
    to: Annotated[
        str, typer.Option("--to", metavar="DEST", help="@name, a URL, a directory, FILE.ics, or - (standard output).")
    ],
    source: Annotated[str | None, typer.Option(metavar="SOURCE", help="Of this source: @name or origin.")] = None,
    calendar: Only = None,
    event: Annotated[list[str] | None, typer.Option(metavar="UID", help="Only this event (may be repeated).")] = None,
    map: Mapped = None,
    into: Annotated[str, typer.Option(metavar="NAME", help="Everything into this one calendar.")] = "",
    on_conflict: Conflicts = None,
    invites: Annotated[
        Invites, typer.Option(help="Guests: tell nobody, take them out, or mail them.")
    ] = Invites.SUPPRESS,
    no_create_calendars: Annotated[bool, typer.Option("--no-create-calendars", help="Make no calendar.")] = False,
    no_properties: Annotated[
        bool, typer.Option("--no-properties", help="New calendars get no colour and so on.")
    ] = False,
    no_verify: Annotated[bool, typer.Option("--no-verify", help="Do not read back what was written.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan, write nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> Answer:
    """Put events back: to a server, a directory or a file."""
    from caldav_backup import restorer
    from caldav_backup.inspection.references import parse_reference

    reference = parse_reference(snapshot)
    options = restorer.RestoreOptions(
        path=reference.path or "/",
        calendars=tuple(calendar or ()),
        events=tuple(event or ()),
        mapping=tuple(_pair(text) for text in map or ()),
        into=into,
        on_conflict=restorer.OnConflict(on_conflict or OnConflict.SKIP),
        invites=restorer.Invites(invites),
        create_calendars=not no_create_calendars,
        properties=not no_properties,
        verify=not no_verify,
    )
    asked = Restore(invocation_of(context), reference.snapshot, source, options, dry_run, yes, on_conflict is not None)
    return asked.restore_to(to)


def _pair(text: str) -> tuple[str, str]:
    old, equals, new = text.partition("=")
    if not equals or not old or not new:
        raise Usage(f"--map takes OLD=NEW, not {text!r}")
    return old, new
