"""`caldav-backup backup`: one snapshot for each source."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from caldav_backup.cli.answer import Answer
from caldav_backup.cli.backup_runs import BackupRun, Ended, answer_of
from caldav_backup.cli.clock_warning import warn_of_clock
from caldav_backup.cli.durations import seconds, share
from caldav_backup.cli.exits import Usage
from caldav_backup.cli.invocation import Invocation, invocation_of
from caldav_backup.cli.lock_waiting import DEFAULT_WAIT, LockWait
from caldav_backup.cli.opening import open_repository
from caldav_backup.marks import FACTS, tags_from
from caldav_backup.settings import Kind, Location, SettingsError

Patterns = Annotated[list[str] | None, typer.Option(metavar="GLOB", help="Only these calendars (may be repeated).")]
Excluded = Annotated[list[str] | None, typer.Option(metavar="GLOB", help="Not these calendars (may be repeated).")]


def command(
    context: typer.Context,
    *,
    sources: Annotated[
        list[str] | None, typer.Argument(metavar="[SOURCE]...", help="@name, a URL or a directory; none: all sources.")
    ] = None,
    calendar: Patterns = None,
    exclude: Excluded = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="TAG", help="Tag the snapshot (may be repeated).")] = None,
    name: Annotated[str, typer.Option(metavar="NAME", help="Name the snapshot.")] = "default",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what would be fetched, store nothing.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Fetch every event again.")] = False,
    skip_if_unchanged: Annotated[
        bool, typer.Option("--skip-if-unchanged", help="Make no snapshot where nothing changed.")
    ] = False,
    max_shrink: Annotated[
        str, typer.Option("--max-shrink", metavar="SHARE", help="How much of a calendar may vanish between two runs.")
    ] = "30%",
    accept_shrink: Annotated[
        bool, typer.Option("--accept-shrink", help="Calendars and events that are gone are gone rightly.")
    ] = False,
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="Calendars that became empty are empty rightly.")
    ] = False,
    concurrency: Annotated[int, typer.Option(min=1, max=32, metavar="N", help="Requests at once.")] = 3,
    lock_wait: LockWait = DEFAULT_WAIT,
) -> Answer:
    """Back up sources, each into a snapshot of its own."""
    run = invocation_of(context)
    locations = _locations(run, sources or [])
    repository = open_repository(run)
    warn_of_clock(run, repository)
    work = BackupRun(
        run,
        repository,
        calendars=tuple(calendar or ()),
        exclude=tuple(exclude or ()),
        tags=_tags(tag if tag is not None else [run.environ.get("CALDAV_BACKUP_TAGS", "")]),
        name=name,
        dry_run=dry_run,
        full=full,
        skip_if_unchanged=skip_if_unchanged,
        max_shrink=share(max_shrink, "--max-shrink"),
        accept_shrink=accept_shrink,
        allow_empty=allow_empty,
        concurrency=concurrency,
        lock_wait=seconds(lock_wait, "--lock-wait"),
    )
    ended = [each if isinstance(each, Ended) else work.back_up(each) for each in locations]
    return answer_of(ended, dry_run=dry_run, verbose=bool(run.options.verbose))


def _tags(given: list[str]) -> tuple[str, ...]:
    tags = tags_from(given)
    for tag in tags:
        if tag in FACTS:
            raise Usage(f"the tag {tag!r} is given by a run itself, to say what came of it; choose another")
    return tags


def _locations(run: Invocation, words: list[str]) -> list[Location | Ended]:
    """What to back up; every word is understood before the first source is asked.

    Of all sources, one whose settings are wrong does not keep the others from being backed up.
    """
    if words:
        return [_location(run, word) for word in words]
    names = run.settings.names(Kind.SOURCE)
    if not names:
        raise Usage("there is no source yet; 'caldav-backup source add NAME LOCATION' makes one")
    return [_configured(run, name) for name in names]


def _configured(run: Invocation, name: str) -> Location | Ended:
    try:
        return run.settings.location(Kind.SOURCE, name)
    except SettingsError as error:
        return Ended(f"@{name}", None, error)


def _location(run: Invocation, word: str) -> Location:
    location = run.settings.given_location(Kind.SOURCE, word)
    if "password" in location.secrets and not location.name:
        run.warn("the password in the URL on a command line is seen by others; 'caldav-backup source add' avoids that")
    if not location.name and "://" not in word and not os.path.isdir(word) and word in run.settings.names(Kind.SOURCE):
        raise Usage(f"there is no directory {word!r}; the source of that name is @{word}")
    return location
