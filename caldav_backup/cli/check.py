"""`caldav-backup check`: is everything that was stored still there and unchanged?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from caldav_backup.cli.answer import Answer
from caldav_backup.cli.counting import counted
from caldav_backup.cli.exits import Exit, Usage
from caldav_backup.cli.findings import GatheredFindings
from caldav_backup.cli.invocation import invocation_of
from caldav_backup.cli.opening import choose_header, open_repository
from caldav_backup.cli.parts import Chosen, parse_part
from caldav_backup.cli.progress_view import watched
from caldav_backup.inspection.references import parse_reference
from caldav_backup.inspection.snapshots import Filter
from caldav_backup.progress import LookedAt

if TYPE_CHECKING:
    from caldav_backup.inspection.damage import DamageReport

Subset = Annotated[
    str | None,
    typer.Option(metavar="PART", help="Read this part of the contents: 1/7 to 7/7, or 10% chosen by chance."),
]


def command(
    context: typer.Context,
    *,
    snapshots: Annotated[
        list[str] | None, typer.Argument(metavar="[SNAP]...", help="Only these snapshots; none: the whole store.")
    ] = None,
    source: Annotated[str | None, typer.Option(metavar="SOURCE", help="Only of this source: @name or origin.")] = None,
    read_data: Annotated[bool, typer.Option("--read-data", help="Read every event's content, too.")] = False,
    read_data_subset: Subset = None,
) -> Answer:
    """Check that everything stored is there and unchanged. Changes nothing."""
    from caldav_backup.inspection.damage import DamageTally
    from caldav_backup.kloset.check import EVERYTHING, check, readable_store

    run = invocation_of(context)
    if read_data and read_data_subset is not None:
        raise Usage("--read-data reads everything and --read-data-subset a part; give one of them")
    subset = parse_part(read_data_subset, "--read-data-subset") if read_data_subset is not None else None
    repository = open_repository(run)
    chosen = None
    if source is not None and not snapshots:
        chosen = [header.identifier for header in Filter(source=source, hidden_too=True).apply(repository.snapshots())]
    elif snapshots:
        words = [parse_reference(word).snapshot for word in snapshots]
        chosen = [choose_header(run, repository, word, source).identifier for word in words]
    found, tally = GatheredFindings(for_programs=run.options.json), DamageTally()
    with watched(run, "check") as progress:
        findings = check(
            repository,
            read_data=read_data or subset is not None,
            part=EVERYTHING if subset is None else subset.part,
            snapshots=chosen,
            progress=lambda step: progress(LookedAt(*step)),
        )
        for finding in findings:
            found.add(finding)
            tally.add(finding)
        report = tally.report(readable_store(repository))
    read_share = subset.part.share if subset is not None else float(read_data)
    # One that is named has nothing to do with others; of which source a damaged one is, nobody knows.
    left_out = not snapshots and chosen is not None and run.damaged_snapshots > 0
    return _answer(found, report, chosen, read_share, subset, left_out=left_out)


def _answer(
    found: GatheredFindings,
    report: DamageReport,
    chosen: Sequence[bytes] | None,
    read_share: float,
    subset: Chosen | None,
    *,
    left_out: bool,
) -> Answer:
    from caldav_backup.cli.damage_lines import damage_document, damage_lines

    result = {
        "snapshots": None if chosen is None else [identifier.hex() for identifier in chosen],
        "read_data": read_share,
        "subset": None if subset is None else subset.word,
        "damaged": found.damaged,
        "warnings": found.warned,
        **damage_document(report),
        "findings": found.spool,
    }
    return Answer(
        result,
        body=damage_lines(report),
        summary=[_summary(found, chosen, subset)],
        trouble=found.lines(),
        exit=Exit.DAMAGED if found.damaged or left_out else Exit.DONE,
    )


def _summary(found: GatheredFindings, chosen: Sequence[bytes] | None, subset: Chosen | None) -> str:
    looked_at = counted(len(chosen), "snapshot") if chosen is not None else "the store"
    read = f"; of the contents, part {subset.word} was read" if subset is not None else ""
    if found.damaged:
        damage = f"{looked_at}: damaged in {counted(found.damaged, 'place')}{read}"
        return f"{damage}; 'caldav-backup repair' says what can be done"
    return f"{looked_at}: no damage found{read}"
