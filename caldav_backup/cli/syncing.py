"""Snapshots copied from one open store to another, and what is said of it. Shared by `sync` and `passwd`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from caldav_backup.cli.answer import Table
from caldav_backup.cli.counting import counted
from caldav_backup.cli.exits import Exit
from caldav_backup.cli.invocation import Invocation
from caldav_backup.cli.listings import SHORT
from caldav_backup.cli.progress_view import watched
from caldav_backup.inspection.moments import local_text, utc_text
from caldav_backup.marks import PARTIAL, source_of
from caldav_backup.progress import LookedAt, Waiting

if TYPE_CHECKING:
    from caldav_backup.kloset.copying.planning import CopyPlan
    from caldav_backup.kloset.copying.stores import Copied
    from caldav_backup.kloset.header import Header
    from caldav_backup.kloset.repository import Repository

#: Snapshots and losses that are told one by one; the JSON document has all of them.
SHOWN = 20


class Direction(NamedTuple):
    """One way: the two stores' locations, what was to be copied, and what became of it; None before it was done."""

    source: str
    destination: str
    plan: CopyPlan
    copied: Sequence[Copied] | None


def copy_between(
    run: Invocation,
    source: Repository,
    destination: Repository,
    headers: Sequence[Header],
    *,
    again: bool = False,
    lock_wait: float = 0.0,
    dry_run: bool = False,
) -> Direction:
    """Copy those of these snapshots of `source` that `destination` lacks."""
    from caldav_backup.kloset.copying.planning import plan_copy
    from caldav_backup.kloset.copying.stores import copy_snapshots

    plan = plan_copy(source, destination, headers, again=again)
    _tell_signatures(run, plan.to_copy)
    copied = None
    if not dry_run:
        with watched(run, "sync") as progress:
            copied = copy_snapshots(
                source,
                destination,
                plan,
                partial_tag=PARTIAL,
                lock_wait=lock_wait,
                tell=lambda holder: progress(Waiting(holder)),
                progress=lambda what, done, total: progress(LookedAt(what, done, total)),
            )
    return Direction(source.storage.location, destination.storage.location, plan, copied)


def _tell_signatures(run: Invocation, headers: Sequence[Header]) -> None:
    from caldav_backup.kloset.header import UNSIGNED

    signed = sum(header.identity != UNSIGNED for header in headers)
    if signed:
        run.warn(f"{counted(signed, 'snapshot')} signed; a signature covers the ids of its store, so no copy has one")


def fields(direction: Direction) -> dict[str, Any]:
    """One way in JSON documents."""
    headers = {header.identifier: header for header in direction.plan.to_copy}
    copied = direction.copied if direction.copied is not None else ()
    return {
        "from": direction.source,
        "to": direction.destination,
        "to_copy": [header.identifier.hex() for header in direction.plan.to_copy],
        "there": len(direction.plan.there),
        "removed": [identifier.hex() for identifier in direction.plan.removed],
        "copied": [
            {
                "id": each.original.hex(),
                "copy": each.identifier.hex() if each.identifier else None,
                "time": utc_text(headers[each.original].timestamp_ns),
                "source": source_of(headers[each.original]),
                "losses": [{"path": loss.path, "reason": loss.message} for loss in each.losses],
            }
            for each in copied
        ],
    }


def table(direction: Direction) -> Table:
    """What is to be copied, or was; of many that were, those alone which are not whole."""
    copies = {each.original: each for each in direction.copied or ()}
    headers = direction.plan.to_copy
    if direction.copied is not None and len(headers) > SHOWN:
        headers = tuple(header for header in headers if not _is_whole(copies.get(header.identifier)))
    rows = [
        [
            header.identifier.hex()[:SHORT],
            local_text(header.timestamp_ns),
            source_of(header),
            ",".join(header.tags),
            *([_state(copies.get(header.identifier))] if direction.copied is not None else []),
        ]
        for header in headers
    ]
    return Table(["id", "time", "source", "tags", *(["copy"] if direction.copied is not None else [])], rows)


def _is_whole(copied: Copied | None) -> bool:
    return copied is not None and copied.is_whole


def _state(copied: Copied | None) -> str:
    if copied is None or copied.identifier is None:
        return "failed"
    return "whole" if copied.is_whole else f"partial, as {copied.identifier.hex()[:SHORT]}"


def summary(direction: Direction) -> list[str]:
    """That it was done, or what would be; and what was left aside, and why."""
    plan, copied = direction.plan, direction.copied
    there = f"; {len(plan.there)} there already" if plan.there else ""
    removed = f"; {len(plan.removed)} removed there, and not wanted back" if plan.removed else ""
    if copied is None:
        return [f"{counted(len(plan.to_copy), 'snapshot')} to copy to {direction.destination}{there}{removed}"]
    whole = sum(each.is_whole for each in copied)
    partial = sum(not each.is_whole and each.identifier is not None for each in copied)
    failed = len(copied) - whole - partial
    text = f"{counted(whole, 'snapshot')} copied to {direction.destination}"
    text += f", {partial} in part" if partial else ""
    text += f", {failed} not at all" if failed else ""
    return [text + there + removed]


def trouble(direction: Direction) -> list[str]:
    """What could not be copied, and why."""
    lines = [
        f"{each.original.hex()[:SHORT]}:{loss.path}: {loss.message}"
        for each in direction.copied or ()
        for loss in each.losses
    ]
    more = [f"{len(lines) - SHOWN} more; --json lists all"] if len(lines) > SHOWN else []
    return lines[:SHOWN] + more


def exit_code(run: Invocation, directions: Sequence[Direction]) -> Exit:
    """PARTIAL as soon as anything could not be copied."""
    is_whole = all(each.is_whole for direction in directions for each in direction.copied or ())
    return Exit.DONE if is_whole and not run.damaged_snapshots else Exit.PARTIAL
