"""Does what a plan says, under the exclusive lock.

Owns the order, in which a repair may die at any moment without making anything worse: packfiles first, each written
whole beside the damaged one, then one state that says everything, and only then what nobody needs any more goes out
of the way. Nothing is deleted of which no copy was kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from caldav_backup.kloset.index import Index
from caldav_backup.kloset.repairing.plan import RepairPlan
from caldav_backup.kloset.repairing.replacing import replacement_runs, uncolour_runs
from caldav_backup.kloset.repairing.rewriting import can_be_rewritten, rewrite
from caldav_backup.kloset.repairing.runs import location_run
from caldav_backup.kloset.repairing.states import read_good_states
from caldav_backup.kloset.resources import random_identifier
from caldav_backup.kloset.state import EntryType, LostEntry, MergedEntry, PackfileEntry, Run, make_run
from caldav_backup.kloset.storage import Kind

if TYPE_CHECKING:
    from caldav_backup.kloset.held_lock import HeldLock
    from caldav_backup.kloset.repository import Repository


def apply_repair(repository: Repository, plan: RepairPlan, lock: HeldLock, now_ns: int) -> None:
    """Do everything that `plan` says, which was made under `lock`. Open the store anew afterwards.

    LockLost when others may work there by now; StorageError, and what was not done yet is planned the next time.
    """
    index = Index()
    index.apply_all(read_good_states(repository))
    paddings = _rewrite_packfiles(repository, plan, index, lock)
    state = random_identifier()
    runs = [*_runs(plan, index, state, now_ns), *paddings]
    if runs:
        lock.confirm()
        repository.with_index(index).put_state(state, runs, timestamp_ns=now_ns)
    _put_aside(repository, plan, lock)


def _rewrite_packfiles(repository: Repository, plan: RepairPlan, index: Index, lock: HeldLock) -> list[Run]:
    """Write damaged packfiles anew; where the padding lies that they end with now."""
    runs: list[Run] = []
    for damaged in (*plan.packfiles, *plan.harmed):
        if can_be_rewritten(damaged):
            lock.confirm()
            named = index.packfiles.get(damaged.identifier)
            records = rewrite(repository, damaged, 0 if named is None else named.timestamp_ns)
            runs.append(location_run(damaged.identifier, records[-1:]))
    return runs


def _runs(plan: RepairPlan, index: Index, state: bytes, now_ns: int) -> list[Run]:
    """What the new state says."""
    runs = _told_before(plan, state, now_ns)
    for damaged in plan.packfiles:
        runs += replacement_runs(damaged, index.packfiles, now_ns)
    runs += uncolour_runs(plan.coloured)
    lost = [LostEntry(damaged.identifier, now_ns) for damaged in plan.harmed if damaged.lost]
    runs += [make_run(lost)] if lost else []
    entries: list[PackfileEntry] = []
    for orphan in plan.adopted:
        assert orphan.contents is not None
        runs.append(location_run(orphan.identifier, orphan.contents.records))
        entries.append(PackfileEntry(orphan.identifier, state, orphan.contents.footer.timestamp_ns))
    return [*runs, make_run(entries)] if entries else runs


def _told_before(plan: RepairPlan, state: bytes, now_ns: int) -> list[Run]:
    """That this state stands for others, and what those said as far as it is known."""
    runs: list[Run] = []
    for identifier, told in plan.states.unreachable:
        runs.append(make_run([MergedEntry(identifier, told.timestamp_ns)]))
        runs += [_named_by(state, run) for run in told.runs]
    gone = [*(identifier for identifier, _ in plan.states.unreadable), *plan.states.missing]
    # The time bounds those of the snapshots that come back; see `recency`.
    newest_ns = max((header.timestamp_ns for header in plan.recovered), default=now_ns)
    return [*runs, make_run([MergedEntry(identifier, newest_ns) for identifier in gone])] if gone else runs


def _named_by(state: bytes, run: Run) -> Run:
    """The same run, with packfiles as named by another state."""
    if run.type != EntryType.PACKFILE:
        return run
    entries = [entry for entry in run.read() if isinstance(entry, PackfileEntry)]
    return make_run([entry._replace(state=state) for entry in entries])


def _put_aside(repository: Repository, plan: RepairPlan, lock: HeldLock) -> None:
    """Take out of the way what the new state stands for, and packfiles in which nothing can be read."""
    states = [identifier for identifier, _ in (*plan.states.unreadable, *plan.states.unreachable)]
    empty = [each.identifier for each in plan.packfiles if not each.keeps_anything and not each.is_missing]
    _put_each_aside(repository, Kind.STATE, states, lock)
    _put_each_aside(repository, Kind.PACKFILE, [*empty, *plan.unreadable], lock)


def _put_each_aside(repository: Repository, kind: Kind, identifiers: Iterable[bytes], lock: HeldLock) -> None:
    for identifier in identifiers:
        lock.confirm()
        repository.storage.keep_aside(kind, identifier)
        repository.storage.delete(kind, identifier)
