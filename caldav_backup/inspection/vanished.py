"""Records that snapshots hold and their source has no longer, and when they vanished.

Owns the walk through a source's snapshots, the newest first. It reads names, and only of directories that differ from
all that was read before; contents are `vanished_events`', what the source has now is `vanished_present`'s. Changes
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from caldav_backup.connectors.base import ATTRIBUTE_PREFIX
from caldav_backup.inspection.vanished_listings import Listed, Listings
from caldav_backup.kloset import paths
from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.snapshot import Snapshot
from caldav_backup.marks import BEFORE_RESTORE, IMPORTER_TYPE, INCOMPLETE, PARTIAL
from caldav_backup.progress import LookedAt, Progress, silent

if TYPE_CHECKING:
    from caldav_backup.inspection.vanished_present import Present
    from caldav_backup.kloset.entries import Entry
    from caldav_backup.kloset.header import Header
    from caldav_backup.kloset.repository import Repository

#: Is told of a snapshot that cannot be looked at.
Unreadable = Callable[["Header", Damaged], None]


class Held(NamedTuple):
    """A calendar as a snapshot holds it: the directory `path`; `key` is what it was to its source."""

    header: Header
    key: str
    path: str
    displayname: str


class Missing(NamedTuple):
    """A record that the snapshot of `header` holds, and no newer one, nor the source now.

    `path` is that of its directory, `calendar` the same calendar as the newest snapshot has it. `gone_ns` is the time
    of the oldest snapshot in which the record is known to be gone, in Unix nanoseconds; None: the source alone tells.
    """

    header: Header
    path: str
    entry: Entry
    calendar: Held
    gone_ns: int | None


@dataclass(slots=True)
class _Calendar:
    """What is known of one calendar while the walk goes back in time."""

    newest: Held
    #: Names that the source has, or that newer snapshots hold.
    seen: set[bytes]
    #: The time of the oldest snapshot so far that tells what is in it.
    told_ns: int | None


@dataclass(slots=True)
class Walk:
    """One walk through the snapshots `headers` of one source, the newest first.

    What vanished before `since_ns` (Unix nanoseconds) is left out. Without `unreadable` a damaged snapshot is an error.
    """

    repository: Repository
    headers: Sequence[Header]
    present: Present
    since_ns: int | None = None
    unreadable: Unreadable | None = None
    progress: Progress = silent
    _calendars: dict[str, _Calendar] = field(default_factory=dict, init=False)
    #: Directory and listing → the calendar that the names in it were counted for.
    _read: dict[tuple[str, bytes], _Calendar] = field(default_factory=dict, init=False)
    #: The time of the oldest snapshot so far that tells which calendars there are.
    _whole_ns: int | None = field(default=None, init=False)

    @property
    def newest(self) -> Sequence[Held]:
        """Every calendar that was come across, as the newest snapshot has it."""
        return [calendar.newest for calendar in self._calendars.values()]

    def missing(self) -> Iterator[Missing]:
        """The records that are there no longer, each once, those of the newest snapshot first."""
        listings = Listings(self.repository)
        # An incomplete snapshot holds part of what the next one holds, which has not been made yet.
        headers = [header for header in self.headers if INCOMPLETE not in header.tags]
        for number, header in enumerate(headers):
            self.progress(LookedAt("snapshots", number, len(headers)))
            try:
                yield from self._look_at(header, listings)
            except Damaged as error:
                if self.unreadable is None:
                    raise
                self.unreadable(header, error)
            if self.since_ns is not None and self._whole_ns is not None and self._whole_ns < self.since_ns:
                break
        self.progress(LookedAt("snapshots", len(headers), len(headers)))

    def _look_at(self, header: Header, listings: Listings) -> Iterator[Missing]:
        snapshot = Snapshot(self.repository, header)
        there: list[tuple[str, _Calendar]] = []
        for path, listing in listings.directories(header).items():
            if path == paths.ROOT and header.importer.type == IMPORTER_TYPE:
                continue  # holds calendars only
            calendar = self._read.get((path, listing))
            if calendar is None:
                records = listings.new_records(path, listing)
                calendar = self._read[path, listing] = self._calendar(snapshot, path, records)
                yield from self._missing_of(calendar, header, path, records)
            there.append((path, calendar))
        self._take_for_told(header, snapshot, there)

    def _calendar(self, snapshot: Snapshot, path: str, records: Sequence[Listed]) -> _Calendar:
        key = _key_of(snapshot, path)
        if key not in self._calendars:
            names = self.present.names_of(key)
            if names is None:
                # The newest snapshot is all there is to compare with, and if that has no such calendar, it is gone.
                names = frozenset(record.name for record in records) if self._whole_ns is None else frozenset()
            newest = Held(snapshot.header, key, path, _displayname(snapshot, path))
            self._calendars[key] = _Calendar(newest, set(names), None)
        return self._calendars[key]

    def _missing_of(
        self, calendar: _Calendar, header: Header, path: str, records: Iterable[Listed]
    ) -> Iterator[Missing]:
        gone_ns = min((time for time in (calendar.told_ns, self._whole_ns) if time is not None), default=None)
        is_old = self.since_ns is not None and gone_ns is not None and gone_ns < self.since_ns
        is_asked = not is_old and self.present.concerns(calendar.newest.key)
        for record in records:
            if record.name not in calendar.seen:
                calendar.seen.add(record.name)
                if is_asked:
                    yield Missing(header, path, record.entry(path), calendar.newest, gone_ns)

    def _take_for_told(self, header: Header, snapshot: Snapshot, there: Iterable[tuple[str, _Calendar]]) -> None:
        """What is not in this snapshot is known to be gone at its time, whatever older ones hold."""
        failed = set(snapshot.failed_paths()) if PARTIAL in header.tags else set()
        for path, calendar in there:
            # Of a calendar that went away while it was read, only a part may be there.
            if path not in failed:
                calendar.told_ns = header.timestamp_ns
        of_all = not header.perimeter and BEFORE_RESTORE not in header.tags
        if of_all and not any(path.count("/") == 1 for path in failed):
            self._whole_ns = header.timestamp_ns


def _key_of(snapshot: Snapshot, path: str) -> str:
    """The calendar's key at its source; its path, where other programs made the snapshot."""
    href = snapshot.extended_attribute(path, f"{ATTRIBUTE_PREFIX}href") or b""
    return href.decode("utf-8", "surrogateescape") or path


def _displayname(snapshot: Snapshot, path: str) -> str:
    name = snapshot.extended_attribute(path, f"{ATTRIBUTE_PREFIX}displayname") or b""
    return name.decode("utf-8", "replace") or path.rpartition("/")[2] or path
