"""`caldav-backup pin`: snapshots that nothing removes until they are unpinned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from caldav_backup.cli.answer import Answer, Table
from caldav_backup.cli.counting import counted
from caldav_backup.cli.invocation import invocation_of
from caldav_backup.cli.listings import SHORT
from caldav_backup.cli.lock_waiting import DEFAULT_WAIT, LockWait, lock_waiting
from caldav_backup.cli.opening import choose_headers, open_repository
from caldav_backup.inspection.moments import local_text, utc_text
from caldav_backup.marks import source_of
from caldav_backup.retention import plan_pins, plan_unpins

if TYPE_CHECKING:
    from caldav_backup.retention import PinPlan


def command(
    context: typer.Context,
    *,
    snapshots: Annotated[list[str], typer.Argument(metavar="SNAP...", help="Which snapshots.")],
    remove: Annotated[bool, typer.Option("--remove", help="Unpin them: they may go again.")] = False,
    source: Annotated[str | None, typer.Option(metavar="SOURCE", help="Of this source: @name or origin.")] = None,
    lock_wait: LockWait = DEFAULT_WAIT,
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without this, the plan is shown.")] = False,
) -> Answer:
    """Pin snapshots, so that nothing removes them."""
    run = invocation_of(context)
    waiting = lock_waiting(run, lock_wait)
    repository = open_repository(run)
    chosen = choose_headers(run, repository, snapshots, source)
    plan = plan_unpins(repository, chosen) if remove else plan_pins(repository, chosen)
    for header in plan.unchanged:
        run.note(f"{header.identifier.hex()[:SHORT]} is {'pinned already' if plan.pins else 'not pinned'}")
    for header in plan.signed:
        run.warn(f"{header.identifier.hex()[:SHORT]} is signed, and its signature is lost with the id that it covers")
    return _answer(plan, plan.apply(lock_wait=waiting.wait, tell=waiting.tell) if apply else None)


def _answer(plan: PinPlan, new: Mapping[bytes, bytes] | None) -> Answer:
    result = {
        "dry_run": new is None,
        "pinned": plan.pins,
        "changed": [
            {
                "id": header.identifier.hex(),
                "new_id": None if new is None else new[header.identifier].hex(),
                "time": utc_text(header.timestamp_ns),
                "source": source_of(header),
            }
            for header in plan.changed
        ],
        "unchanged": [header.identifier.hex() for header in plan.unchanged],
    }
    count, verb = counted(len(plan.changed), "snapshot"), "pin" if plan.pins else "unpin"
    if new is not None:
        done = [f"{count} {verb}ned, {_new_ids(len(plan.changed))}"]
        return Answer(result, [_table(plan, new)], done if plan.changed else ["nothing to do"])
    how = f"nothing was {verb}ned yet; --apply {verb}s {count}, which changes the id"
    return Answer(result, [_table(plan, {})], [how if plan.changed else "nothing to do"])


def _new_ids(count: int) -> str:
    return "under a new id, to which the old one leads" if count == 1 else "under new ids, to which the old ones lead"


def _table(plan: PinPlan, new: Mapping[bytes, bytes]) -> Table:
    """With the new ids, where there are some already."""
    rows = [
        [
            header.identifier.hex()[:SHORT],
            *([new[header.identifier].hex()[:SHORT]] if new else []),
            local_text(header.timestamp_ns),
            source_of(header),
        ]
        for header in plan.changed
    ]
    return Table(["id", *(["new id"] if new else []), "time", "source"], rows)
