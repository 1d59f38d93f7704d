"""What `prune` tells: for each group of snapshots which stay and why, and how the others are removed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from caldav_backup.cli.answer import Answer, Table
from caldav_backup.cli.counting import counted
from caldav_backup.cli.exits import Exit
from caldav_backup.cli.invocation import Invocation
from caldav_backup.cli.listings import SHORT
from caldav_backup.inspection.moments import local_text, utc_text

if TYPE_CHECKING:
    from caldav_backup.kloset.header import Header
    from caldav_backup.retention import Group, GroupPlan, PrunePlan

#: Removing a snapshot frees nothing yet, and nobody shall wonder.
SPACE = "space comes back with 'caldav-backup maintenance'"


def answer_of(run: Invocation, plan: PrunePlan, removed: Sequence[Header] | None) -> Answer:
    """The plan, or with `removed` what was done of it."""
    _tell_what_is_left_alone(run, plan)
    gone = plan.removed if removed is None else removed
    result: dict[str, Any] = {
        "dry_run": removed is None,
        "policy": plan.question.policy.to_options(),
        "groups": [_group_fields(group) for group in plan.groups],
        "removed": [header.identifier.hex() for header in gone],
        "others": plan.others,
    }
    done = Exit.DAMAGED if run.damaged_snapshots else Exit.DONE
    if removed is not None:
        return Answer(result, summary=_done(plan, removed), exit=done)
    body = [block for group in plan.groups for block in (_heading(group), _table(group))]
    return Answer(result, body, how_to(len(gone)), exit=done)


def title(group: Group) -> str:
    """What the group is called: its source, and what sets it apart from the other snapshots of that source."""
    parts = [group.source]
    parts += [f"only {group.selection}"] if group.selection else []
    parts += ["put aside by restores"] if group.is_before_restore else []
    return ", ".join(parts)


def _tell_what_is_left_alone(run: Invocation, plan: PrunePlan) -> None:
    if plan.others:
        made = counted(plan.others, "snapshot")
        run.note(f"{made} of other programs {'is' if plan.others == 1 else 'are'} left alone; --all takes them, too")
    if plan.future:
        made = counted(plan.future, "snapshot")
        run.warn(f"{made} of a time that is still to come: kept, for one of the clocks is wrong")


def _group_fields(plan: GroupPlan) -> dict[str, Any]:
    return {
        "source": plan.group.source,
        "type": plan.group.lineage.program,
        "selection": plan.group.selection,
        "before_restore": plan.group.is_before_restore,
        "snapshots": [
            {
                "id": verdict.header.identifier.hex(),
                "time": utc_text(verdict.header.timestamp_ns),
                "tags": list(verdict.header.tags),
                "kept": verdict.is_kept,
                "reasons": [{"rule": each.rule, "detail": each.detail} for each in verdict.reasons],
            }
            for verdict in plan.verdicts
        ],
    }


def _heading(plan: GroupPlan) -> str:
    going = len(plan.removed)
    return f"{title(plan.group)}: keep {len(plan.verdicts) - going} of {len(plan.verdicts)}, remove {going}"


def _table(plan: GroupPlan) -> Table:
    times = _times(plan)
    rows = [
        [
            "keep" if verdict.is_kept else "remove",
            verdict.header.identifier.hex()[:SHORT],
            time,
            ", ".join(reason.brief for reason in verdict.reasons),
        ]
        for verdict, time in zip(plan.verdicts, times, strict=True)
    ]
    return Table(["", "id", "time", "kept for"], rows)


def _times(plan: GroupPlan) -> list[str]:
    """The day says it all, and leaves room for the reasons, where no day has two snapshots."""
    times = [local_text(verdict.header.timestamp_ns) for verdict in plan.verdicts]
    days = [time.split()[0] for time in times]
    return days if len(set(days)) == len(days) else times


def how_to(count: int) -> list[str]:
    """The end of a plan that removes so many snapshots."""
    if not count:
        return ["nothing to remove"]
    return [SPACE, f"nothing was removed yet; --apply removes {counted(count, 'snapshot')}"]


def _done(plan: PrunePlan, removed: Sequence[Header]) -> list[str]:
    gone = {header.identifier for header in removed}
    lines = []
    for group in plan.groups:
        count = sum(header.identifier in gone for header in group.removed)
        if count:
            kept = len(group.verdicts) - count
            lines.append(f"{title(group.group)}: {counted(count, 'snapshot')} removed, {kept} kept")
    return [*lines, SPACE] if lines else ["nothing to remove"]
