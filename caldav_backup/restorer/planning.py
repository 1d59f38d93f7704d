"""Deciding, before anything is written, what is to become of every selected record.

Reads the snapshot and the destination; changes neither. A calendar of the destination is listed once and its records
are fetched in batches, so that UIDs are known without a request for each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from caldav_backup import ics
from caldav_backup.connectors.base import Collection, CollectionUnreadable
from caldav_backup.connectors.destination import Destination
from caldav_backup.progress import Planned, Progress, silent
from caldav_backup.restorer.contents import Stored, iter_records
from caldav_backup.restorer.errors import NoSuchEvent
from caldav_backup.restorer.existing import Existing, There, read_existing
from caldav_backup.restorer.guests import copy_to_send
from caldav_backup.restorer.matching import Surroundings, Target, match_calendars
from caldav_backup.restorer.options import OnConflict, RestoreOptions
from caldav_backup.restorer.plan import Action, CalendarPlan, RecordPlan, RestorePlan
from caldav_backup.restorer.selection import StoredCalendar, select_calendars

if TYPE_CHECKING:
    from caldav_backup.kloset.snapshot import Snapshot

NOT_A_CALENDAR = "is no calendar object: it does not begin with BEGIN:VCALENDAR"
IN_SELECTION_ALREADY = "the same event is restored from another record already"
ANOTHER_VERSION = "another version of it is there"


async def plan_restore(
    snapshot: Snapshot, destination: Destination, options: RestoreOptions, *, progress: Progress = silent
) -> RestorePlan:
    """What `apply` would do. Raises a `RestoreError` where the user has to decide something first."""
    stored = await asyncio.to_thread(select_calendars, snapshot, options.path, options.calendars)
    if options.events:
        stored = await asyncio.to_thread(_holding, snapshot, stored, frozenset(options.events))
    catalogue = await destination.catalogue()
    same_account = _account(snapshot.header.importer.origin) == _account(destination.origin)
    there = Surroundings(catalogue.collections, same_account=same_account, can_create=destination.can_create)
    planner = _Planner(snapshot, destination, options)
    planned = [await planner.plan(*pair) for pair in _grouped(match_calendars(stored, there, options))]
    order = {calendar.path: number for number, calendar in enumerate(stored)}
    calendars = sorted(planned, key=lambda calendar: order[calendar.stored.path])
    plan = RestorePlan(snapshot.header.identifier, destination.origin, options, calendars, same_account)
    progress(Planned(plan.total, plan.to_write))
    return plan


def _holding(snapshot: Snapshot, stored: Sequence[StoredCalendar], uids: frozenset[str]) -> list[StoredCalendar]:
    """The calendars that hold an event of `uids`, so that the others' names need not be clear; or `NoSuchEvent`."""
    found = [calendar for calendar in stored if any(_records_of(snapshot, calendar, uids))]
    if not found:
        raise NoSuchEvent(f"no event of this snapshot has the UID {' or '.join(sorted(uids))}")
    return found


def _records_of(snapshot: Snapshot, calendar: StoredCalendar, uids: frozenset[str]) -> Iterator[Stored]:
    """The calendar's records; those of `uids` only, if there are any."""
    for batch in iter_records(snapshot, calendar):
        for record in batch:
            if not uids or (record.content is not None and ics.uid(record.content) in uids):
                yield record


def _account(origin: str) -> str:
    """The part of an origin that two calendars of one account share: `user@host[:port]`, or a whole local path."""
    return origin if origin.startswith("/") else origin.partition("/")[0]


def _grouped(matched: Sequence[tuple[StoredCalendar, Target]]) -> list[tuple[StoredCalendar, Target]]:
    """Calendars of one target one after another, so that what is there has to be known for one target at a time."""
    return sorted(matched, key=lambda pair: _target_key(*pair))


def _target_key(stored: StoredCalendar, target: Target) -> tuple[str, str]:
    return CalendarPlan(stored, target.collection, target.name, target.matched_by, ()).target_key


@dataclass(slots=True)
class _Planner:
    snapshot: Snapshot
    destination: Destination
    options: RestoreOptions
    #: The target that is known at the moment, and what it holds.
    _known: tuple[tuple[str, str], Existing] | None = field(default=None, init=False)

    async def plan(self, stored: StoredCalendar, target: Target) -> CalendarPlan:
        reason = self._reason_against(target)
        existing = Existing()
        try:
            existing = await self._existing(_target_key(stored, target), target.collection)
        except CollectionUnreadable as error:
            reason = reason or f"what is there cannot be told: {error}"
        records = await asyncio.to_thread(self._plan_records, stored, existing, reason)
        return CalendarPlan(stored, target.collection, target.name, target.matched_by, records, reason)

    def _reason_against(self, target: Target) -> str:
        """Why nothing can be written to the target as a whole; "" when nothing is known against it."""
        if target.collection is not None:
            return self.destination.refusal(target.collection)
        if not self.options.create_calendars:
            return f"there is no calendar '{target.name}', and none is to be made (--no-create-calendars)"
        if not self.destination.can_create:
            return f"there is no calendar '{target.name}', and no place for new ones at {self.destination.origin}"
        return ""

    async def _existing(self, key: tuple[str, str], collection: Collection | None) -> Existing:
        if self._known is None or self._known[0] != key:
            self._known = None
            found = Existing() if collection is None else await read_existing(self.destination, collection)
            self._known = key, found
        return self._known[1]

    def _plan_records(self, stored: StoredCalendar, existing: Existing, reason: str) -> list[RecordPlan]:
        decide: Callable[[Stored, Existing], RecordPlan] = self._decide
        planned = (
            decide(each, existing) for each in _records_of(self.snapshot, stored, frozenset(self.options.events))
        )
        if not reason:
            return list(planned)
        return [RecordPlan(one.name, Action.CANNOT, reason) if one.action in _WRITING else one for one in planned]

    def _decide(self, record: Stored, existing: Existing) -> RecordPlan:
        if record.content is None:
            return RecordPlan(record.name, Action.CANNOT, record.reason)
        if not ics.is_calendar(record.content):
            return RecordPlan(record.name, Action.CANNOT, NOT_A_CALENDAR)
        copy = copy_to_send(record.content, self.options.invites, self.destination.scheduling)
        uid, meaning = ics.uid(record.content), ics.meaning_of(copy.content)
        leaf = self.destination.leaf(record.name, uid)
        found = existing.find(uid, leaf)
        same = next((there for there in found if there.meaning.matches(meaning)), None)
        if same is not None:
            return RecordPlan(record.name, Action.IDENTICAL, "" if same.version is not None else IN_SELECTION_ALREADY)
        if copy.held:
            return RecordPlan(record.name, Action.HOLD, copy.note)
        in_the_way = [there.version for there in found if there.version is not None]
        if in_the_way:
            version = next((one for one in in_the_way if one.leaf == leaf), in_the_way[0])
            action = Action.REPLACE if self.options.on_conflict is OnConflict.REPLACE else Action.CONFLICT
            return RecordPlan(record.name, action, ANOTHER_VERSION, version.leaf, version)
        leaf = self._free_leaf(record.name, uid, existing)
        existing.add(uid, leaf, There(meaning, None))
        return RecordPlan(record.name, Action.CREATE, copy.note, "" if leaf == record.name else leaf)

    def _free_leaf(self, name: str, uid: str | None, existing: Existing) -> str:
        attempt = 0
        while existing.is_taken(leaf := self.destination.leaf(name, uid, attempt)):
            attempt += 1
        return leaf


_WRITING = (Action.CREATE, Action.REPLACE, Action.CONFLICT, Action.HOLD)
