"""`caldav-backup dup`: a second snapshot of the same tree."""

from __future__ import annotations

from typing import Annotated

import typer

from caldav_backup.cli.answer import Answer, Table
from caldav_backup.cli.counting import counted
from caldav_backup.cli.invocation import invocation_of
from caldav_backup.cli.listings import SHORT
from caldav_backup.cli.lock_waiting import DEFAULT_WAIT, LockWait, lock_waiting
from caldav_backup.cli.opening import choose_headers, open_repository
from caldav_backup.inspection.moments import local_text, utc_text
from caldav_backup.marks import PINNED, source_of


def command(
    context: typer.Context,
    *,
    snapshots: Annotated[list[str], typer.Argument(metavar="SNAP...", help="Which snapshots.")],
    source: Annotated[str | None, typer.Option(metavar="SOURCE", help="Of this source: @name or origin.")] = None,
    lock_wait: LockWait = DEFAULT_WAIT,
) -> Answer:
    """Make a second snapshot of the same events.

    It has the same time, and an id of its own.
    """
    from caldav_backup.kloset.duplicating import duplicate
    from caldav_backup.kloset.reissue import Reissue

    run = invocation_of(context)
    waiting = lock_waiting(run, lock_wait)
    repository = open_repository(run)
    chosen = choose_headers(run, repository, snapshots, source)
    # Nobody has asked for the second one to be kept.
    originals = [Reissue(header, [tag for tag in header.tags if tag != PINNED]) for header in chosen]
    made = duplicate(repository, originals, lock_wait=waiting.wait, tell=waiting.tell)
    result = {
        "duplicates": [
            {
                "id": header.identifier.hex(),
                "new_id": made[header.identifier].identifier.hex(),
                "time": utc_text(header.timestamp_ns),
                "source": source_of(header),
            }
            for header in chosen
        ]
    }
    rows = [
        [
            header.identifier.hex()[:SHORT],
            made[header.identifier].identifier.hex()[:SHORT],
            local_text(header.timestamp_ns),
            source_of(header),
        ]
        for header in chosen
    ]
    table = Table(["id", "new id", "time", "source"], rows)
    return Answer(result, summary=[table, f"{counted(len(made), 'snapshot')} duplicated"])
