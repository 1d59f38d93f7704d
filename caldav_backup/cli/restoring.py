"""A restore from plan to report, with the question in between.

Owns who is asked, and what needs a yes where nobody can be asked. What is planned and done is the restorer's.
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
from caldav_backup.progress import Planned, silent

if TYPE_CHECKING:
    from caldav_backup.connectors.destination import Destination
    from caldav_backup.kloset.snapshot import Snapshot
    from caldav_backup.restorer import RestoreOptions, RestorePlan


@dataclass(frozen=True, slots=True)
class Restore:
    """What was asked for. `skip_chosen`: leaving conflicting events alone was said, so it is no partial end."""

    run: Invocation
    word: str
    source: str | None
    options: RestoreOptions
    dry_run: bool
    yes: bool
    skip_chosen: bool

    def restore_to(self, to: str) -> Answer:
        """Plan, ask, do, tell."""
        if to == STANDARD_OUTPUT and self.run.options.json:
            raise Usage("--json prints its document on standard output, so the events cannot go there, too")
        repository = open_repository(self.run)
        header = choose_header(self.run, repository, self.word, self.source)
        destination = open_destination(self.run, to)
        with asynchronous() as run_async:
            try:
                return self._restored(run_async, repository.snapshot(header.identifier), destination)
            finally:
                run_async(destination.close())

    def _restored(self, run_async: RunAsync, snapshot: Snapshot, destination: Destination) -> Answer:
        from caldav_backup.connectors.destination import DestinationError
        from caldav_backup.restorer import apply, plan_restore

        with about(destination.origin, DestinationError):
            plan = run_async(plan_restore(snapshot, destination, self.options))
        if self.dry_run:
            return restore_answers.planned(plan)
        if is_server(destination) and not self.yes:
            self._consent(plan)
        to_stdout = destination.origin == STANDARD_OUTPUT
        # A bar among the events themselves would help nobody.
        watching = contextlib.nullcontext(silent) if to_stdout else watched(self.run, destination.origin)
        with watching as progress:
            progress(Planned(plan.total, plan.to_write))
            report = run_async(apply(plan, snapshot, destination, progress=progress))
        return restore_answers.done(report, skip_chosen=self.skip_chosen, to_stdout=to_stdout)

    def _consent(self, plan: RestorePlan) -> None:
        """Guarded when a person says no, or when there is nobody to ask about what needs a yes."""
        if not plan.to_write:
            return
        if self.run.terminal.can_ask and not self.run.options.json:
            for line in restore_answers.plan_lines(plan):
                self.run.terminal.tell(line)
            if not self.run.terminal.confirm(f"Write {counted(plan.to_write, 'event')} to {plan.destination}?"):
                raise Guarded("nothing was written")
            return
        needs = [f"replace {counted(plan.to_replace, 'event')}"] if plan.to_replace else []
        needs += [f"add to the calendar {each.name!r}, which is there already" for each in plan.merged_by_name()]
        if needs:
            raise Guarded(f"this would {' and '.join(needs)}, and there is nobody to ask; --yes allows it")
