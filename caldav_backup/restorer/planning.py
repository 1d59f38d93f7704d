"""Deciding, before anything is written, what is to become of every selected record.

Reads the snapshot and the destination; changes neither. A calendar of the destination is listed once and its records
are fetched in batches, so that UIDs are known without a request for each. What is decided about one record is
`deciding`'s and `weighing`'s, what is removed `extras`'.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from caldav_backup.connectors.base import Catalogue, Collection, CollectionUnreadable
from caldav_backup.connectors.destination import Destination, Limits
from caldav_backup.progress import Planned, Progress, silent
from caldav_backup.restorer.accounts import is_same_account
from caldav_backup.restorer.agreeing import agreed
from caldav_backup.restorer.contents import iter_records, read_one
from caldav_backup.restorer.criteria import Chosen, choose_records
from caldav_backup.restorer.deciding import Decider, Elsewhere, seed_of
from caldav_backup.restorer.elsewhere import find_elsewhere
from caldav_backup.restorer.errors import NotWhole
from caldav_backup.restorer.existing import Existing, read_existing
from caldav_backup.restorer.extras import Extras
from caldav_backup.restorer.matching import Surroundings, Target, match_calendars
from caldav_backup.restorer.options import OnConflict, RestoreOptions, Uids
from caldav_backup.restorer.plan import WRITING, Action, CalendarPlan, RecordPlan, RestorePlan
from caldav_backup.restorer.selection import StoredCalendar, select_calendars
from caldav_backup.restorer.weighing import Weighing

if TYPE_CHECKING:
    from caldav_backup.kloset.snapshot import Snapshot

#: What is written, or would be if the user said so.
_WRITABLE = WRITING | {Action.CONFLICT, Action.HOLD}

TargetKey = tuple[str, str]


async def plan_restore(
    snapshot: Snapshot, destination: Destination, options: RestoreOptions, *, progress: Progress = silent
) -> RestorePlan:
    """What `apply` would do. Raises a `RestoreError` where the user has to decide something first."""
    stored = await asyncio.to_thread(select_calendars, snapshot, options.path, options.calendars)
    _require_whole(stored, options)
    chosen: Mapping[str, Chosen] = {}
    if options.selects_records:
        # Only calendars that hold something of it, so that the others' names need not be clear.
        chosen = await asyncio.to_thread(choose_records, snapshot, stored, options)
        stored = [calendar for calendar in stored if calendar.path in chosen]
    catalogue = await destination.catalogue()
    same_account = is_same_account(snapshot.header.importer.origin, destination.origin)
    there = Surroundings(catalogue.collections, same_account=same_account, can_create=destination.can_create)
    planner = _Planner(snapshot, destination, options, catalogue, chosen)
    planned = await planner.plan_all(match_calendars(stored, there, options))
    order = {calendar.path: number for number, calendar in enumerate(stored)}
    calendars = agreed(sorted(planned, key=lambda calendar: order[calendar.stored.path]))
    plan = RestorePlan(snapshot.header.identifier, destination.origin, options, calendars, same_account)
    progress(Planned(plan.total, plan.to_write))
    return plan


def _require_whole(stored: Sequence[StoredCalendar], options: RestoreOptions) -> None:
    if options.delete_extra and (options.selects_records or any(calendar.only for calendar in stored)):
        raise NotWhole(
            "--delete-extra makes whole calendars equal to the snapshot, so it cannot go with a choice of events"
        )
    if options.delete_extra and options.uids is Uids.NEW:
        raise NotWhole("--delete-extra would remove every event that --uid new puts a second copy beside")


def _target_key(stored: StoredCalendar, target: Target) -> TargetKey:
    return CalendarPlan(stored, target.collection, target.name, target.matched_by, ()).target_key


@dataclass(slots=True)
class _Planner:
    snapshot: Snapshot
    destination: Destination
    options: RestoreOptions
    catalogue: Catalogue
    chosen: Mapping[str, Chosen]
    #: What the calendars of the account hold, where it takes each UID once.
    _elsewhere: Mapping[str, Elsewhere] | None = field(default=None, init=False)

    async def plan_all(self, matched: Sequence[tuple[StoredCalendar, Target]]) -> list[CalendarPlan]:
        """All calendars; those of one target one after another, so that one target is known at a time."""
        groups: dict[TargetKey, list[tuple[StoredCalendar, Target]]] = {}
        for pair in matched:
            groups.setdefault(_target_key(*pair), []).append(pair)
        return [plan for group in groups.values() for plan in await self._plan_target(group)]

    async def _plan_target(self, group: Sequence[tuple[StoredCalendar, Target]]) -> list[CalendarPlan]:
        """The calendars of one target."""
        target = group[0][1]
        reason = self._reason_against(target)
        existing = Existing()
        try:
            existing = await self._existing(target.collection, [stored for stored, _ in group])
        except CollectionUnreadable as error:
            reason = reason or f"what is there cannot be told: {error}"
        plans: list[CalendarPlan] = []
        extras = Extras(self.snapshot, existing)
        limits = await self.destination.limits(target.collection)
        for stored, matched in group:
            decider = await self._decider(stored, matched, existing, limits)
            records = await self._plan_records(stored, matched, decider, reason)
            if self.options.delete_extra:
                extras.keep(stored, decider)
            plans.append(
                CalendarPlan(
                    stored,
                    matched.collection,
                    matched.name,
                    matched.matched_by,
                    records,
                    reason,
                    there=existing.count,
                )
            )
        if self.options.delete_extra and target.collection is not None and not reason:
            found, kept = await asyncio.to_thread(extras.find)
            plans[-1] = replace(plans[-1], extras=found, kept=kept)
        return plans

    async def _decider(self, stored: StoredCalendar, target: Target, existing: Existing, limits: Limits) -> Decider:
        return Decider(
            self.destination,
            self.options,
            existing,
            limits,
            reread=lambda name: read_one(self.snapshot, stored, name).content or b"",
            seed=seed_of(target.name, stored.path),
            may_be_veiled=not stored.is_own,
            elsewhere=await self._whole_account(),
            target=target.collection.key if target.collection is not None else "",
        )

    async def _plan_records(
        self, stored: StoredCalendar, target: Target, decider: Decider, reason: str
    ) -> list[RecordPlan]:
        planned = await asyncio.to_thread(self._decide_all, stored, decider)
        if reason:
            return [RecordPlan(one.name, Action.CANNOT, reason) if one.action in _WRITABLE else one for one in planned]
        place = target.collection or Collection("", "")
        return await Weighing(self.snapshot, self.destination, stored, place).settle(planned)

    def _decide_all(self, stored: StoredCalendar, decider: Decider) -> list[RecordPlan]:
        wanted = self.chosen[stored.path].names.__contains__ if self.chosen else bool
        batches = iter_records(self.snapshot, stored, wanted)
        return [decider.decide(record) for batch in batches for record in batch]

    def _reason_against(self, target: Target) -> str:
        """Why nothing can be written to the target as a whole; "" when nothing is known against it."""
        if target.collection is not None:
            return self.destination.refusal(target.collection)
        if not self.options.create_calendars:
            return f"there is no calendar '{target.name}', and none is to be made (--no-create-calendars)"
        if not self.destination.can_create:
            return f"there is no calendar '{target.name}', and no place for new ones at {self.destination.origin}"
        return ""

    async def _existing(self, collection: Collection | None, stored: Sequence[StoredCalendar]) -> Existing:
        if collection is None:
            return Existing()
        wanted: frozenset[str] | None = None
        # New UIDs are known only once the contents are.
        keeps = self.options.uids is Uids.KEEP and self.options.on_conflict is not OnConflict.DUPLICATE
        if self.chosen and keeps:
            wanted = frozenset(uid for calendar in stored for uid in self.chosen[calendar.path].uids)
        return await read_existing(self.destination, collection, wanted)

    async def _whole_account(self) -> Mapping[str, Elsewhere]:
        """What the account's calendars hold by UID, where that matters."""
        if not self.destination.has_account_wide_uids:
            return {}
        if self._elsewhere is None:
            self._elsewhere = await find_elsewhere(self.destination, self.catalogue.collections)
        return self._elsewhere
