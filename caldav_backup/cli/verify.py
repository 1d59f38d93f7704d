"""`caldav-backup verify`: does the server have what the snapshot has?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from caldav_backup.cli.answer import Answer
from caldav_backup.cli.endpoints import open_source
from caldav_backup.cli.exits import Usage
from caldav_backup.cli.invocation import Invocation, invocation_of
from caldav_backup.cli.opening import choose_header, open_repository
from caldav_backup.cli.option_words import warn_of_typed_password
from caldav_backup.cli.progress_view import watched
from caldav_backup.cli.render import about
from caldav_backup.cli.running import run_async
from caldav_backup.cli.selecting import mapping
from caldav_backup.cli.verify_answers import answer_of
from caldav_backup.inspection.references import Reference, parse_reference
from caldav_backup.settings import Kind, Location, masked

if TYPE_CHECKING:
    from caldav_backup.connectors.base import Source
    from caldav_backup.kloset.repository import Repository
    from caldav_backup.kloset.snapshot import Snapshot
    from caldav_backup.progress import Progress
    from caldav_backup.restorer import Findings, RestoreOptions

_TAKES = "verify takes [SNAP[:PATH]] @SOURCE"
_MOST_WORDS = 2

Mapped = Annotated[
    list[str] | None, typer.Option(metavar="OLD=NEW", help="This calendar is that one there (may be repeated).")
]


def command(
    context: typer.Context,
    *,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[SNAP[:PATH]] @SOURCE",
            help="Which snapshot (default: the newest), and the account: @name, a URL or a directory.",
        ),
    ],
    source: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="A snapshot of this source: @name or origin.")
    ] = None,
    calendar: Annotated[
        list[str] | None, typer.Option(metavar="GLOB", help="Only these calendars (may be repeated).")
    ] = None,
    map: Mapped = None,
    into: Annotated[str, typer.Option(metavar="NAME", help="Everything is in this one calendar there.")] = "",
) -> Answer:
    """Compare an account with a snapshot, event by event. Changes nothing anywhere."""
    from caldav_backup import restorer

    run = invocation_of(context)
    reference, word = _taken_apart(words)
    options = restorer.RestoreOptions(
        path=reference.path or "/",
        calendars=tuple(calendar or ()),
        mapping=mapping(map, into),
        into=into,
    )
    location = _location(run, word)
    warn_of_typed_password(run, location)
    repository = open_repository(run)
    title = f"@{location.name}" if location.name else masked(location.location)
    opened = open_source(run, location)
    chosen = source or _own_source(repository, reference.snapshot, location, opened.origin)
    snapshot = repository.snapshot(choose_header(run, repository, reference.snapshot, chosen).identifier)
    with watched(run, title) as progress:
        return answer_of(_verified(snapshot, opened, options, title, progress))


def _verified(snapshot: Snapshot, source: Source, options: RestoreOptions, title: str, progress: Progress) -> Findings:
    """What is found; what is wrong with the account, and not with what was asked, is told with its `title`."""
    from caldav_backup.connectors.base import CollectionUnreadable
    from caldav_backup.connectors.directory import DirectoryUnreadable
    from caldav_backup.dav import DavError
    from caldav_backup.restorer import verify

    async def work() -> Findings:
        try:
            return await verify(snapshot, source, options, progress=progress)
        finally:
            await source.close()

    with about(title, DavError), about(title, CollectionUnreadable), about(title, DirectoryUnreadable):
        return run_async(work())


def _taken_apart(words: Sequence[str]) -> tuple[Reference, str]:
    """The snapshot, and what names the account: the last word."""
    if len(words) > _MOST_WORDS:
        raise Usage(f"{_TAKES}, not {len(words)} words")
    reference = parse_reference(words[0] if len(words) == _MOST_WORDS else "latest")
    if len(words) == 1 and (words[0] == "latest" or words[0].startswith(("latest~", "latest:"))):
        raise Usage(f"{_TAKES}: say which account is to be compared with {words[0]}")
    return reference, words[-1]


def _location(run: Invocation, word: str) -> Location:
    """A source, or a destination where only that has the name: what was restored somewhere can be verified, too."""
    name = word.removeprefix("@")
    is_source = not word.startswith("@") or name in run.settings.names(Kind.SOURCE)
    is_destination = not is_source and name in run.settings.names(Kind.DESTINATION)
    return run.settings.given_location(Kind.DESTINATION if is_destination else Kind.SOURCE, word)


def _own_source(repository: Repository, word: str, location: Location, origin: str) -> str | None:
    """The account itself, where the store has snapshots of it and the word could mean one of another source."""
    from caldav_backup.inspection.snapshots import sources_of
    from caldav_backup.marks import may_be_good

    if not word.startswith(("latest", "@")):
        return None
    there = sources_of(header for header in repository.snapshots() if may_be_good(header))
    return next((name for name in (f"@{location.name}", origin) if name in there), None)
