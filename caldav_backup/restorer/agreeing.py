"""Plans of several calendars made to agree with each other.

Owns two things that no calendar's own plan can see: that a record of the destination is the place of one record of the
snapshot only, and that what is to be removed from one calendar is no reason to leave it out of another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from caldav_backup.restorer.plan import Action, CalendarPlan, RecordPlan

ANOTHERS_PLACE = "what is there has its UID, and is what another record of the snapshot is restored to"

Place = tuple[str, str]


def agreed(calendars: Sequence[CalendarPlan]) -> list[CalendarPlan]:
    """The same plans, in the same order, with what contradicts in them settled."""
    freed = {_key(each, extra.version.key) for each in calendars for extra in each.extras}
    # Whatever stays as it is comes first, in whichever calendar it is.
    staying = ((each, one) for each in calendars for one in each.records if one.action is Action.IDENTICAL)
    taken = {place for each, record in staying if (place := _place(each, record)) is not None}
    return [
        replace(each, records=[_settled(each, record, freed, taken) for record in each.records]) for each in calendars
    ]


def _settled(calendar: CalendarPlan, record: RecordPlan, freed: set[Place], taken: set[Place]) -> RecordPlan:
    place = _place(calendar, record)
    if place is None:
        return record
    if record.action is Action.IDENTICAL:
        return record._replace(existing=None)  # of no use any more, and of 100,000 records that is much
    if record.elsewhere is not None and place in freed and record.action in (Action.CONFLICT, Action.REPLACE):
        # Refused while its UID is taken there, it is written once more when that has been removed.
        return record._replace(action=Action.CREATE, reason="", existing=None, elsewhere=None)
    if record.action is not Action.REPLACE:
        return record
    if place in taken:
        return record._replace(action=Action.CONFLICT, reason=ANOTHERS_PLACE)
    taken.add(place)
    return record


def _place(calendar: CalendarPlan, record: RecordPlan) -> Place | None:
    """Where the destination has what stands for the record; None where it has nothing."""
    if record.existing is None:
        return None
    if record.elsewhere is not None:
        return record.elsewhere.key, record.existing.key
    return _key(calendar, record.existing.key)


def _key(calendar: CalendarPlan, record: str) -> Place:
    return (calendar.collection.key if calendar.collection is not None else "", record)
