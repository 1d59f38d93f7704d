"""`caldav-backup check`: is everything that was stored still there and unchanged?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from caldav_backup.cli.answer import Answer
from caldav_backup.cli.counting import counted
from caldav_backup.cli.durations import share
from caldav_backup.cli.exits import Exit
from caldav_backup.cli.invocation import invocation_of
from caldav_backup.cli.opening import choose_header, open_repository
from caldav_backup.cli.progress_view import watched
from caldav_backup.inspection.references import parse_reference
from caldav_backup.progress import LookedAt

if TYPE_CHECKING:
    from caldav_backup.kloset.check import Finding

#: Findings that are told one by one; the JSON document has all of them.
SHOWN = 20

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
    from caldav_backup.kloset.check import check

    run = invocation_of(context)
    part = share(read_data_subset, "--read-data-subset") if read_data_subset else 1.0
    repository = open_repository(run)
    chosen = None
    if snapshots:
        words = [parse_reference(word).snapshot for word in snapshots]
        chosen = [choose_header(run, repository, word, source).identifier for word in words]
    read_share = part if read_data or read_data_subset is not None else 0
    with watched(run, "check") as progress:
        found = check(
            repository,
            read_data=read_share > 0,
            share=part,
            snapshots=chosen,
            progress=lambda step: progress(LookedAt(*step)),
        )
        findings = list(found)
    return _answer(findings, chosen, read_share)


def _answer(findings: Sequence[Finding], chosen: Sequence[bytes] | None, read_share: float) -> Answer:
    from caldav_backup.kloset.check import Severity

    damaged = sum(finding.severity is Severity.DAMAGE for finding in findings)
    looked_at = counted(len(chosen), "snapshot") if chosen is not None else "the store"
    result = {
        "snapshots": None if chosen is None else [identifier.hex() for identifier in chosen],
        "read_data": read_share,
        "findings": [
            {"severity": each.severity.value, "what": each.what, "where": each.where, "message": each.message}
            for each in findings
        ],
    }
    summary = f"{looked_at}: damaged in {counted(damaged, 'place')}" if damaged else f"{looked_at}: no damage found"
    return Answer(result, summary=[summary], trouble=_lines(findings), exit=Exit.DAMAGED if damaged else Exit.DONE)


def _lines(findings: Sequence[Finding]) -> list[str]:
    """Damage before warnings; in the order of finding otherwise."""
    from caldav_backup.kloset.check import Severity

    ordered = sorted(findings, key=lambda each: each.severity is not Severity.DAMAGE)
    lines = [f"{each.severity.value}: {each.what} {each.where}: {each.message}" for each in ordered[:SHOWN]]
    if len(ordered) > SHOWN:
        lines.append(f"{len(ordered) - SHOWN} more findings; --json lists all")
    return lines
