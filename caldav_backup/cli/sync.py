"""`caldav-backup sync`: snapshots copied to another store, or from one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from caldav_backup.cli import syncing
from caldav_backup.cli.answer import Answer
from caldav_backup.cli.durations import seconds
from caldav_backup.cli.exits import Usage
from caldav_backup.cli.invocation import Invocation, invocation_of
from caldav_backup.cli.lock_waiting import DEFAULT_WAIT, LockWait
from caldav_backup.cli.opening import choose_headers, open_other, open_repository
from caldav_backup.cli.tags import given_tags
from caldav_backup.inspection.moments import moment_ns
from caldav_backup.inspection.snapshots import Filter

if TYPE_CHECKING:
    from caldav_backup.kloset.header import Header
    from caldav_backup.kloset.repository import Repository

DIRECTIONS = ("to", "from", "with")
_FORM = "say what to copy where: sync [SNAP]... to STORE, or from STORE, or with STORE for both ways"


def command(
    context: typer.Context,
    *,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[SNAP]... to|from|with STORE", help="Which snapshots (none: all), which way, the other store."
        ),
    ],
    source: Annotated[str | None, typer.Option(metavar="SOURCE", help="Only of this source: @name or origin.")] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="TAG", help="Only snapshots with this tag.")] = None,
    since: Annotated[str | None, typer.Option(metavar="WHEN", help="Not older: 2026-05-01, or 7d.")] = None,
    before: Annotated[str | None, typer.Option(metavar="WHEN", help="Older than: 2026-05-01, or 7d.")] = None,
    latest: Annotated[bool, typer.Option("--latest", help="Only the newest of each source.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be copied.")] = False,
    lock_wait: LockWait = DEFAULT_WAIT,
) -> Answer:
    """Copy snapshots to another store, or from one.

    It may have another passphrase, another compression and other chunk sizes. What it has already is not copied again.
    """
    run = invocation_of(context)
    asked = _parse(words)
    wait = seconds(lock_wait, "--lock-wait")
    if asked.snapshots and (tag or since or before or latest):
        raise Usage("name snapshots one by one, or describe them with options; not both at once")
    if asked.snapshots and asked.direction == "with":
        raise Usage("with copies both ways, and a snapshot is in one store or in both: use to, or from")
    now_ns = time.time_ns()
    wanted = Filter(
        tags=given_tags(tag, "--tag"),
        source=source,
        since_ns=moment_ns(since, now_ns) if since else None,
        before_ns=moment_ns(before, now_ns) if before else None,
        latest=latest,
    )
    own = open_repository(run)
    other = open_other(run, asked.store, own)
    ways = {"to": [(own, other)], "from": [(other, own)], "with": [(own, other), (other, own)]}[asked.direction]
    # Both ways are looked at before anything is copied, or what came one way would go back the other.
    chosen = [_chosen(run, each, asked.snapshots, wanted) for each, _ in ways]
    done = [
        syncing.copy_between(run, *way, headers, again=bool(asked.snapshots), lock_wait=wait, dry_run=dry_run)
        for way, headers in zip(ways, chosen, strict=True)
    ]
    tables = [syncing.table(each) for each in done]
    return Answer(
        {"dry_run": dry_run, "directions": [syncing.fields(each) for each in done]},
        tables if dry_run else (),
        [*(() if dry_run else tables), *(line for each in done for line in syncing.summary(each))],
        [line for each in done for line in syncing.trouble(each)],
        exit=syncing.exit_code(run, done),
    )


class _Asked(NamedTuple):
    snapshots: Sequence[str]
    direction: str
    store: str


def _parse(words: Sequence[str]) -> _Asked:
    if len(words) < 2 or words[-2] not in DIRECTIONS:
        raise Usage(_FORM)
    return _Asked(words[:-2], words[-2], words[-1])


def _chosen(run: Invocation, repository: Repository, words: Sequence[str], wanted: Filter) -> list[Header]:
    if words:
        return choose_headers(run, repository, words, wanted.source)
    headers = repository.snapshots()
    # An empty store has no snapshot of any source, and that is no mistake.
    return wanted.apply(headers) if headers else []
