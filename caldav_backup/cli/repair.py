"""`caldav-backup repair`: a damaged store as good as it can be again, without deleting anything."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from caldav_backup.cli.answer import Answer
from caldav_backup.cli.findings import GatheredFindings
from caldav_backup.cli.invocation import invocation_of
from caldav_backup.cli.lock_waiting import DEFAULT_WAIT, LockWait, Waiting, lock_waiting
from caldav_backup.cli.opening import open_repository
from caldav_backup.cli.progress_view import watched
from caldav_backup.cli.repair_answers import answer_of
from caldav_backup.progress import LookedAt

if TYPE_CHECKING:
    from caldav_backup.cli.invocation import Invocation
    from caldav_backup.inspection.damage import DamageTally
    from caldav_backup.kloset.check import Finding
    from caldav_backup.kloset.repairing.plan import RepairPlan
    from caldav_backup.kloset.repository import Repository


def command(
    context: typer.Context,
    *,
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without this, the plan is shown.")] = False,
    lock_wait: LockWait = DEFAULT_WAIT,
) -> Answer:
    """Repair a damaged store, or show what could be brought back."""
    from caldav_backup.inspection.damage import DamageTally
    from caldav_backup.kloset.check import readable_store

    run = invocation_of(context)
    waiting = lock_waiting(run, lock_wait)
    repository = open_repository(run)
    found, tally = GatheredFindings(for_programs=run.options.json), DamageTally()
    plan = _apply(run, repository, waiting, found, tally) if apply else _plan(run, repository, found, tally)
    return answer_of(plan, found, tally.report(plan.store or readable_store(repository)), applied=apply)


def _plan(run: Invocation, repository: Repository, found: GatheredFindings, tally: DamageTally) -> RepairPlan:
    from caldav_backup.kloset.repairing.plan import plan_repair

    def lost(finding: Finding) -> None:
        found.add(finding)
        tally.add(finding)

    with watched(run, "repair") as progress:
        return plan_repair(repository, lost=lost, progress=lambda step: progress(LookedAt(*step)))


def _apply(
    run: Invocation, repository: Repository, waiting: Waiting, found: GatheredFindings, tally: DamageTally
) -> RepairPlan:
    from caldav_backup.kloset.locks import exclusive_lock
    from caldav_backup.kloset.repairing.deed import apply_repair

    with exclusive_lock(repository, wait=waiting.wait, tell=waiting.tell) as lock:
        plan = _plan(run, repository, found, tally)
        apply_repair(repository, plan, lock, time.time_ns())
    return plan
