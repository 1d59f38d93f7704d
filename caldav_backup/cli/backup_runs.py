"""Backups of sources, one after another, each with an end of its own.

Owns that one source's failure does not keep the others from being backed up, and how ends are told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from caldav_backup.cli.answer import Answer
from caldav_backup.cli.command_line import context
from caldav_backup.cli.counting import counted
from caldav_backup.cli.endpoints import open_source
from caldav_backup.cli.exits import Exit, exit_of, worst
from caldav_backup.cli.invocation import Invocation
from caldav_backup.cli.listings import SHORT, human_size
from caldav_backup.cli.lock_waiting import tell_waiting
from caldav_backup.cli.progress_view import watched
from caldav_backup.cli.render import error_kind, error_message, show_traceback
from caldav_backup.cli.running import run_async
from caldav_backup.cli.source_lock import source_lock
from caldav_backup.settings import Location, masked

if TYPE_CHECKING:
    from caldav_backup.archiver import Outcome
    from caldav_backup.kloset.repository import Repository

#: Failures that are told one by one; `ls errors` and the JSON document have all of them.
SHOWN = 20


class Ended(NamedTuple):
    """One source's run: its outcome, or the error that ended it."""

    source: str
    outcome: Outcome | None
    error: Exception | None = None

    @property
    def exit(self) -> Exit:
        """What this run alone would end with."""
        if self.outcome is None:
            return exit_of(self.error) if self.error is not None else Exit.FAILED
        if self.outcome.trips:
            return Exit.GUARD
        return Exit.PARTIAL if self.outcome.is_partial else Exit.DONE


@dataclass(frozen=True, slots=True)
class BackupRun:
    """What all sources of one run share.

    `lock_wait` in seconds, `max_shrink` from 0 to 1; empty `calendars`: the source's own choice.
    """

    run: Invocation
    repository: Repository
    calendars: Sequence[str]
    exclude: Sequence[str]
    tags: Sequence[str]
    name: str
    dry_run: bool
    full: bool
    skip_if_unchanged: bool
    max_shrink: float
    accept_shrink: bool
    allow_empty: bool
    concurrency: int
    lock_wait: float

    def back_up(self, location: Location) -> Ended:
        """One source; whatever goes wrong is its end, and not that of the run."""
        title = f"@{location.name}" if location.name else masked(location.location)
        state, store = self.run.directories.state, self.repository.storage.location
        try:
            tell = partial(tell_waiting, self.run)
            with source_lock(state, store, title, self.lock_wait, tell), watched(self.run, title) as progress:
                return Ended(title, run_async(self._backed_up(location, progress)))
        except Exception as error:  # noqa: BLE001  # the other sources are backed up all the same
            show_traceback(error, self.run.options, self.run.terminal)
            return Ended(title, None, error)

    async def _backed_up(self, location: Location, progress: Any) -> Outcome:
        from caldav_backup.archiver import BackupOptions, Guard, Selection, back_up

        options = BackupOptions(
            job=location.name,
            name=self.name,
            tags=self.tags,
            context=context(self.run.words),
            selection=Selection(
                self.calendars or location.patterns("calendars"), (*self.exclude, *location.patterns("exclude"))
            ),
            full=self.full,
            dry_run=self.dry_run,
            skip_if_unchanged=self.skip_if_unchanged,
            lock_wait=self.lock_wait,
            guard=Guard(self.max_shrink, accept_shrink=self.accept_shrink, allow_empty=self.allow_empty),
        )
        source = open_source(self.run, location, concurrency=self.concurrency)
        try:
            return await back_up(source, self.repository, options, progress=progress)
        finally:
            await source.close()


def answer_of(ended: Sequence[Ended], *, dry_run: bool, verbose: bool = False) -> Answer:
    """All ends together: the worst exit code, a line for each source (two when `verbose`), the troubles."""
    done = [(each.source, each.outcome) for each in ended if each.outcome is not None]
    return Answer(
        {"dry_run": dry_run, "backups": [_result(each) for each in ended]},
        summary=[
            line
            for source, outcome in done
            for line in (
                _line(source, outcome, dry_run=dry_run),
                *_accepted(source, outcome),
                *([_asked(source, outcome)] if verbose else []),
            )
        ],
        trouble=[line for each in ended for line in _troubles(each)],
        exit=worst(each.exit for each in ended),
    )


def _result(ended: Ended) -> dict[str, Any]:
    head = {"source": ended.source, "ok": ended.exit is Exit.DONE, "exit": int(ended.exit)}
    if ended.outcome is None:
        error = ended.error or RuntimeError()
        return head | {"error": {"kind": error_kind(error), "message": error_message(error)}}
    outcome = ended.outcome
    counts = {
        name: getattr(outcome, name)
        for name in ("calendars", "records", "fetched", "unchanged", "deleted", "stale", "size", "requests")
    }
    return head | {
        "origin": outcome.source,
        "snapshot": outcome.snapshot,
        **counts,
        "asked": {"listed": outcome.listed, "due": outcome.due, "unmoved": outcome.unmoved},
        "tags": list(outcome.tags),
        "accepted": [{"id": old, "new_id": new} for old, new in outcome.accepted],
        "trips": _reasons(outcome.trips, "path"),
        "failures": _reasons(outcome.failures, "path"),
        "warnings": _reasons(outcome.warnings, "path"),
        "left_out": _reasons(outcome.left_out, "name"),
    }


def _reasons(pairs: Sequence[tuple[str, str]], key: str) -> list[dict[str, str]]:
    return [{key: what, "reason": why} for what, why in pairs]


def _line(source: str, outcome: Outcome, *, dry_run: bool) -> str:
    made = f"snapshot {outcome.snapshot[:SHORT]}" if outcome.snapshot else "nothing changed, no snapshot made"
    counts = [
        f"{outcome.fetched} to fetch" if dry_run else f"{outcome.fetched} fetched, {human_size(outcome.size)}",
        f"{outcome.unchanged} unchanged",
        f"{outcome.deleted} deleted",
    ]
    if outcome.stale:
        counts.append(f"{outcome.stale} kept as they were before")
    if outcome.warnings:
        counts.append(f"{len(outcome.warnings)} listed by the server and not there")
    made = "dry run" if dry_run else made
    held = f"{counted(outcome.calendars, 'calendar')}, {counted(outcome.records, 'event')}"
    return f"{source}: {made}: {held} ({'; '.join(counts)})"


def _accepted(source: str, outcome: Outcome) -> list[str]:
    """Earlier snapshots that are taken for right together with this one."""
    if not outcome.accepted:
        return []
    count = counted(len(outcome.accepted), "earlier snapshot")
    return [f"{source}: {count} with the same content no longer suspicious, under a new id"]


def _asked(source: str, outcome: Outcome) -> str:
    """What the run cost the server."""
    due = f" ({outcome.due} of them for the weekly look)" if outcome.due else ""
    calendars = f"{counted(outcome.listed, 'calendar')} listed{due}, {outcome.unmoved} unmoved since the last run"
    return f"{source}: {counted(outcome.requests, 'request')}; {calendars}"


def _troubles(ended: Ended) -> list[str]:
    if ended.outcome is None:
        message = error_message(ended.error or RuntimeError())
        return [message if ended.source in message else f"{ended.source}: {message}"]
    lines = [f"{ended.source}: {path}: {reason}" for path, reason in (*ended.outcome.trips, *ended.outcome.failures)]
    if not ended.outcome.calendars and not ended.outcome.trips:
        lines.append(f"warning: {ended.source}: there are no calendars")
    if len(lines) > SHOWN:
        lines[SHOWN:] = [
            f"{ended.source}: {len(lines) - SHOWN} more could not be read; 'caldav-backup ls errors' has all"
        ]
    return lines
