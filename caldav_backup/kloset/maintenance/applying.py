"""Carries out a maintenance: one state that says what changes, then the files.

Owns the order (`docs/design/format.md`, "Writing safely"): look again under the exclusive lock, commit, delete. After
the commit nothing refers to what is deleted, so that an interruption at any point leaves a sound store; a file that
stays behind is found again as one that no state names.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from caldav_backup.kloset.checking.findings import Progress, Step, no_progress
from caldav_backup.kloset.errors import StorageError
from caldav_backup.kloset.locks import HeldLock
from caldav_backup.kloset.maintenance.plan import Expired, MaintenancePlan
from caldav_backup.kloset.maintenance.planning import Look, look_at
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import ResourceType, random_identifier
from caldav_backup.kloset.state import ColouredEntry, DeleteEntry, EntryType, Run, make_run
from caldav_backup.kloset.storage import Kind


class Undeleted(NamedTuple):
    """A packfile that nothing refers to any more, and why it is still there."""

    packfile: Expired
    reason: str


class Maintained(NamedTuple):
    """What was done: all of the plan in `look`, but for files that could not be deleted."""

    look: Look
    undeleted: tuple[Undeleted, ...] = ()

    @property
    def plan(self) -> MaintenancePlan:
        return self.look.plan

    @property
    def freed_bytes(self) -> int:
        return self.plan.freed_bytes - sum(each.packfile.size for each in self.undeleted)


def apply_maintenance(
    repository: Repository,
    lock: HeldLock,
    *,
    grace_ns: int,
    clock: Callable[[], int] = time.time_ns,
    progress: Progress = no_progress,
    new_identifier: Callable[[], bytes] = random_identifier,
) -> Maintained:
    """Plan again under the exclusive `lock`, which is asked before everything that others must not meet, and do it.

    Where this clock and the storage's differ, whatever keeps things longer counts. The same errors as
    `plan_maintenance`, before anything is changed; LockLost; StorageError.
    """
    lock.confirm()
    storage_ns = repository.storage.modified_ns(Kind.LOCK, lock.identifier)
    look = look_at(repository, grace_ns=grace_ns, now_ns=min(clock(), storage_ns), progress=progress)
    if look.plan.is_empty:
        return Maintained(look)
    newest_ns = max((state.timestamp_ns for state in repository.index.heads.values()), default=0)
    marked_ns = max(clock(), storage_ns, newest_ns)
    lock.confirm()
    repository.put_state(new_identifier(), runs_of(look.plan, marked_ns), timestamp_ns=marked_ns)
    return Maintained(look, tuple(_delete(repository, lock, look.plan, progress)))


def runs_of(plan: MaintenancePlan, now_ns: int) -> list[Run]:
    """What the state of a maintenance says: deletions, then new colours of the time `now_ns`."""
    swept = [each.identifier for each in plan.sweep]
    uncoloured = [*swept, *(each.identifier for each in plan.uncolour)]
    deletions = [DeleteEntry(EntryType.PACKFILE, packfile=packfile) for packfile in swept]
    deletions += [DeleteEntry(EntryType.COLOURED, ResourceType.PACKFILE, packfile) for packfile in uncoloured]
    deletions += plan.dangling
    colours = [ColouredEntry(ResourceType.PACKFILE, each.identifier, now_ns) for each in plan.colour]
    return [make_run(entries) for entries in (deletions, colours) if entries]


def _delete(repository: Repository, lock: HeldLock, plan: MaintenancePlan, progress: Progress) -> list[Undeleted]:
    undeleted = []
    for number, each in enumerate(plan.sweep):
        progress(Step("packfiles", number, len(plan.sweep)))
        lock.confirm()
        try:
            repository.storage.delete(Kind.PACKFILE, each.identifier)
        except StorageError as exc:
            # The others can go all the same.
            undeleted.append(Undeleted(each, str(exc)))
    progress(Step("packfiles", len(plan.sweep), len(plan.sweep)))
    return undeleted
