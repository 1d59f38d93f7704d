"""A restore from plan to report, with the question in between.

Owns who is asked, and what needs a yes where nobody can be asked. What is planned and done is the restorer's, what is
backed up before it `safety`'s.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from caldav_backup.cli import restore_answers
from caldav_backup.cli.answer import Answer
from caldav_backup.cli.counting import counted
from caldav_backup.cli.endpoints import STANDARD_OUTPUT, is_server, open_destination
from caldav_backup.cli.exits import Guarded, Usage
from caldav_backup.cli.invocation import Invocation
from caldav_backup.cli.opening import choose_header, open_repository
from caldav_backup.cli.progress_view import watched
from caldav_backup.cli.render import about
from caldav_backup.cli.running import RunAsync, asynchronous
from caldav_backup.cli.safety import Safety
from caldav_backup.progress import Planned, silent

if TYPE_CHECKING:
    from caldav_backup.connectors.destination import Destination
    from caldav_backup.kloset.repository import Repository
    from caldav_backup.kloset.snapshot import Snapshot
    from caldav_backup.restorer import RestoreOptions, RestorePlan


@dataclass(frozen=True, slots=True)
class Restore:
    """What was asked for. `skip_chosen`: leaving conflicting events alone was said, so it is no partial end.

    `max_delete` is the share of a calendar, 0 to 1, that may be removed; `is_safe`: what is replaced or removed is
    backed up first. `choices` are those of --on-conflict.
    """

    run: Invocation
    word: str
    source: str | None
    options: RestoreOptions
    dry_run: bool = False
    yes: bool = False
    skip_chosen: bool = False
    max_delete: float = 0.5
    is_safe: bool = True
    choices: str = restore_answers.CHOICES

    def restore_to(self, to: str) -> Answer:
        """Plan, ask, do, tell."""
        if to == STANDARD_OUTPUT and self.run.options.json:
            raise Usage("--json prints its document on standard output, so the events cannot go there, too")
        repository = open_repository(self.run)
        header = choose_header(self.run, repository, self.word, self.source)
        destination = open_destination(self.run, to)
        with asynchronous() as run_async:
            try:
                snapshot = repository.snapshot(header.identifier)
                return self.restored(run_async, repository, snapshot, destination, to)
            finally:
                run_async(destination.close())

    def restored(
        self, run_async: RunAsync, repository: Repository, snapshot: Snapshot, destination: Destination, to: str
    ) -> Answer:
        """The same of a snapshot and to a destination that are open already; `to` is what was typed for it."""
        from caldav_backup.connectors.destination import DestinationError
        from caldav_backup.dav import DavError
        from caldav_backup.restorer import apply, plan_restore

        with about(destination.origin, DestinationError), about(destination.origin, DavError):
            plan = run_async(plan_restore(snapshot, destination, self.options))
        if self.dry_run:
            return restore_answers.planned(plan)
        self._guard(plan)
        if (is_server(destination) or plan.to_delete) and not self.yes:
            self._consent(plan)
        undo = self._make_safe(run_async, repository, plan, to)
        to_stdout = destination.origin == STANDARD_OUTPUT
        # A bar among the events themselves would help nobody.
        watching = contextlib.nullcontext(silent) if to_stdout else watched(self.run, destination.origin)
        with watching as progress:
            progress(Planned(plan.total, plan.to_write))
            report = run_async(apply(plan, snapshot, destination, progress=progress))
        return restore_answers.done(
            report,
            skip_chosen=self.skips_are_meant,
            choices="" if self.skip_chosen else self.choices,
            to_stdout=to_stdout,
            undo=undo,
        )

    @property
    def skips_are_meant(self) -> bool:
        """True when what is left alone was to be; whoever wants it replaced wants to hear where it is not."""
        from caldav_backup.restorer import OnConflict

        return self.skip_chosen and self.options.on_conflict in (OnConflict.SKIP, OnConflict.NEWER)

    def _guard(self, plan: RestorePlan) -> None:
        """Guarded where the plan goes beyond what was allowed."""
        from caldav_backup.restorer import OnConflict

        if self.options.on_conflict is OnConflict.FAIL and plan.conflicts:
            raise Guarded(
                f"{counted(plan.conflicts, 'event')} of {plan.total} would conflict with what is there, so nothing was"
                " written (--on-conflict fail); --dry-run names them"
            )
        for calendar in plan.calendars:
            if len(calendar.extras) > calendar.there * self.max_delete:
                raise Guarded(
                    f"--delete-extra would remove {len(calendar.extras)} of {counted(calendar.there, 'event')} in"
                    f" {calendar.name!r}, more than {self.max_delete:.0%}; --max-delete allows more"
                )

    def _make_safe(self, run_async: RunAsync, repository: Repository, plan: RestorePlan, to: str) -> str:
        """Back up what is replaced or removed; the command that undoes the restore, "" where nothing had to be."""
        if not self.is_safe or not (plan.to_replace or plan.to_delete):
            return ""
        safety = Safety(self.run, repository, to)
        return safety.undo(run_async(safety.back_up(plan)), self.options.invites)

    def _consent(self, plan: RestorePlan) -> None:
        """Guarded when a person says no, or when there is nobody to ask about what needs a yes."""
        if not (plan.to_write or plan.to_delete):
            return
        removed = f", and remove {plan.to_delete} there" if plan.to_delete else ""
        if self.run.terminal.can_ask and not self.run.options.json:
            for line in restore_answers.plan_lines(plan):
                self.run.terminal.tell(line)
            if not self.run.terminal.confirm(
                f"Write {counted(plan.to_write, 'event')} to {plan.destination}{removed}?"
            ):
                raise Guarded("nothing was written")
            return
        needs = [f"replace {counted(plan.to_replace, 'event')}"] if plan.to_replace else []
        needs += [f"remove {counted(plan.to_delete, 'event')}"] if plan.to_delete else []
        needs += [f"add to the calendar {each.name!r}, which is there already" for each in plan.merged_by_name()]
        if needs:
            raise Guarded(f"this would {' and '.join(needs)}, and there is nobody to ask; --yes allows it")
