"""The records of a stored calendar with their bytes, in bounded batches, one damaged record apart from the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from caldav_backup.kloset.errors import Damaged
from caldav_backup.restorer.selection import StoredCalendar, is_record

if TYPE_CHECKING:
    from caldav_backup.kloset.entries import Entry
    from caldav_backup.kloset.snapshot import Snapshot

#: Longest record in bytes that is held in memory.
MAX_RECORD_SIZE = 64 * 1024 * 1024
#: Records, and bytes beyond which no further record joins, of one batch.
BATCH = 100
_BATCH_SIZE = 4 * 1024 * 1024


class Stored(NamedTuple):
    """A record's name and bytes; None for the bytes when they cannot be read, for the reason."""

    name: str
    content: bytes | None
    reason: str = ""


def iter_records(
    snapshot: Snapshot, calendar: StoredCalendar, wanted: Callable[[str], bool] = bool
) -> Iterator[list[Stored]]:
    """Batches of the calendar's records whose names are `wanted`, in the directory's order; every name, unless told."""
    for entries in _batches(_entries(snapshot, calendar, wanted)):
        yield read_batch(snapshot, entries)


def next_batch(batches: Iterator[list[Stored]]) -> list[Stored]:
    """The next of `iter_records`' batches, for a thread of its own; empty at the end."""
    return next(batches, [])


def read_one(snapshot: Snapshot, calendar: StoredCalendar, name: str) -> Stored:
    """One record of the calendar."""
    return read_batch(snapshot, [snapshot.entry(_path(calendar, name))])[0]


def read_batch(snapshot: Snapshot, entries: Sequence[Entry]) -> list[Stored]:
    """The entries' bytes, in order. What is damaged costs itself only: the others are then read one by one."""
    if len(entries) == 1 and entries[0].size > MAX_RECORD_SIZE:
        return [Stored(entries[0].name, None, f"is larger than {MAX_RECORD_SIZE} bytes")]
    try:
        return [Stored(entry.name, content) for entry, content in snapshot.read_many(entries)]
    except Damaged as error:
        if len(entries) == 1:
            return [Stored(entries[0].name, None, str(error))]
    return [stored for entry in entries for stored in read_batch(snapshot, [entry])]


def _entries(snapshot: Snapshot, calendar: StoredCalendar, wanted: Callable[[str], bool]) -> Iterator[Entry]:
    if calendar.only:
        entry = snapshot.entry(_path(calendar, calendar.only))
        return iter([entry] if wanted(entry.name) else [])
    return (entry for entry in snapshot.list_directory(calendar.path) if is_record(entry) and wanted(entry.name))


def _path(calendar: StoredCalendar, name: str) -> str:
    return f"{calendar.path.rstrip('/')}/{name}"


def _batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        if batch and (len(batch) == BATCH or size + entry.size > _BATCH_SIZE):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += entry.size
    if batch:
        yield batch
