"""`caldav-backup ls`: snapshots, and what is in one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from caldav_backup.cli import listings
from caldav_backup.cli.answer import Answer
from caldav_backup.cli.exits import Exit, Usage
from caldav_backup.cli.invocation import Invocation, invocation_of
from caldav_backup.cli.opening import choose_header, open_repository
from caldav_backup.cli.tags import given_tags
from caldav_backup.inspection.moments import moment_ns
from caldav_backup.inspection.references import parse_reference
from caldav_backup.inspection.snapshots import Filter

if TYPE_CHECKING:
    from caldav_backup.kloset.header import Header

WORDS = ("snapshots", "calendars", "events", "errors")


def command(
    context: typer.Context,
    *,
    what: Annotated[
        str,
        typer.Argument(
            metavar="[WHAT]", help="snapshots, calendars, events or errors; or SNAP[:PATH] for the paths in one."
        ),
    ] = "snapshots",
    snapshot: Annotated[
        str | None, typer.Argument(metavar="[SNAP[:PATH]]", help="Of which snapshot (default: latest).")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="TAG", help="Only snapshots with this tag.")] = None,
    source: Annotated[str | None, typer.Option(metavar="SOURCE", help="Only of this source: @name or origin.")] = None,
    since: Annotated[str | None, typer.Option(metavar="WHEN", help="Not older: 2026-05-01, or 7d.")] = None,
    before: Annotated[str | None, typer.Option(metavar="WHEN", help="Older than: 2026-05-01, or 7d.")] = None,
    latest: Annotated[bool, typer.Option("--latest", help="Only the newest of each source.")] = False,
    recursive: Annotated[bool, typer.Option("--recursive", help="What is below directories, too.")] = False,
    uuid: Annotated[bool, typer.Option("--uuid", help="Whole ids instead of their first digits.")] = False,
    all: Annotated[bool, typer.Option("--all", help="Incomplete snapshots, too.")] = False,
) -> Answer:
    """List snapshots, or the calendars, events or errors of one."""
    run = invocation_of(context)
    now = time.time_ns()
    chosen = Filter(
        tags=given_tags(tag, "--tag"),
        source=source,
        since_ns=moment_ns(since, now) if since else None,
        before_ns=moment_ns(before, now) if before else None,
        latest=latest,
        hidden_too=all,
    )
    if what == "snapshots":
        if snapshot is not None:
            raise Usage("'ls snapshots' lists all of them; 'ls SNAP' lists what is in one")
        return _all(run, chosen, whole_ids=uuid)
    if what in WORDS:
        return _of_one(run, what, snapshot or "latest", chosen, recursive=recursive)
    if snapshot is not None:
        raise Usage(f"{what!r} is none of {', '.join(WORDS)}")
    return _of_one(run, "paths", what, chosen, recursive=recursive)


def _all(run: Invocation, chosen: Filter, *, whole_ids: bool) -> Answer:
    headers = open_repository(run).snapshots()
    if run.damaged_snapshots:
        listed = listings.snapshots(chosen.apply(headers), whole_ids=whole_ids)
        return replace(listed, exit=Exit.DAMAGED)
    return listings.snapshots(chosen.apply(headers), whole_ids=whole_ids, empty=_why_empty(chosen, headers))


def _why_empty(chosen: Filter, headers: Sequence[Header]) -> str:
    """What is said where nothing is listed."""
    if not headers:
        return "no snapshots yet; 'caldav-backup backup' makes one"
    hidden = replace(chosen, hidden_too=True).apply(headers)
    return "only incomplete snapshots are like that; --all lists them" if hidden else "no snapshot is like that"


def _of_one(run: Invocation, what: str, word: str, chosen: Filter, *, recursive: bool) -> Answer:
    reference = parse_reference(word)
    repository = open_repository(run)
    # `--latest` is for lists; here it would hide the good snapshot behind an incomplete one.
    headers = replace(chosen, source=None, latest=False, hidden_too=True).apply(repository.snapshots())
    header = choose_header(run, repository, reference.snapshot, chosen.source, among=headers)
    snapshot = repository.snapshot(header.identifier)
    path = reference.path or "/"
    match what:
        case "calendars":
            return listings.calendars(snapshot, path)
        case "events":
            return listings.events(snapshot, path)
        case "errors":
            return listings.errors(snapshot, path)
        case _:
            return listings.paths(snapshot, path, recursive=recursive)
