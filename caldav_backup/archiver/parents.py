"""What earlier runs of the same source left: the snapshots that a calendar's new state is compared with.

A run that read only some calendars must not make the next one read the others again, so each calendar looks for the
newest snapshot of the same identity (the job, else the origin) that holds it. A run that was stopped left part of its
work in an incomplete snapshot: that is a parent besides, before the complete one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from caldav_backup.archiver.last_listing import ATTRIBUTE as LISTED
from caldav_backup.archiver.last_listing import LastListing
from caldav_backup.connectors import incremental, naming
from caldav_backup.connectors.base import ATTRIBUTE_PREFIX, PRINCIPAL
from caldav_backup.connectors.incremental import KnownResource
from caldav_backup.kloset import Damaged, Header, Repository, Snapshot
from caldav_backup.kloset.lost_files import find_lost_files
from caldav_backup.marks import IMPORTER_TYPE, INCOMPLETE, SUSPICIOUS, failed_paths_in, is_good

#: How many snapshots back a calendar is looked for; a calendar that was last seen before is read anew.
DEPTH = 100
#: Incomplete snapshots that one calendar takes records from: as many runs in a row may be stopped.
MOST_INCOMPLETE = 4

_WEEK = 7 * 86_400
_HREF = ATTRIBUTE_PREFIX + "href"
_RESOURCES = ATTRIBUTE_PREFIX + incremental.ATTRIBUTE


class ParentSnapshot:
    """One snapshot of the source; what is read of its calendars is read for all of them together, and once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._lost: dict[str, frozenset[str]] = {}

    @cached_property
    def calendars(self) -> Mapping[str, ParentCalendar]:
        """By key."""
        hrefs = self.snapshot.attributes_by_path(only={_HREF})
        held = (entry.path for entry in self.snapshot.list_directory("/") if entry.is_directory and entry.path in hrefs)
        return {hrefs[path][_HREF].decode("utf-8", "surrogateescape"): ParentCalendar(self, path) for path in held}

    @cached_property
    def attributes(self) -> Mapping[str, Mapping[str, bytes]]:
        """All attributes by path and name without prefix, but for the incremental states, which are large."""
        found = self.snapshot.attributes_by_path(but={_RESOURCES})
        return {
            path: {name.removeprefix(ATTRIBUTE_PREFIX): value for name, value in named.items()}
            for path, named in found.items()
        }

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """How many records each directory holds."""
        return {path: summary.directory.files for path, summary in self.snapshot.summaries().items()}

    @cached_property
    def failures(self) -> Mapping[str, Mapping[str, str]]:
        """What could not be read: messages by directory and name."""
        found: dict[str, dict[str, str]] = {}
        for path, message in self.snapshot.errors():
            directory, _, name = path.rpartition("/")
            found.setdefault(directory, {})[name] = message
        return found

    def lost(self, path: str) -> frozenset[str]:
        """Names in a directory whose contents the store has lost; Damaged when more is lost than that."""
        if path not in self._lost:
            self._lost[path] = find_lost_files(self.snapshot, path)
        return self._lost[path]


@dataclass(frozen=True, slots=True)
class ParentCalendar:
    """A calendar as a snapshot holds it: the directory at `path`."""

    within: ParentSnapshot
    path: str

    @property
    def snapshot(self) -> Snapshot:
        return self.within.snapshot

    @property
    def name(self) -> str:
        """The directory's name, which the calendar keeps."""
        return self.path[1:]

    @property
    def attributes(self) -> Mapping[str, bytes]:
        """The calendar's attributes, names without prefix, but for the incremental state."""
        return self.within.attributes.get(self.path, {})

    @property
    def state(self) -> bytes:
        """The incremental state as it was stored; b"" when there is none."""
        return self.snapshot.extended_attribute(self.path, _RESOURCES) or b""

    @property
    def last_listing(self) -> LastListing | None:
        """When the calendar was listed in full; None when that is not known, or not all of it was dealt with."""
        return LastListing.from_bytes(self.attributes.get(LISTED, b""))

    @property
    def count(self) -> int:
        """How many records it holds."""
        return self.within.counts.get(self.path, 0)

    @property
    def mtime_ns(self) -> int:
        """The directory's time: that of its newest record."""
        return self.snapshot.entry(self.path).mtime_ns

    @property
    def failures(self) -> Mapping[str, str]:
        """Names of records that could not be read at that time, and why."""
        return self.within.failures.get(self.path, {})

    @property
    def lost(self) -> frozenset[str]:
        """Names of records that the store has lost since; Damaged when the calendar itself cannot be taken over."""
        found = self.within.lost(self.path)
        if found or self.snapshot.repository.index.has_lost_packfiles:
            _ = self.state
        return found

    def known(self) -> Iterator[tuple[str, KnownResource]]:
        """(name, what was known of it) in ascending byte order of names; unknown where the state does not reach.

        Of what the store has lost no version is known, so that it is fetched again.
        """
        states, lost = incremental.decode(self.state), self.lost
        for name in self.snapshot.list_names(self.path):
            known = next(states, incremental.UNKNOWN)
            yield name, known._replace(digest=None) if name in lost else known


@dataclass(frozen=True, slots=True)
class Parents:
    """The newest complete snapshot of a source, and the newest states of each calendar by its key, newest first."""

    newest: Snapshot | None = None
    calendars: Mapping[str, Sequence[ParentCalendar]] = field(default_factory=dict)

    def of(self, key: str) -> Sequence[ParentCalendar]:
        """The states of one calendar; empty for one that was never seen."""
        return self.calendars.get(key, ())

    def is_whole(self, names: Sequence[str]) -> bool:
        """True when the newest snapshot holds exactly the calendars `names`, and each parent is taken from it."""
        if self.newest is None:
            return False
        held = {entry.name for entry in self.newest.list_directory("/")}
        newest = all(parent.snapshot is self.newest for held in self.calendars.values() for parent in held)
        return held == set(names) and newest


class History:
    """The snapshots of one source, the last committed first, whatever clocks said meanwhile.

    What is read of one is read once, and no more of them than needed.
    """

    def __init__(self, repository: Repository, job: str, origin: str) -> None:
        self._repository = repository
        self._origin = origin
        # What lies in packfiles that are gone must not be taken over.
        repository.look_for_lost_packfiles()
        every = repository.snapshots_latest_first()
        self._further = (header for header in every if is_same_identity(header, job, origin))
        #: Those that were looked at so far.
        self.seen: list[Header] = []
        self._held: dict[bytes, ParentSnapshot] = {}

    def calendars(self, header: Header) -> Mapping[str, ParentCalendar]:
        """The calendars that a snapshot holds, by key."""
        if header.identifier not in self._held:
            self._held[header.identifier] = ParentSnapshot(self._repository.snapshot(header.identifier))
        return self._held[header.identifier].calendars

    def headers(self) -> Iterator[Header]:
        """All of them."""
        yield from list(self.seen)
        for header in self._further:
            self.seen.append(header)
            yield header

    def principal(self, now: float) -> str:
        """Where the calendars of the same address were found the last time; "" when that is not known.

        The first run of a week looks for them anew, since a provider may move an account and keep the old place alive.
        """
        header = next(self.headers(), None)
        if header is None or header.importer.origin != self._origin:
            return ""
        if now // _WEEK != header.timestamp_ns / 1e9 // _WEEK:
            return ""
        try:
            held = self.calendars(header).values()
            found = next((each.attributes[PRINCIPAL] for each in held if PRINCIPAL in each.attributes), b"")
        except Damaged:
            return ""
        return found.decode("utf-8", "surrogateescape")

    def newest_good(self, perimeter: str) -> Mapping[str, ParentCalendar]:
        """The calendars of the newest good snapshot of a selection, by key; none when there is no such snapshot."""
        failed_paths = failed_paths_in(self._repository)
        for header in self.headers():
            try:
                if header.perimeter == perimeter and is_good(header, failed_paths):
                    calendars = self.calendars(header)
                    # What is asked of them later must be readable, or they are no measure.
                    _ = [calendar.count for calendar in calendars.values()]
                    return calendars
            except Damaged:
                continue
        return {}

    def parents(self, keys: Iterable[str]) -> Parents:
        """Look back until every collection key was found in a complete snapshot, `DEPTH` snapshots at most.

        A calendar that was away may find its name given to another one meanwhile: that one keeps it, and what was
        stored under it before is no parent, since files are kept by their path. A damaged snapshot is no parent either:
        it would only save work, and must not end this run and all that follow. Nor is one that looks as if something
        had been lost: when that comes back, it shall not have to be fetched again.
        """
        search = _Search(set(keys))
        for depth, header in enumerate(self.headers()):
            if search.newest is not None and (not search.missing or depth == DEPTH):
                break
            if SUSPICIOUS in header.tags:
                continue
            try:
                held = self.calendars(header)
            except Damaged:
                continue
            search.take(self._repository, header, held)
        return search.parents()


class _Search:
    """What was found so far of the calendars that are looked for."""

    def __init__(self, keys: set[str]) -> None:
        self.missing = keys
        self.newest: Snapshot | None = None
        self._found: dict[str, list[ParentCalendar]] = {}
        self._names: dict[str, str] = {}

    def take(self, repository: Repository, header: Header, held: Mapping[str, ParentCalendar]) -> None:
        is_complete = INCOMPLETE not in header.tags
        for key, calendar in held.items():
            if key in self.missing and self._is_free(key, calendar.name):
                states = self._found.setdefault(key, [])
                if is_complete or len(states) < MOST_INCOMPLETE:
                    states.append(calendar)
                if is_complete:
                    self.missing.discard(key)
        if is_complete and self.newest is None:
            snapshots = [calendar.snapshot for calendar in held.values()]
            self.newest = snapshots[0] if snapshots else repository.snapshot(header.identifier)

    def _is_free(self, key: str, name: str) -> bool:
        """A calendar has one name in all its states, and a name belongs to one calendar."""
        folded = naming.fold(name)
        if key in self._found:
            return self._found[key][0].name == name
        return self._names.setdefault(folded, key) == key

    def parents(self) -> Parents:
        return Parents(self.newest, {key: tuple(states) for key, states in self._found.items()})


def is_same_identity(header: Header, job: str, origin: str) -> bool:
    """True when `header` is an earlier run of the same source."""
    if header.importer.type != IMPORTER_TYPE:
        return False
    return header.job == job if job else (not header.job and header.importer.origin == origin)
