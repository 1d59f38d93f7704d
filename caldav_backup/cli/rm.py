"""`caldav-backup rm`: snapshots away that are named, or that a description fits."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from caldav_backup.cli.answer import Answer
from caldav_backup.cli.counting import counted
from caldav_backup.cli.exits import Exit, Guarded, Usage
from caldav_backup.cli.invocation import Invocation, invocation_of
from caldav_backup.cli.listings import snapshots as listed
from caldav_backup.cli.opening import choose_headers, open_repository
from caldav_backup.cli.prune_answers import SPACE, how_to
from caldav_backup.cli.tags import given_tags
from caldav_backup.cli.unreadable import unreadable_ids
from caldav_backup.inspection.moments import moment_ns
from caldav_backup.inspection.snapshots import Filter
from caldav_backup.marks import INCOMPLETE
from caldav_backup.retention import is_ours, plan_removal, plan_removal_among, told

if TYPE_CHECKING:
    from caldav_backup.kloset.header import Header
    from caldav_backup.kloset.repository import Repository
    from caldav_backup.retention import RemovalPlan


def command(
    context: typer.Context,
    *,
    snapshots: Annotated[list[str] | None, typer.Argument(metavar="[SNAP]...", help="These snapshots.")] = None,
    tag: Annotated[
        list[str] | None, typer.Option(metavar="TAG", help="Those with this tag, or with all of several.")
    ] = None,
    source: Annotated[str | None, typer.Option(metavar="SOURCE", help="Those of this source: @name or origin.")] = None,
    before: Annotated[str | None, typer.Option(metavar="WHEN", help="Those older than: 2026-05-01, or 90d.")] = None,
    all: Annotated[bool, typer.Option("--all", help="Of these, what other programs made, too.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without this, the plan is shown.")] = False,
) -> Answer:
    """Remove snapshots; never a pinned or the last good one."""
    run = invocation_of(context)
    now_ns = time.time_ns()
    if snapshots and (tag or before is not None):
        raise Usage("name snapshots one by one, or describe them with --tag and --before; not both at once")
    if not (snapshots or tag or before is not None or source is not None):
        raise Usage("say which to remove: snapshots one by one, or all that --tag, --before and --source describe")
    tags = given_tags(tag, "--tag")
    repository = open_repository(run)
    if snapshots and (unreadable := unreadable_ids(repository, snapshots)):
        return _remove_unreadable(repository, unreadable, apply=apply)
    if snapshots:
        plan = plan_removal(repository, choose_headers(run, repository, snapshots, source), now_ns)
    else:
        wanted = Filter(
            tags=tags,
            source=source,
            before_ns=moment_ns(before, now_ns) if before is not None else None,
            hidden_too=INCOMPLETE in tags,
        )
        plan = plan_removal_among(repository, _ours(run, wanted.apply(repository.snapshots()), others_too=all), now_ns)
        if plan.protected and not plan.removed:
            raise Guarded(f"{'; '.join(map(told, plan.protected))}; nothing else is like that, so nothing was removed")
    return _answer(run, plan, plan.apply() if apply else None)


def _remove_unreadable(repository: Repository, identifiers: Sequence[bytes], *, apply: bool) -> Answer:
    """Snapshots of which nobody can say more than their ids; whether they were pinned or good is lost as well."""
    if apply:
        repository.remove_snapshots(identifiers)
    result = {"dry_run": not apply, "removed": [each.hex() for each in identifiers], "protected": []}
    if apply:
        return Answer(result, summary=[f"{counted(len(identifiers), 'snapshot')} removed", SPACE])
    lines = [f"{each.hex()[:8]}: its description is damaged, so nobody can read it" for each in identifiers]
    return Answer(result, lines, how_to(len(identifiers)))


def _ours(run: Invocation, found: Sequence[Header], *, others_too: bool) -> list[Header]:
    ours = [header for header in found if others_too or is_ours(header)]
    if left := len(found) - len(ours):
        run.note(f"{counted(left, 'snapshot')} of other programs left alone; --all takes them, too")
    return ours


def _answer(run: Invocation, plan: RemovalPlan, removed: Sequence[Header] | None) -> Answer:
    gone = plan.removed if removed is None else removed
    for verdict in plan.protected:
        run.note(f"{told(verdict)}, and stays")
    result = {
        "dry_run": removed is None,
        "removed": [header.identifier.hex() for header in gone],
        "protected": [
            {"id": verdict.header.identifier.hex(), "reasons": [reason.rule for reason in verdict.reasons]}
            for verdict in plan.protected
        ],
    }
    done = Exit.DAMAGED if run.damaged_snapshots else Exit.DONE
    if removed is not None:
        told_of = [f"{counted(len(gone), 'snapshot')} removed", SPACE] if gone else ["nothing to remove"]
        return Answer(result, summary=told_of, exit=done)
    return Answer(result, listed(plan.removed, whole_ids=False).body, how_to(len(gone)), exit=done)
