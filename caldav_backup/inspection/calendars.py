"""A snapshot's tree as calendars and events.

Owns what counts as a calendar (a directory with our attributes, or one that holds `.ics` files, so that snapshots of
other programs are read, too) and what is told of an event without parsing all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from caldav_backup.connectors.base import ATTRIBUTE_PREFIX
from caldav_backup.connectors.naming import EXTENSION
from caldav_backup.kloset import paths
from caldav_backup.marks import IMPORTER_TYPE

if TYPE_CHECKING:
    from caldav_backup.kloset.entries import Entry
    from caldav_backup.kloset.snapshot import Snapshot

#: Attributes that are shown; each is one look-up.
_SHOWN = ("displayname", "color", "href")

#: How deep calendars are looked for: other programs keep whole file system paths.
_MAX_DEPTH = 64


class Calendar(NamedTuple):
    """A calendar in a snapshot. `size` is in bytes; `color` and `href` are "" where nothing is known."""

    path: str
    displayname: str
    events: int
    size: int
    color: str
    href: str


class Event(NamedTuple):
    """An event, task or journal of a snapshot; `start` is the raw value (`20260501T090000Z`), None without one."""

    path: str
    size: int
    mtime_ns: int
    uid: str | None
    kinds: tuple[str, ...]
    summary: str | None
    start: str | None
    timezone: str | None


def iter_calendars(snapshot: Snapshot, path: str = paths.ROOT) -> Iterator[Calendar]:
    """The calendars at or below `path`, in the tree's order. PathNotFound for a path that is not there."""
    entry = snapshot.entry(path)
    if not entry.is_directory:
        return
    if snapshot.header.importer.type == IMPORTER_TYPE and path == paths.ROOT:
        # Our trees are one level of calendars, whose totals are kept: no listing of events is read.
        for child in snapshot.list_directory(path):
            if child.is_directory:
                totals = snapshot.summary(child.path).directory
                yield _calendar(snapshot, child, totals.files, totals.size)
        return
    yield from _calendars_below(snapshot, entry, _MAX_DEPTH)


def iter_events(snapshot: Snapshot, path: str = paths.ROOT) -> Iterator[Event]:
    """What the calendars at or below `path` hold; the one event, where `path` is that of an event."""
    from caldav_backup import ics

    top = snapshot.entry(path)
    entries = iter([top]) if top.is_file else (entry for entry in snapshot.walk(path) if is_event(entry))
    for entry, content in snapshot.read_many(entries):
        seen = ics.glance(content)
        yield Event(
            entry.path, entry.size, entry.mtime_ns, seen.uid, seen.kinds, seen.summary, seen.dtstart, seen.timezone
        )


def is_event(entry: Entry) -> bool:
    """True for a file that holds a calendar object by its name."""
    return entry.is_file and entry.name.lower().endswith(EXTENSION)


def _calendars_below(snapshot: Snapshot, directory: Entry, depth: int) -> Iterator[Calendar]:
    is_calendar = any(name.startswith(ATTRIBUTE_PREFIX) for name in directory.extended_attributes)
    events = size = 0
    below: list[Entry] = []
    for entry in snapshot.list_directory(directory.path):
        if is_event(entry):
            events += 1
            size += entry.size
        elif entry.is_directory:
            below.append(entry)
    if events or is_calendar:
        yield _calendar(snapshot, directory, events, size)
    if depth:
        for entry in below:
            yield from _calendars_below(snapshot, entry, depth - 1)


def _calendar(snapshot: Snapshot, directory: Entry, events: int, size: int) -> Calendar:
    known = {}
    for name in _SHOWN:
        qualified = ATTRIBUTE_PREFIX + name
        if qualified in directory.extended_attributes:
            value = snapshot.extended_attribute(directory.path, qualified) or b""
            known[name] = value.decode("utf-8", "replace")
    displayname = known.get("displayname") or directory.name
    return Calendar(directory.path, displayname, events, size, known.get("color", ""), known.get("href", ""))
