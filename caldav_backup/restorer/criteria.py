"""Which records of the chosen calendars are meant: by UID, words, kind, and when they take place.

Owns that a series travels whole: what shares the UID of a chosen record is chosen, too, in whichever file it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from caldav_backup import ics
from caldav_backup.restorer.contents import iter_records
from caldav_backup.restorer.errors import NoSuchEvent
from caldav_backup.restorer.options import RestoreOptions
from caldav_backup.restorer.selection import StoredCalendar

if TYPE_CHECKING:
    from caldav_backup.kloset.snapshot import Snapshot


class Chosen(NamedTuple):
    """Of one calendar: the names of the records, and their UIDs."""

    names: frozenset[str]
    uids: frozenset[str]


def choose_records(
    snapshot: Snapshot, calendars: Sequence[StoredCalendar], options: RestoreOptions
) -> Mapping[str, Chosen]:
    """What is meant of each calendar that holds something of it, by the calendar's path. NoSuchEvent when none does."""
    criteria = Criteria(options)
    chosen = {calendar.path: _choose(snapshot, calendar, criteria) for calendar in calendars}
    found = {path: each for path, each in chosen.items() if each.names}
    if not found:
        raise NoSuchEvent(f"no event of this snapshot {_described(options)}")
    return found


class Criteria:
    """What the options say of single records."""

    def __init__(self, options: RestoreOptions) -> None:
        self._options = options
        self._uids = frozenset(options.events)
        self._kinds = frozenset(options.kinds)

    def accepts(self, content: bytes) -> bool:
        """True for a record that is meant, cheap questions first."""
        if self._uids and self._uids.isdisjoint(ics.uids(content)):
            return False
        if self._kinds and self._kinds.isdisjoint(ics.component_kinds(content)):
            return False
        texts, since, until = self._options.texts, self._options.since, self._options.until
        if texts and not any(ics.mentions(content, text) for text in texts):
            return False
        return (since is None and until is None) or ics.occurs_within(content, since, until)


def _choose(snapshot: Snapshot, calendar: StoredCalendar, criteria: Criteria) -> Chosen:
    names: set[str] = set()
    uids: set[str] = set()
    others: dict[str, list[str]] = {}
    for batch in iter_records(snapshot, calendar):
        for record in batch:
            if record.content is None:
                continue
            if criteria.accepts(record.content):
                names.add(record.name)
                uids.update(ics.uids(record.content))
            elif uid := ics.uid(record.content):
                others.setdefault(uid, []).append(record.name)
    names.update(name for uid in uids for name in others.get(uid, ()))
    return Chosen(frozenset(names), frozenset(uids))


def _described(options: RestoreOptions) -> str:
    kinds = " or ".join(kind.removeprefix("V").lower() for kind in options.kinds)
    parts = [
        f"has the UID {' or '.join(options.events)}" if options.events else "",
        f"is of the kind {kinds}" if kinds else "",
        f"says {' or '.join(map(repr, options.texts))}" if options.texts else "",
        "takes place in that time" if options.since or options.until else "",
    ]
    return " and ".join(part for part in parts if part)
