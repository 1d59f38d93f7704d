"""What an undelete writes: chosen events of several snapshots, as restores of each, with one question and one report.

Owns how events are shared out among restores, and how their plans and reports are told as one. Each of them is a
restore like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from caldav_backup.cli.exits import is_expected
from caldav_backup.cli.progress_view import watched
from caldav_backup.cli.render import about
from caldav_backup.cli.restoring import Restore
from caldav_backup.progress import Planned

if TYPE_CHECKING:
    from caldav_backup.cli.running import RunAsync
    from caldav_backup.connectors.destination import Destination
    from caldav_backup.inspection.vanished_events import Vanished
    from caldav_backup.kloset.repository import Repository
    from caldav_backup.kloset.snapshot import Snapshot
    from caldav_backup.restorer import CalendarReport, RestoreOptions, RestorePlan, RestoreReport


@dataclass(frozen=True, slots=True)
class Place:
    """Where restores go: a destination that is open, and what was typed for it."""

    run_async: RunAsync
    repository: Repository
    destination: Destination
    to: str


@dataclass(frozen=True, slots=True)
class Done:
    """A report, and the command that takes the restore back, "" where there is none."""

    report: RestoreReport
    undo: str = ""


@dataclass(frozen=True, slots=True)
class Part(Restore):
    """The events of one calendar of one snapshot, which `word` names."""

    def planned(self, place: Place) -> RestorePlan:
        """What would be done; a `RestoreError` where the user has to decide something first."""
        from caldav_backup.connectors.destination import DestinationError
        from caldav_backup.dav import DavError
        from caldav_backup.restorer import plan_restore

        with about(place.destination.origin, DestinationError), about(place.destination.origin, DavError):
            return place.run_async(plan_restore(self._snapshot(place), place.destination, self.options))

    def allow(self, plans: Sequence[RestorePlan], *, is_to_ask: bool, is_chosen: bool) -> None:
        """Guarded where plans go too far, or nobody agrees. `is_chosen`: a person has pointed at these very events."""
        for plan in plans:
            self._guard(plan)
        together = joined_plans(plans)
        if is_to_ask and (together.to_replace or together.merged_by_name() or not is_chosen):
            self._consent(together)

    def carried_out(self, place: Place, plan: RestorePlan) -> Done:
        """Done as planned."""
        from caldav_backup.restorer import apply

        undo = self._make_safe(place.run_async, place.repository, plan, place.to)
        with watched(self.run, place.destination.origin) as progress:
            progress(Planned(plan.total, plan.to_write))
            work = apply(plan, self._snapshot(place), place.destination, progress=progress)
            return Done(place.run_async(work), undo)

    def _snapshot(self, place: Place) -> Snapshot:
        return place.repository.snapshot(bytes.fromhex(self.word))


def shared_out(events: Iterable[Vanished], options: RestoreOptions) -> list[tuple[bytes, RestoreOptions]]:
    """Snapshots, and what is to be restored of each, so that every event comes whole and nothing else with it."""
    found: list[tuple[bytes, RestoreOptions]] = []
    by_place: dict[tuple[bytes, str], list[Vanished]] = {}
    for event in events:
        if event.uid is None:
            found.append((event.place[0], replace(options, path=event.path)))
        else:
            by_place.setdefault(event.place, []).append(event)
    for (snapshot, directory), group in by_place.items():
        is_one = len(group) == 1 and not group[0].is_split
        uids = tuple(event.uid for event in group if event.uid is not None)
        found.append((snapshot, replace(options, path=group[0].path if is_one else directory, events=uids)))
    return found


def carry_out(place: Place, parts: Sequence[Part], plans: Sequence[RestorePlan]) -> list[Done]:
    """One part after the other. What ends one of them ends all, and the rest is told to be not reached."""
    done: list[Done] = []
    for number, (part, before) in enumerate(zip(parts, plans, strict=True)):
        stopped_by = done[-1].report.stopped_by if done else None
        if stopped_by is not None:
            done.append(Done(_not_reached(before, stopped_by)))
            continue
        try:
            # A calendar that was made for one part is there for the next.
            done.append(part.carried_out(place, part.planned(place) if number else before))
        except Exception as error:
            if not done or not is_expected(error):
                raise
            done.append(Done(_not_reached(before, error)))
    return done


def joined_plans(plans: Sequence[RestorePlan]) -> RestorePlan:
    """One plan that says what all of them do."""
    return replace(plans[0], calendars=[calendar for plan in plans for calendar in plan.calendars])


def joined_reports(reports: Sequence[RestoreReport]) -> RestoreReport:
    """One report that says what came of all of them; each calendar of the destination is in it once."""
    calendars: dict[str, CalendarReport] = {}
    for calendar in (each for report in reports for each in report.calendars):
        known = calendars.setdefault(calendar.key or calendar.target, calendar)
        if known is not calendar:
            calendars[calendar.key or calendar.target] = replace(
                known,
                created=known.created or calendar.created,
                records=[*known.records, *calendar.records],
                not_kept=[*known.not_kept, *calendar.not_kept],
                reason=known.reason or calendar.reason,
            )
    return replace(
        reports[0],
        calendars=list(calendars.values()),
        verified=all(report.verified for report in reports),
        stopped_by=next((report.stopped_by for report in reports if report.stopped_by is not None), None),
    )


def _not_reached(plan: RestorePlan, error: Exception) -> RestoreReport:
    from caldav_backup.restorer import CalendarReport, RecordResult, RestoreReport, Result
    from caldav_backup.restorer.applying import NOT_REACHED

    calendars = [
        CalendarReport(
            stored=calendar.stored,
            target=calendar.name,
            key=calendar.collection.key if calendar.collection else "",
            created=False,
            records=[
                RecordResult(record.name, Result.FAILED, NOT_REACHED, title=record.title) for record in calendar.records
            ],
        )
        for calendar in plan.calendars
    ]
    return RestoreReport(plan.snapshot, plan.destination, calendars, verified=False, stopped_by=error)
