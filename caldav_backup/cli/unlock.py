"""`caldav-backup unlock`: which programs have locked the store, and the locks away that they left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from caldav_backup.cli.answer import Answer, Table
from caldav_backup.cli.counting import counted
from caldav_backup.cli.invocation import Invocation, invocation_of
from caldav_backup.cli.listings import SHORT
from caldav_backup.cli.opening import open_repository
from caldav_backup.inspection.moments import utc_text

if TYPE_CHECKING:
    from caldav_backup.kloset.found_locks import FoundLock
    from caldav_backup.kloset.unlock import UnlockPlan

RISK = (
    "whoever still runs loses its lock, and a maintenance may then delete what it relies on; "
    "make sure that nothing works on the store, on any machine"
)
_SECOND = 1_000_000_000
_UNITS = (("day", 86400), ("h", 3600), ("min", 60))


def command(
    context: typer.Context,
    *,
    all: Annotated[bool, typer.Option("--all", help="Locks that are alive, too.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without this, the plan is shown.")] = False,
) -> Answer:
    """List who locks the store, and remove locks left behind."""
    from caldav_backup.kloset.unlock import plan_unlock

    run = invocation_of(context)
    plan = plan_unlock(open_repository(run), living_too=all)
    return _done(run, plan.apply()) if apply else _planned(run, plan)


def _planned(run: Invocation, plan: UnlockPlan) -> Answer:
    going = [lock for lock in plan.locks if plan.removes(lock)]
    table = Table(
        ["", "lock", "kind", "held by", "last sign of life", "state"],
        [["remove" if plan.removes(lock) else "keep", *_row(lock)] for lock in plan.locks],
    )
    if plan.living_too and any(not lock.is_stale for lock in plan.locks):
        run.warn(RISK)
    how_to = f"nothing was removed yet; --apply removes {counted(len(going), 'lock')}" if going else "nothing to remove"
    summary = [*_staying(plan), how_to] if plan.locks else ["no program has locked the store"]
    return Answer(_result(plan, dry_run=True), [table] if plan.locks else [], summary)


def _done(run: Invocation, plan: UnlockPlan) -> Answer:
    gone = [lock for lock in plan.locks if plan.removes(lock)]
    for lock in gone:
        if not lock.is_stale:
            run.warn(f"lock {lock.identifier.hex()[:SHORT]} was alive: {RISK}")
    done = f"{counted(len(gone), 'lock')} removed" if gone else "nothing to remove"
    return Answer(_result(plan, dry_run=False), summary=[done, *_staying(plan)])


def _staying(plan: UnlockPlan) -> list[str]:
    """Of locks that stay: why, and what to do."""
    alive = sum(not plan.removes(lock) for lock in plan.locks)
    if not alive:
        return []
    whose = "1 lock is alive and stays" if alive == 1 else f"{alive} locks are alive and stay"
    return [f"{whose}: wait for the program to end, or for 10 minutes if it was killed; --all removes living ones, too"]


def _row(lock: FoundLock) -> list[str]:
    if lock.lock is None:
        who, kind = "", "unreadable"
    else:
        who, kind = lock.lock.hostname, "exclusive" if lock.lock.exclusive else "shared"
    return [lock.identifier.hex()[:SHORT], kind, who, _age(lock), "stale" if lock.is_stale else "alive"]


def _age(lock: FoundLock) -> str:
    if lock.ahead_ns >= 60 * _SECOND:
        return f"dated {_duration(lock.ahead_ns)} ahead"
    return f"{_duration(lock.age_ns)} ago"


def _duration(length_ns: int) -> str:
    """`3 min`, by the largest unit that fits."""
    length = length_ns // _SECOND
    for unit, size in _UNITS:
        if length >= size:
            count = length // size
            return counted(count, unit) if unit == "day" else f"{count} {unit}"
    return f"{length} s"


def _result(plan: UnlockPlan, *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "locks": [
            {
                "id": lock.identifier.hex(),
                "hostname": None if lock.lock is None else lock.lock.hostname,
                "exclusive": None if lock.lock is None else lock.lock.exclusive,
                "time": None if lock.lock is None else utc_text(lock.lock.timestamp_ns),
                "age": lock.age_ns / _SECOND,
                "stale": lock.is_stale,
                "removed": plan.removes(lock),
                "problem": lock.problem,
            }
            for lock in plan.locks
        ],
    }
