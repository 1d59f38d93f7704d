"""Everything that one call of maintenance does, in its order.

Owns the order: colour and sweep, then rewrite packfiles and merge states where that was asked for, all under one
exclusive lock.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from caldav_backup.kloset.checking.findings import Progress
from caldav_backup.kloset.locks import Tell, exclusive_lock, silent
from caldav_backup.kloset.maintenance.applying import Maintained, apply_maintenance
from caldav_backup.kloset.maintenance.merging import Merged, MergingPlan, apply_merging, plan_merging
from caldav_backup.kloset.maintenance.plan import MaintenancePlan
from caldav_backup.kloset.maintenance.planning import look_at
from caldav_backup.kloset.maintenance.repacking import Repacked, RepackPlan, apply_repack, plan_repack
from caldav_backup.kloset.repository import Repository

ENOUGH_STATES = 8
"""Files that merging states must save: a few more are read faster than everything is written again."""


class UpkeepPlan(NamedTuple):
    """What would be done; `repack` and `merging` are None unless they were asked for."""

    maintenance: MaintenancePlan
    repack: RepackPlan | None = None
    merging: MergingPlan | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do now."""
        has_repack = self.repack is not None and not self.repack.is_empty
        return self.maintenance.is_empty and not has_repack and not self.merges

    @property
    def merges(self) -> bool:
        """Whether there are so many states that writing them together pays."""
        return self.merging is not None and self.merging.saved_files >= ENOUGH_STATES


class Upkept(NamedTuple):
    """What was planned under the lock, and what was done of it."""

    plan: UpkeepPlan
    maintained: Maintained
    repacked: Repacked | None = None
    merged: Merged | None = None


def plan_upkeep(repository: Repository, *, grace_ns: int, now_ns: int, repack: bool, progress: Progress) -> UpkeepPlan:
    """What there is to do now; the same arguments and errors as `plan_maintenance`. Changes nothing."""
    look = look_at(repository, grace_ns=grace_ns, now_ns=now_ns, progress=progress)
    if not repack:
        return UpkeepPlan(look.plan)
    rewritten = plan_repack(repository, look.live, look.usage, progress=progress)
    return UpkeepPlan(look.plan, rewritten, plan_merging(repository))


def apply_upkeep(
    repository: Repository,
    *,
    grace_ns: int,
    repack: bool,
    progress: Progress,
    lock_wait: float = 0.0,
    tell: Tell = silent,
    clock: Callable[[], int] = time.time_ns,
) -> Upkept:
    """Plan again under the exclusive lock and do it. Locked after `lock_wait` seconds; `tell` is told of the wait.

    An interruption at any point leaves a sound store, and the next call goes on. The errors of `plan_maintenance`,
    LockLost, StorageError.
    """
    with exclusive_lock(repository, wait=lock_wait, tell=tell, clock=clock) as lock:
        maintained = apply_maintenance(repository, lock, grace_ns=grace_ns, clock=clock, progress=progress)
        if not repack:
            return Upkept(UpkeepPlan(maintained.plan), maintained)
        live, usage = maintained.look.live, maintained.look.usage
        rewritten = plan_repack(repository, live, usage, progress=progress)
        repacked = apply_repack(repository, rewritten, confirm=lock.confirm, progress=progress, clock=clock)
        plan = UpkeepPlan(maintained.plan, rewritten, plan_merging(repository))
        merged = None
        if plan.merges:
            merged = apply_merging(repository, confirm=lock.confirm, progress=progress, clock=clock)
        return Upkept(plan, maintained, repacked, merged)
