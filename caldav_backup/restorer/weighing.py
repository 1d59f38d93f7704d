"""Conflicts that only both contents can settle: which version is newer, and whether a share showed us less than all."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from caldav_backup import ics
from caldav_backup.connectors.base import Collection, Record, Resource
from caldav_backup.connectors.destination import Destination
from caldav_backup.restorer.contents import iter_records, next_batch
from caldav_backup.restorer.deciding import MAY_BE_VEILED, NEWER_UNKNOWN, is_private
from caldav_backup.restorer.plan import Action, RecordPlan
from caldav_backup.restorer.selection import StoredCalendar

if TYPE_CHECKING:
    from caldav_backup.kloset.snapshot import Snapshot

STORED_IS_NEWER = "another version of it is there, and the stored one is newer"
THERE_IS_NEWER = "another version of it is there, which is not older"
UNDECIDABLE = "another version of it is there, and which one is newer cannot be told"
VEILED = "is private, and the snapshot has less of it than is there: it was seen through a share"

_OPEN = frozenset({NEWER_UNKNOWN, MAY_BE_VEILED})


@dataclass(frozen=True, slots=True)
class Weighing:
    """Settles the open conflicts of one calendar that goes to `collection`."""

    snapshot: Snapshot
    destination: Destination
    stored: StoredCalendar
    collection: Collection

    async def settle(self, records: Sequence[RecordPlan]) -> list[RecordPlan]:
        """The same plans, each conflict with its end."""
        settled = {record.name: record for record in records if record.reason in _OPEN}
        if not settled:
            return list(records)
        batches = iter_records(self.snapshot, self.stored, settled.__contains__)
        while batch := await asyncio.to_thread(next_batch, batches):
            there = await self._there([settled[each.name] for each in batch])
            for each in batch:
                settled[each.name] = _settle(settled[each.name], each.content or b"", there.get(each.name))
        return [settled.get(record.name, record) for record in records]

    async def _there(self, records: Sequence[RecordPlan]) -> Mapping[str, Record]:
        """What stands in the way of the records, by their names."""
        here = [(one.name, one.existing) for one in records if one.existing is not None and one.elsewhere is None]
        found = await self.destination.fetch(self.collection, [version for _, version in here])
        fetched = {name: record for (name, _), record in zip(here, found, strict=True)}
        for one in records:
            if one.existing is not None and one.elsewhere is not None:
                fetched[one.name] = await self.destination.read(one.existing.key)
        return fetched


def _settle(plan: RecordPlan, stored: bytes, there: Record | None) -> RecordPlan:
    if not isinstance(there, Resource):
        return plan._replace(reason="what is there cannot be read, so it is left alone")
    if plan.reason == NEWER_UNKNOWN:
        newer = ics.is_newer(stored, there.content)
        if newer is not True:
            return plan._replace(reason=UNDECIDABLE if newer is None else THERE_IS_NEWER)
    if is_private(stored) and _is_veiled(stored, there.content):
        return plan._replace(reason=VEILED)
    return plan._replace(action=Action.REPLACE, reason=STORED_IS_NEWER if plan.reason == NEWER_UNKNOWN else "")


def _is_veiled(stored: bytes, there: bytes) -> bool:
    """True when the stored version says nothing that is not there, but for a title that may stand for "busy"."""
    found = ics.compare(there, stored)
    return bool(found.lost) and not found.added and all(path.endswith(" SUMMARY") for path in found.changed)
