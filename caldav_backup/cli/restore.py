"""`caldav-backup restore`: calendars and events of a snapshot, back to where calendars live."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Annotated

import typer

from caldav_backup.cli.answer import Answer
from caldav_backup.cli.durations import share
from caldav_backup.cli.invocation import invocation_of
from caldav_backup.cli.restoring import Restore
from caldav_backup.cli.selecting import Calendars, Events, From, Kinds, Texts, Until, mapping, selection


class OnConflict(StrEnum):
    """What happens to an event that is there with another meaning."""

    SKIP = "skip"
    REPLACE = "replace"
    NEWER = "newer"
    DUPLICATE = "duplicate"
    FAIL = "fail"


class Uids(StrEnum):
    """Whether events stay what they are to every program that knows them."""

    KEEP = "keep"
    NEW = "new"


class Invites(StrEnum):
    """What happens to guests."""

    SUPPRESS = "suppress"
    STRIP = "strip"
    ALLOW = "allow"


Mapped = Annotated[
    list[str] | None, typer.Option(metavar="OLD=NEW", help="This calendar goes into that one (may be repeated).")
]
Conflicts = Annotated[
    OnConflict | None, typer.Option(help="Events that are there with other content (default: skip, and exit 3).")
]
Extra = Annotated[
    bool, typer.Option("--delete-extra", help="Remove what is in these calendars and not in the snapshot.")
]
MaxDelete = Annotated[
    str, typer.Option("--max-delete", metavar="SHARE", help="How much of a calendar --delete-extra may remove.")
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
    calendar: Calendars = None,
    event: Events = None,
    match: Texts = None,
    from_: From = None,
    until: Until = None,
    type: Kinds = None,
    map: Mapped = None,
    into: Annotated[str, typer.Option(metavar="NAME", help="Everything into this one calendar.")] = "",
    on_conflict: Conflicts = None,
    uid: Annotated[Uids, typer.Option(help="New UIDs put events beside those that are there.")] = Uids.KEEP,
    invites: Annotated[
        Invites, typer.Option(help="Guests: tell nobody, take them out, or mail them.")
    ] = Invites.SUPPRESS,
    no_create_calendars: Annotated[bool, typer.Option("--no-create-calendars", help="Make no calendar.")] = False,
    no_properties: Annotated[
        bool, typer.Option("--no-properties", help="New calendars get no colour and so on.")
    ] = False,
    delete_extra: Extra = False,
    max_delete: MaxDelete = "50%",
    no_safety_snapshot: Annotated[
        bool, typer.Option("--no-safety-snapshot", help="Do not back up first what is replaced or removed.")
    ] = False,
    no_verify: Annotated[bool, typer.Option("--no-verify", help="Do not read back what was written.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan, write nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> Answer:
    """Put events back: to a server, a directory or a file."""
    from caldav_backup import restorer
    from caldav_backup.inspection.references import parse_reference

    reference = parse_reference(snapshot)
    chosen = selection(reference, calendars=calendar, events=event, texts=match, kinds=type, first=from_, last=until)
    options = replace(
        chosen,
        mapping=mapping(map, into),
        into=into,
        on_conflict=restorer.OnConflict(on_conflict or OnConflict.SKIP),
        uids=restorer.Uids(uid),
        invites=restorer.Invites(invites),
        create_calendars=not no_create_calendars,
        properties=not no_properties,
        verify=not no_verify,
        delete_extra=delete_extra,
    )
    asked = Restore(
        invocation_of(context),
        reference.snapshot,
        source,
        options,
        dry_run=dry_run,
        yes=yes,
        skip_chosen=on_conflict is not None,
        max_delete=share(max_delete, "--max-delete"),
        is_safe=not no_safety_snapshot,
    )
    return asked.restore_to(to)
