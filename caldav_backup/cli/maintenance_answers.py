"""What `maintenance` tells: how much comes back, when, and why the rest stays.

Owns the words: a packfile that is coloured is said to be marked as unused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from caldav_backup.cli.answer import Answer, Table
from caldav_backup.cli.counting import counted
from caldav_backup.cli.exits import Exit
from caldav_backup.cli.invocation import Invocation
from caldav_backup.cli.listings import SHORT, human_size
from caldav_backup.inspection.moments import local_text, utc_text

if TYPE_CHECKING:
    from caldav_backup.kloset.maintenance.applying import Undeleted
    from caldav_backup.kloset.maintenance.plan import Held, MaintenancePlan, Unneeded
    from caldav_backup.kloset.maintenance.upkeep import UpkeepPlan, Upkept

_SECOND = 1_000_000_000
#: Packfiles that are told one by one; the JSON document has all of them.
SHOWN = 10


def planned(run: Invocation, plan: UpkeepPlan) -> Answer:
    """The answer to a question what would be done."""
    _tell_what_is_odd(run, plan.maintenance)
    _tell_signatures(run, plan)
    rows = list(_rows(plan))
    table = Table(["", "packfiles", "size", ""], rows, right=frozenset(("packfiles", "size")))
    how_to = "nothing was changed yet; --apply does it" if not plan.is_empty else _nothing(plan)
    return Answer(_result(plan, None), [table] if rows else [], [how_to])


def done(run: Invocation, upkept: Upkept) -> Answer:
    """The answer after it was done."""
    plan = upkept.plan.maintenance
    _tell_what_is_odd(run, plan)
    _tell_signatures(run, upkept.plan)
    undeleted = upkept.maintained.undeleted
    trouble = [f"cannot delete packfile {each.packfile.identifier.hex()}: {each.reason}" for each in undeleted[:SHOWN]]
    if len(undeleted) > SHOWN:
        trouble.append(f"{len(undeleted) - SHOWN} more cannot be deleted; --json lists all")
    trouble += _left_by_repack(upkept)
    lines = list(_done_lines(upkept)) or [_nothing(upkept.plan)]
    code = Exit.NOT_WRITABLE if undeleted else Exit.DONE
    return Answer(_result(upkept.plan, upkept), summary=lines, trouble=trouble, exit=code)


# For people


def _rows(upkeep: UpkeepPlan) -> Iterator[list[str]]:
    plan = upkeep.maintenance
    due = local_text(plan.now_ns + plan.grace_ns)
    if plan.sweep:
        yield _row("delete now", plan.sweep, "unused for long enough")
    if plan.colour:
        yield _row("mark as unused", plan.colour, f"to be deleted from {due} on")
    if plan.waiting:
        yield _row("marked before", plan.waiting, f"to be deleted from {_next_due(plan)} on")
    if plan.uncolour:
        yield _row("unmark", plan.uncolour, "needed after all")
    if plan.held:
        yield _row("leave alone", plan.held, "no state names them")
    if plan.dangling:
        yield ["forget", "", "", f"{counted(len(plan.dangling), 'location')} in packfiles that are gone"]
    if upkeep.repack is not None and not upkeep.repack.is_empty:
        size = human_size(upkeep.repack.bytes_before)
        saved = f"saves {human_size(upkeep.repack.bytes_saved)}; new ids for {_snapshots(len(upkeep.repack.headers))}"
        yield ["rewrite", str(len(upkeep.repack.packfiles)), size, saved]
    elif plan.room.dead:
        yield ["keep", "", human_size(plan.room.live + plan.room.dead), _unused_part(plan)]
    if upkeep.merging is not None and upkeep.merges:
        merging = upkeep.merging
        yield [
            "merge states",
            "",
            human_size(merging.bytes_before),
            f"{len(merging.states)} into {merging.states_after}",
        ]


class _Packfile(Protocol):
    """What all parts of a plan tell of a packfile."""

    @property
    def identifier(self) -> bytes: ...

    @property
    def size(self) -> int: ...


def _row(deed: str, packfiles: Sequence[_Packfile], remark: str) -> list[str]:
    return [deed, str(len(packfiles)), human_size(sum(each.size for each in packfiles)), remark]


def _snapshots(count: int) -> str:
    return counted(count, "snapshot")


def _next_due(plan: MaintenancePlan) -> str:
    return local_text(plan.next_due_ns or 0)


def _unused_part(plan: MaintenancePlan) -> str:
    return f"{human_size(plan.room.dead)} of it unused"


def _nothing(plan: UpkeepPlan) -> str:
    waiting = plan.maintenance.waiting
    if not waiting:
        return "nothing to do"
    size = human_size(plan.maintenance.waiting_bytes)
    return f"nothing to do now; {size} can be deleted from {_next_due(plan.maintenance)} on"


def _done_lines(upkept: Upkept) -> Iterator[str]:
    plan = upkept.plan.maintenance
    deleted = len(plan.sweep) - len(upkept.maintained.undeleted)
    if deleted:
        yield f"{counted(deleted, 'packfile')} deleted, {human_size(upkept.maintained.freed_bytes)} freed"
    if plan.colour:
        due = local_text(plan.now_ns + plan.grace_ns)
        size = human_size(plan.coloured_bytes)
        yield f"{counted(len(plan.colour), 'packfile')} of {size} marked as unused, to be deleted from {due} on"
    if plan.uncolour:
        yield f"{counted(len(plan.uncolour), 'packfile')} unmarked, needed after all"
    if plan.dangling:
        yield f"{counted(len(plan.dangling), 'location')} in packfiles that are gone forgotten"
    if upkept.repacked is not None and upkept.repacked.coloured:
        size = human_size(upkept.repacked.bytes_written)
        ids = _snapshots(len(upkept.repacked.snapshots))
        rewritten = f"{counted(len(upkept.repacked.coloured), 'packfile')} rewritten into {size}"
        yield f"{rewritten}; {ids} got new ids, and the old ones lead there"
    if upkept.merged is not None:
        yield f"{counted(upkept.merged.states_before, 'state')} merged into {upkept.merged.states_after}"


def _tell_what_is_odd(run: Invocation, plan: MaintenancePlan) -> None:
    """Packfiles that no state names: what somebody may miss is told also with -q."""
    lost = {snapshot: None for each in plan.held for snapshot in each.snapshots}
    given_up = [each for each in plan.colour if each.why.value == "unreadable"]
    warnings = [f"no state names snapshot {each}; 'caldav-backup repair' brings it back" for each in lost]
    warnings += [f"packfile {_short(each)}, which no state names, cannot be read and is given up" for each in given_up]
    notes = [f"packfile {_short(each)} stays: {each.reason}" for each in plan.held]
    for lines, tell in ((warnings, run.warn), (notes, run.note)):
        for line in lines[:SHOWN]:
            tell(line)
        if len(lines) > SHOWN:
            tell(f"{len(lines) - SHOWN} more like these; --json lists all")


def _short(each: Held | Unneeded) -> str:
    return each.identifier.hex()[:SHORT]


def _tell_signatures(run: Invocation, plan: UpkeepPlan) -> None:
    if plan.repack is not None and plan.repack.signed:
        run.warn(f"rewriting takes the signatures of {_snapshots(len(plan.repack.signed))}, since their ids change")


def _left_by_repack(upkept: Upkept) -> list[str]:
    left = {} if upkept.repacked is None else upkept.repacked.left
    return [f"packfile {packfile.hex()[:SHORT]} was not rewritten: {reason}" for packfile, reason in left.items()]


# For programs


def _result(upkeep: UpkeepPlan, upkept: Upkept | None) -> dict[str, Any]:
    plan = upkeep.maintenance
    undeleted = {} if upkept is None else {each.packfile.identifier: each for each in upkept.maintained.undeleted}
    return {
        "dry_run": upkept is None,
        "grace_seconds": plan.grace_ns / _SECOND,
        "snapshots": plan.snapshots,
        "delete": [
            {**_packfile(each), "marked": utc_text(each.coloured_ns), "error": _error(undeleted.get(each.identifier))}
            for each in plan.sweep
        ],
        "mark": [{**_packfile(each), "why": each.why.value} for each in plan.colour],
        "unmark": [_packfile(each) for each in plan.uncolour],
        "waiting": [{**_packfile(each), "due": utc_text(each.due_ns)} for each in plan.waiting],
        "left_alone": [
            {**_packfile(each), "reason": each.reason, "snapshots": list(each.snapshots)} for each in plan.held
        ],
        "forgotten_locations": len(plan.dangling),
        "kept_bytes": {"needed": plan.room.live, "unused": plan.room.dead},
        "freed_bytes": plan.freed_bytes if upkept is None else upkept.maintained.freed_bytes,
        "repack": _repack_fields(upkeep, upkept),
        "merge": _merge_fields(upkeep, upkept),
    }


def _packfile(each: _Packfile) -> dict[str, Any]:
    return {"id": each.identifier.hex(), "size": each.size}


def _error(undeleted: Undeleted | None) -> str | None:
    return None if undeleted is None else undeleted.reason


def _repack_fields(upkeep: UpkeepPlan, upkept: Upkept | None) -> dict[str, Any] | None:
    if upkeep.repack is None:
        return None
    new = {} if upkept is None or upkept.repacked is None else upkept.repacked.snapshots
    left = {} if upkept is None or upkept.repacked is None else upkept.repacked.left
    return {
        "packfiles": [
            {**_packfile(each), "needed": each.live_bytes, "why": each.reason.value, "error": left.get(each.identifier)}
            for each in upkeep.repack.packfiles
        ],
        "snapshots": [
            {
                "id": header.identifier.hex(),
                "new_id": new[header.identifier].hex() if header.identifier in new else None,
            }
            for header in upkeep.repack.headers
        ],
    }


def _merge_fields(upkeep: UpkeepPlan, upkept: Upkept | None) -> dict[str, Any] | None:
    if upkeep.merging is None:
        return None
    if upkept is not None and upkept.merged is not None:
        return {"states_before": upkept.merged.states_before, "states_after": upkept.merged.states_after}
    planned_after = upkeep.merging.states_after if upkeep.merges else len(upkeep.merging.states)
    return {"states_before": len(upkeep.merging.states), "states_after": planned_after}
