"""`caldav-backup check`: is everything that was stored still there and unchanged?"""

from __future__ import annotations

from typing import Annotated

import typer

from caldav_backup.cli.answer import Answer
from caldav_backup.cli.counting import counted
from caldav_backup.cli.durations import share
from caldav_backup.cli.exits import Exit
from caldav_backup.cli.invocation import invocation_of
from caldav_backup.cli.opening import choose_header, open_repository
from caldav_backup.inspection.references import parse_reference

Subset = Annotated[str | None, typer.Option(metavar="SHARE", help="Read this share of the contents: 10%.")]


def command(
    context: typer.Context,
    *,
    snapshots: Annotated[
        list[str] | None, typer.Argument(metavar="[SNAP]...", help="Only these snapshots; none: the whole store.")
    ] = None,
    source: Annotated[str | None, typer.Option(metavar="SOURCE", help="Of this source: @name or origin.")] = None,
    read_data: Annotated[bool, typer.Option("--read-data", help="Read every event's content, too.")] = False,
    read_data_subset: Subset = None,
) -> Answer:
    """Check that everything stored is there and unchanged. Changes nothing."""
    from caldav_backup.kloset.check import Severity, check

    run = invocation_of(context)
    part = share(read_data_subset, "--read-data-subset") if read_data_subset else 1.0
    repository = open_repository(run)
    chosen = None
    if snapshots:
        words = [parse_reference(word).snapshot for word in snapshots]
        chosen = [choose_header(run, repository, word, source).identifier for word in words]
    findings = list(
        check(repository, read_data=read_data or read_data_subset is not None, share=part, snapshots=chosen)
    )
    damaged = [finding for finding in findings if finding.severity is Severity.DAMAGE]
    lines = [f"{each.severity.value}: {each.what} {each.where}: {each.message}" for each in findings]
    looked_at = counted(len(chosen), "snapshot") if chosen is not None else "the store"
    result = {
        "snapshots": None if chosen is None else [identifier.hex() for identifier in chosen],
        "read_data": part if read_data or read_data_subset else 0,
        "findings": [
            {"severity": each.severity.value, "what": each.what, "where": each.where, "message": each.message}
            for each in findings
        ],
    }
    return Answer(
        result,
        summary=[
            f"{looked_at}: damaged in {counted(len(damaged), 'place')}" if damaged else f"{looked_at}: no damage found"
        ],
        trouble=lines,
        exit=Exit.DAMAGED if damaged else Exit.DONE,
    )
