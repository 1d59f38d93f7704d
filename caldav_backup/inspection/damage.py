"""What damage means for calendars and events, and where good copies of them are.

Owns the way from a check's findings, which tell of contents, entries and listings in snapshots, to events by name; and
the search for the newest snapshot in which such an event can be read. Prints nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from caldav_backup.inspection.good_copies import GoodCopy, find_good_copies
from caldav_backup.kloset import paths
from caldav_backup.kloset.check import Severity
from caldav_backup.kloset.errors import Damaged, SnapshotNotFound
from caldav_backup.marks import source_of

if TYPE_CHECKING:
    from caldav_backup.kloset.check import Finding
    from caldav_backup.kloset.header import Header
    from caldav_backup.kloset.repository import Repository

#: What findings tell of one event each, when they have a path.
_OF_EVENTS = frozenset({"content", "entry"})


class DamagedEvent(NamedTuple):
    """An event that cannot be read in `snapshots` of them; `good` is its newest copy that can, None for none."""

    path: str
    snapshots: int
    good: GoodCopy | None


@dataclass(frozen=True, slots=True)
class DamagedCalendar:
    """A directory with damage in it. `source` is "" where no header tells it, `snapshots` are ids, the newest first.

    `events` by path; `more` counts those that were too many to be told one by one. `is_unlisted` when the listing
    itself is damaged, so that events may be missing that nobody can name.
    """

    source: str
    path: str
    snapshots: tuple[bytes, ...]
    events: tuple[DamagedEvent, ...]
    more: int = 0
    is_unlisted: bool = False


@dataclass(frozen=True, slots=True)
class DamageReport:
    """Everything that is damaged, as people know it. `snapshots` are ids of those that cannot be read at all."""

    calendars: tuple[DamagedCalendar, ...] = ()
    snapshots: tuple[bytes, ...] = ()


@dataclass(slots=True)
class _Place:
    """Damage of one directory as it was first found in one snapshot, and all snapshots that have it so."""

    snapshots: set[bytes]
    events: set[str] = field(default_factory=set)
    more: int = 0
    is_unlisted: bool = False


class DamageTally:
    """Gathers findings; memory grows with the number of different events, not with that of snapshots."""

    def __init__(self) -> None:
        self._places: dict[tuple[str, str], _Place] = {}
        self._unreadable: set[bytes] = set()

    def add(self, finding: Finding) -> None:
        """One finding of a check; those that tell of no snapshot are for others."""
        if finding.severity is not Severity.DAMAGE:
            return
        if finding.like:
            self._repeat(finding)
        elif finding.path:
            self._add_path(finding)
        elif finding.what == "snapshot":
            self._unreadable.add(bytes.fromhex(finding.where))

    def _repeat(self, finding: Finding) -> None:
        """The same damage as in an earlier snapshot: of one directory, or of all."""
        for (where, directory), place in self._places.items():
            if where == finding.like and finding.path in ("", directory):
                place.snapshots.add(bytes.fromhex(finding.where))
        if not finding.path and bytes.fromhex(finding.like) in self._unreadable:
            self._unreadable.add(bytes.fromhex(finding.where))

    def _add_path(self, finding: Finding) -> None:
        is_event = finding.what in _OF_EVENTS and not finding.more and not _is_calendar(finding)
        directory = paths.split(finding.path)[0] if is_event else finding.path
        place = self._places.setdefault((finding.where, directory), _Place({bytes.fromhex(finding.where)}))
        if is_event:
            place.events.add(finding.path)
        elif finding.what == "listing":
            place.is_unlisted = True
        place.more += finding.more

    def report(self, repository: Repository) -> DamageReport:
        """What was gathered, with good copies where there are some. StorageError."""
        headers = _headers(repository)
        calendars = [
            _calendar(repository, headers, source, path, places)
            for (source, path), places in sorted(self._by_calendar(headers).items())
        ]
        return DamageReport(tuple(calendars), tuple(sorted(self._unreadable)))

    def _by_calendar(self, headers: Mapping[bytes, Header]) -> Mapping[tuple[str, str], list[_Place]]:
        found: defaultdict[tuple[str, str], list[_Place]] = defaultdict(list)
        for (where, directory), place in self._places.items():
            header = headers.get(bytes.fromhex(where))
            found["" if header is None else source_of(header), directory].append(place)
        return found


def _is_calendar(finding: Finding) -> bool:
    """True for the entry of a calendar, which lies in the root; what other programs keep there may be an event."""
    return finding.what == "entry" and paths.split(finding.path)[0] == "/" and not finding.path.endswith(".ics")


def _headers(repository: Repository) -> dict[bytes, Header]:
    """All that can be read, the newest first."""
    return {header.identifier: header for header in _readable(repository)}


def _readable(repository: Repository) -> Iterator[Header]:
    found = []
    for identifier in repository.index.snapshot_ids():
        try:
            found.append(repository.header(identifier))
        except (Damaged, SnapshotNotFound):
            # The check told of it.
            continue
    yield from sorted(found, key=lambda header: (header.timestamp_ns, header.identifier), reverse=True)


def _calendar(
    repository: Repository, headers: Mapping[bytes, Header], source: str, path: str, places: list[_Place]
) -> DamagedCalendar:
    damaged: defaultdict[str, set[bytes]] = defaultdict(set)
    for place in places:
        for event in place.events:
            damaged[event] |= place.snapshots
    candidates = [header for header in headers.values() if source_of(header) == source]
    good = find_good_copies(repository, candidates, path, damaged)
    snapshots = {snapshot for place in places for snapshot in place.snapshots}
    return DamagedCalendar(
        source,
        path,
        tuple(identifier for identifier in headers if identifier in snapshots),
        tuple(DamagedEvent(event, len(damaged[event]), good.get(event)) for event in sorted(damaged)),
        sum(place.more for place in places),
        any(place.is_unlisted for place in places),
    )
