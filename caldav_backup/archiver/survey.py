"""How much has to be asked of each calendar, and the asking: nothing, what changed, or a listing.

A listing is the truth. What is shorter is used only where it cannot lie unnoticed (docs/design/changes.md), and
whatever looks odd ends in a listing. Owns these decisions; what follows from an answer is `plan`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from caldav_backup.archiver.last_listing import has_moved
from caldav_backup.archiver.parents import ParentCalendar
from caldav_backup.connectors.base import SYNC_TOKEN, Changes, Collection, CollectionUnreadable, Listing, Source
from caldav_backup.kloset import Damaged

#: From this many records on it pays to ask what changed since a token. Below, a listing is one short answer anyway.
SYNC_FROM = 5_000
#: A server that does not know a token any more may answer with everything (DAViCal 1.1, SOGo 5.8). Such an answer says
#: nothing of what was deleted.
SYNC_MOST = 0.5


class Way(Enum):
    """How a calendar is read."""

    UNMOVED = "its CTag and sync-token are those of before, so nothing is asked"
    CHANGES = "what changed since the sync-token of before"
    LISTING = "every record"
    DUE = "every record, only since the last listing is too long ago"


@dataclass(frozen=True, slots=True)
class Prospect:
    """One calendar before it is read.

    `parent` is what UNMOVED and CHANGES refer to, `count` its number of records; `full`: every record is fetched.
    """

    path: str
    collection: Collection
    way: Way
    parents: Sequence[ParentCalendar]
    parent: ParentCalendar | None = None
    count: int = 0
    full: bool = False

    @property
    def name(self) -> str:
        """The directory's name."""
        return self.path[1:]

    def unmoved(self) -> Collection:
        """The collection with those attributes of before that were not asked for again."""
        assert self.parent is not None
        before = {name: value for name, value in self.parent.attributes.items() if name.startswith("prop.")}
        return replace(self.collection, attributes={**before, **self.collection.attributes})


Answer = Listing | Changes | CollectionUnreadable | None


def prospect(
    path: str,
    collection: Collection,
    parents: Sequence[ParentCalendar],
    *,
    now: float,
    full: bool,
    sync_from: int = SYNC_FROM,
) -> Prospect:
    """What to ask of one calendar. Reads a few attributes of its parents."""
    found = Prospect(path, collection, Way.LISTING, parents, full=full)
    for parent in () if full else parents:
        try:
            way = _way(parent, collection, now, sync_from)
            if way is not Way.LISTING:
                return replace(found, way=way, parent=parent, count=parent.count)
        except Damaged:
            continue  # whoever lists finds out what is damaged, and stores it anew
    return found


async def ask(source: Source, calendar: Prospect) -> Answer:
    """The answer that is to be planned with; None where nothing had to be asked."""
    try:
        if calendar.way is Way.UNMOVED:
            return None
        changes = await _changes(source, calendar) if calendar.way is Way.CHANGES else None
        return changes or await source.list_versions(calendar.collection)
    except CollectionUnreadable as error:
        return error


async def _changes(source: Source, calendar: Prospect) -> Changes | None:
    """None when the answer is not to be relied on: a token that moved for nothing, or everything at once."""
    assert calendar.parent is not None
    since = calendar.parent.attributes[SYNC_TOKEN]
    changes = await source.list_changes(calendar.collection, since)
    if changes is None or not (changes.changed or changes.removed):
        return None
    return changes if len(changes.changed) < calendar.count * SYNC_MOST else None


def _way(parent: ParentCalendar, collection: Collection, now: float, sync_from: int) -> Way:
    """How to read a calendar when `parent` is what is known of it."""
    last = parent.last_listing
    if last is None or not last.is_settled or parent.failures or parent.lost:
        return Way.LISTING
    if not has_moved(parent.attributes, collection.attributes):
        return Way.UNMOVED if last.is_recent(now) else Way.DUE
    can_sync = parent.attributes.get(SYNC_TOKEN) and collection.attributes.get(SYNC_TOKEN)
    return Way.CHANGES if last.is_recent(now) and can_sync and parent.count >= sync_from else Way.LISTING
