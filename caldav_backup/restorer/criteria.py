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
    chosen = {calendar.path: _choose(snapshot, calendar, options) for calendar in calendars}
    found = {path: each for path, each in chosen.items() if each.names}
    if not found:
        raise NoSuchEvent(f"no event of this snapshot {_described(options)}")
    return found


def accepts(content: bytes, options: RestoreOptions) -> bool:
    """True for a record that is meant, cheap questions first."""
    if options.events and not set(options.events).intersection(ics.uids(content)):
        return False
    if options.kinds and not set(options.kinds).intersection(ics.component_kinds(content)):
        return False
    if options.texts and not any(ics.mentions(content, text) for text in options.texts):
        return False
    if options.since is None and options.until is None:
        return True
    return ics.occurs_within(content, options.since, options.until)


def _choose(snapshot: Snapshot, calendar: StoredCalendar, options: RestoreOptions) -> Chosen:
    names: set[str] = set()
    uids: set[str] = set()
    others: dict[str, list[str]] = {}
    for batch in iter_records(snapshot, calendar):
        for record in batch:
            if record.content is None:
                continue
            if accepts(record.content, options):
                names.add(record.name)
                uids.update(ics.uids(record.content))
            elif uid := ics.uid(record.content):
                others.setdefault(uid, []).append(record.name)
    names.update(name for uid in uids for name in others.get(uid, ()))
    return Chosen(frozenset(names), frozenset(uids))


def _described(options: RestoreOptions) -> str:
    parts = [
        f"has the UID {' or '.join(options.events)}" if options.events else "",
        f"is of the kind {' or '.join(options.kinds)}" if options.kinds else "",
        f"says {' or '.join(map(repr, options.texts))}" if options.texts else "",
        "takes place in that time" if options.since or options.until else "",
    ]
    return " and ".join(part for part in parts if part)
