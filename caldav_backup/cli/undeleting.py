"""An undelete from search to report, with the choice in between.

Owns who chooses among what was found. The search is `undelete_search`'s, what the choice comes to `undelete_parts`'.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from caldav_backup.cli import restore_answers, restore_documents, restore_plan_lines, undelete_answers
from caldav_backup.cli.answer import Answer
from caldav_backup.cli.endpoints import is_server, open_destination
from caldav_backup.cli.exits import Exit, Guarded, Usage, worst
from caldav_backup.cli.invocation import Invocation
from caldav_backup.cli.opening import open_repository
from caldav_backup.cli.render import error_message, show_answer
from caldav_backup.cli.running import asynchronous
from caldav_backup.cli.undelete_parts import Part, Place, carry_out, joined_plans, joined_reports, shared_out
from caldav_backup.cli.undelete_search import Found, Search

if TYPE_CHECKING:
    from caldav_backup.connectors.destination import Destination
    from caldav_backup.inspection.vanished_events import Vanished
    from caldav_backup.restorer import RestoreOptions, RestorePlan

#: How often a person may mistype a number.
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Undelete:
    """What was asked for; see `Restore` for the options that both have."""

    run: Invocation
    text: str
    source: str | None
    since_ns: int | None
    options: RestoreOptions
    list_only: bool = False
    dry_run: bool = False
    yes: bool = False
    skip_chosen: bool = False
    is_safe: bool = True

    def put_back(self, to: str) -> Answer:
        """Search, let choose, restore, tell."""
        repository = open_repository(self.run)
        destination = open_destination(self.run, to)
        with asynchronous() as run_async:
            try:
                _require_calendars(destination)
                search = Search(self.run, repository, self.source, self.text, self.since_ns)
                found = search.find(run_async, destination.origin, to)
                return self._answered(found, Place(run_async, repository, destination, to))
            finally:
                run_async(destination.close())

    def _answered(self, found: Found, place: Place) -> Answer:
        answer = Answer(_document(found), trouble=found.trouble, exit=Exit.PARTIAL if found.trouble else Exit.DONE)
        if not found.events:
            return self._nothing(found, answer)
        if self.list_only:
            return replace(answer, body=self._listed(found.events))
        chosen, is_chosen = self._choice(found.events)
        told = self._restored(chosen, place, answer, is_chosen=is_chosen)
        # Whoever was not asked has not seen yet which ones they are.
        is_shown = self.dry_run or (self._asks and not self.yes)
        return told if is_shown else replace(told, summary=[*self._listed(found.events), *told.summary])

    def _nothing(self, found: Found, answer: Answer) -> Answer:
        """Where words were given, something is amiss; that nothing vanished is good news."""
        from caldav_backup.restorer import NoSuchEvent

        moved = {0: "", 1: "; one like that has moved, and is there"}.get(
            found.moved, f"; {found.moved} like that have moved, and are there"
        )
        if not self.text:
            return replace(answer, summary=[f"nothing has vanished{moved}"])
        message = f"no event that vanished says {self.text!r}, or has it as its UID{moved}"
        if not found.trouble:
            raise NoSuchEvent(message)
        code = Exit.DAMAGED if found.is_damaged else Exit.NOT_FOUND
        return replace(answer, trouble=[*found.trouble, message], exit=code)

    # The choice

    @property
    def _asks(self) -> bool:
        return self.run.terminal.can_ask and not self.run.options.json

    def _listed(self, events: Sequence[Vanished]) -> Sequence[Any]:
        table = undelete_answers.table(events, with_uids=not self._asks)
        return [table, *undelete_answers.more(events)]

    def _choice(self, events: Sequence[Vanished]) -> tuple[Sequence[Vanished], bool]:
        """The events to put back, and whether a person has pointed at them."""
        if self._asks and not self.yes:
            options = replace(self.run.options, quiet=False)
            show_answer(Answer({}, body=self._listed(events)), "undelete", options, self.run.terminal)
        if len(events) == 1 or self.yes:
            return events, False
        if not self._asks:
            raise Usage(
                f"{len(events)} events that vanished are meant; --list shows them: give the UID of one, more of its"
                " words or --since, or --yes to put back all"
            )
        return [events[place] for place in self._numbers(len(events))], True

    def _numbers(self, count: int) -> list[int]:
        for attempt in range(ATTEMPTS):
            answer = self.run.terminal.ask(f"Which ones? [1-{count}, all; nothing: none]")
            try:
                places = undelete_answers.chosen(answer, count)
            except Usage as error:
                if attempt + 1 == ATTEMPTS:
                    raise
                self.run.terminal.tell(error_message(error))
                continue
            if not places:
                raise Guarded("nothing was written")
            return places
        raise AssertionError("the loop returns or raises")

    # The restore

    def _restored(self, chosen: Sequence[Vanished], place: Place, answer: Answer, *, is_chosen: bool) -> Answer:
        parts = [self._part(*each) for each in shared_out(chosen, self.options)]
        plans = [part.planned(place) for part in parts]
        if self.dry_run:
            return _planned(plans, answer)
        is_to_ask = not self.yes and (is_server(place.destination) or self._asks)
        parts[0].allow(plans, is_to_ask=is_to_ask, is_chosen=is_chosen)
        done = carry_out(place, parts, plans)
        report = joined_reports([each.report for each in done])
        # The last restore is the first to be undone.
        undo = " && ".join(each.undo for each in reversed(done) if each.undo)
        told = restore_answers.done(
            report,
            skip_chosen=parts[0].skips_are_meant,
            choices="" if self.skip_chosen else "replace, or skip, which leaves them",
            undo=undo,
        )
        documents = [restore_documents.report_document(each.report, each.undo) for each in done]
        return replace(
            told,
            result={**answer.result, "restored": documents},
            trouble=[*answer.trouble, *told.trouble],
            exit=worst([answer.exit, told.exit]),
        )

    def _part(self, snapshot: bytes, options: RestoreOptions) -> Part:
        return Part(
            self.run,
            snapshot.hex(),
            self.source,
            options,
            dry_run=self.dry_run,
            yes=self.yes,
            skip_chosen=self.skip_chosen,
            is_safe=self.is_safe,
        )


def _planned(plans: Sequence[RestorePlan], answer: Answer) -> Answer:
    documents = [restore_documents.plan_document(plan) for plan in plans]
    lines = "\n".join(restore_plan_lines.in_full(joined_plans(plans)))
    return replace(answer, result={**answer.result, "restored": documents}, body=[lines])


def _require_calendars(destination: Destination) -> None:
    """What is no place of calendars has nothing that anything could be missing from."""
    from caldav_backup.connectors.destination_directory import DirectoryDestination

    if not is_server(destination) and not isinstance(destination, DirectoryDestination):
        raise Usage(
            "undelete puts events back into calendars, at a server or in a directory; for a file, 'caldav-backup"
            " restore SNAP:PATH --to FILE.ics' takes what 'undelete --list --json' tells"
        )


def _document(found: Found) -> Mapping[str, Any]:
    from caldav_backup.inspection.moments import utc_text

    return {
        "compared_with": None if found.as_of_ns is None else utc_text(found.as_of_ns),
        "vanished": [undelete_answers.document(event) for event in found.events],
        "moved": found.moved,
        "unread": list(found.trouble),
        "restored": None,
    }
