"""What is in the records that are missing: their titles and dates, the newest version of each event, and which of them
have merely moved.

Owns the reading of contents, many at once, a damaged one apart from the others. Which records are missing is told by
`vanished`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from caldav_backup import ics
from caldav_backup.inspection.calendars import is_event
from caldav_backup.kloset import paths
from caldav_backup.kloset.contents import Content, read_contents
from caldav_backup.kloset.errors import Damaged

if TYPE_CHECKING:
    from caldav_backup.inspection.vanished import Held, Missing
    from caldav_backup.inspection.vanished_present import Present
    from caldav_backup.kloset.entries import Entry
    from caldav_backup.kloset.repository import Repository

T = TypeVar("T")

#: Records, and bytes beyond which no further record joins, that are read together.
BATCH = 512
BATCH_BYTES = 4 << 20


class Vanished(NamedTuple):
    """An event that is gone, in its newest version; `start` is the raw value, in `timezone` where one is named.

    `is_split`: other records of the same directory belong to it, so that it is more than the one record.
    """

    missing: Missing
    uid: str | None
    kinds: tuple[str, ...]
    title: str | None
    start: str | None
    timezone: str | None
    is_split: bool = False

    @property
    def name(self) -> str:
        """The record's name in its directory."""
        return self.missing.entry.name

    @property
    def path(self) -> str:
        """The record's path in the snapshot."""
        return paths.join(self.missing.path, self.name)

    @property
    def place(self) -> tuple[bytes, str]:
        """The snapshot and the directory that it is in."""
        return self.missing.header.identifier, self.missing.path


class Unread(NamedTuple):
    """A record that is missing and whose content is damaged."""

    missing: Missing
    reason: str


class Contents(NamedTuple):
    """What was read: the events, what vanished last first, and what could not be read."""

    events: Sequence[Vanished]
    unread: Sequence[Unread]


class Stored(NamedTuple):
    """What the newest snapshots hold of that which the source still has: UIDs, and names by the calendars' keys."""

    uids: frozenset[str]
    names: Mapping[str, frozenset[bytes]]


def newest_versions(
    repository: Repository, missing: Iterable[Missing], is_wanted: Callable[[bytes, str | None], bool]
) -> Contents:
    """One version of each UID, the newest, where `is_wanted` (content, UID) takes any of its versions.

    `missing` comes as `Walk.missing` gives it.
    """
    newest: dict[str, Vanished] = {}
    wanted: set[str] = set()
    unread: list[Unread] = []
    for each, content in _read(repository, missing, lambda one: one.entry):
        if isinstance(content, Damaged):
            unread.append(Unread(each, str(content)))
            continue
        event = _event(each, content)
        identity = event.uid or f"\0{each.calendar.key}\0{event.name}"
        newer = newest.setdefault(identity, event)
        if newer is not event and newer.place == event.place:
            newest[identity] = newer._replace(is_split=True)
        if is_wanted(content, event.uid):
            wanted.add(identity)
    found = [event for identity, event in newest.items() if identity in wanted]
    return Contents(sorted(found, key=_by_recency), unread)


def stored(repository: Repository, calendars: Iterable[Held], present: Present) -> Stored:
    """`calendars` are the newest states of all, as `Walk.newest` tells them after the walk."""
    uids: set[str] = set()
    names: dict[str, frozenset[bytes]] = {}
    for held in calendars:
        there = present.names_of(held.key)
        snapshot = repository.snapshot(held.header.identifier)
        entries = [
            entry
            for entry in snapshot.list_directory(held.path)
            if is_event(entry) and (there is None or paths.to_key(entry.name) in there)
        ]
        names[held.key] = frozenset(paths.to_key(entry.name) for entry in entries)
        for _, content in _read(repository, entries, lambda entry: entry):
            # What cannot be read is no proof that the event is there.
            uids.update(() if isinstance(content, Damaged) else ics.uids(content))
    return Stored(frozenset(uids), names)


def without(events: Iterable[Vanished], uids: Collection[str]) -> list[Vanished]:
    """The events but for those of `uids`, which are there under another name or in another calendar."""
    return [event for event in events if event.uid not in uids]


def _event(missing: Missing, content: bytes) -> Vanished:
    seen = ics.glance(content)
    return Vanished(missing, seen.uid, seen.kinds, seen.summary, seen.dtstart, seen.timezone)


def _by_recency(event: Vanished) -> tuple[float, int]:
    gone_ns = event.missing.gone_ns
    return -gone_ns if gone_ns is not None else float("-inf"), -event.missing.header.timestamp_ns


def _read(
    repository: Repository, things: Iterable[T], entry_of: Callable[[T], Entry]
) -> Iterator[tuple[T, bytes | Damaged]]:
    """The contents of files, in order; the error where one is damaged."""
    for batch in _batches(things, entry_of):
        try:
            found = list(read_contents(repository, (_content(entry_of(each)) for each in batch)))
        except Damaged:
            yield from ((each, _one(repository, entry_of(each))) for each in batch)
        else:
            yield from zip(batch, found, strict=True)


def _one(repository: Repository, entry: Entry) -> bytes | Damaged:
    try:
        return next(read_contents(repository, [_content(entry)]))
    except Damaged as error:
        return error


def _content(entry: Entry) -> Content:
    return Content(entry.object, repr(entry.path), entry.size)


def _batches(things: Iterable[T], entry_of: Callable[[T], Entry]) -> Iterator[list[T]]:
    batch: list[T] = []
    size = 0
    for each in things:
        length = entry_of(each).size
        if batch and (len(batch) == BATCH or size + length > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(each)
        size += length
    if batch:
        yield batch
