"""The snapshot that a calendar's new state is compared with, found per calendar.

A run that read only some calendars must not make the next one read the others again, so each calendar looks for the
newest snapshot of the same identity (the job, else the origin) that holds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from caldav_backup.archiver.outcome import IMPORTER_TYPE
from caldav_backup.connectors import incremental, naming
from caldav_backup.connectors.base import ATTRIBUTE_PREFIX
from caldav_backup.connectors.incremental import KnownResource
from caldav_backup.kloset import Damaged, Header, Repository, Snapshot

#: How many snapshots back a calendar is looked for; a calendar that was last seen before is read anew.
DEPTH = 100

_HREF = ATTRIBUTE_PREFIX + "href"
_RESOURCES = ATTRIBUTE_PREFIX + incremental.ATTRIBUTE


@dataclass(frozen=True, slots=True)
class ParentCalendar:
    """A calendar as a snapshot holds it: the directory at `path`."""

    snapshot: Snapshot
    path: str

    @property
    def name(self) -> str:
        """The directory's name, which the calendar keeps."""
        return self.path[1:]

    def attributes(self) -> dict[str, bytes]:
        """The calendar's attributes, names without prefix, the incremental state included."""
        found = self.snapshot.extended_attributes(self.path)
        return {name.removeprefix(ATTRIBUTE_PREFIX): value for name, value in found.items()}

    def has_failures(self) -> bool:
        """True when something of the calendar could not be read at that time."""
        return any(path.startswith(f"{self.path}/") for path, _ in self.snapshot.errors())

    def known(self) -> Iterator[tuple[str, KnownResource]]:
        """(name, what was known of it) in ascending byte order of names; unknown where the state does not reach."""
        states = incremental.decode(self.snapshot.extended_attribute(self.path, _RESOURCES) or b"")
        for name in self.snapshot.list_names(self.path):
            yield name, next(states, incremental.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Parents:
    """What earlier runs of one source left: the newest snapshot, and the newest state of each calendar by its key."""

    newest: Snapshot | None = None
    calendars: Mapping[str, ParentCalendar] = field(default_factory=dict)

    def without(self, key: str) -> Parents:
        """The same as if no run had seen the calendar `key`."""
        return replace(self, calendars={each: parent for each, parent in self.calendars.items() if each != key})

    def is_whole(self, names: Sequence[str]) -> bool:
        """True when the newest snapshot holds exactly the calendars `names`, and each parent is taken from it."""
        if self.newest is None:
            return False
        held = {entry.name for entry in self.newest.list_directory("/")}
        return held == set(names) and all(parent.snapshot is self.newest for parent in self.calendars.values())


def find_parents(repository: Repository, job: str, origin: str, keys: Sequence[str]) -> Parents:
    """Look back until every collection key was found in a snapshot of this identity, `DEPTH` snapshots at most.

    A calendar that was away may find its name given to another one meanwhile: that one keeps it, and what was stored
    under it before is no parent, since files are kept by their path. A damaged snapshot is no parent either: it would
    only save work, and must not end this run and all that follow.
    """
    missing = set(keys)
    taken: set[str] = set()
    newest: Snapshot | None = None
    calendars: dict[str, ParentCalendar] = {}
    for depth, snapshot in enumerate(_same_identity(repository, job, origin)):
        if newest is not None and (not missing or depth == DEPTH):
            break
        try:
            held = list(_calendars(snapshot))
        except Damaged:
            continue
        newest = newest or snapshot
        for calendar, key in held:
            if key in missing and naming.fold(calendar.name) not in taken:
                missing.discard(key)
                taken.add(naming.fold(calendar.name))
                calendars[key] = calendar
    return Parents(newest, calendars)


def is_same_identity(header: Header, job: str, origin: str) -> bool:
    """True when `header` is an earlier run of the same source."""
    if header.importer.type != IMPORTER_TYPE:
        return False
    return header.job == job if job else (not header.job and header.importer.origin == origin)


def _same_identity(repository: Repository, job: str, origin: str) -> Iterator[Snapshot]:
    for header in reversed(repository.snapshots()):
        if is_same_identity(header, job, origin):
            yield repository.snapshot(header.identifier)


def _calendars(snapshot: Snapshot) -> Iterator[tuple[ParentCalendar, str]]:
    for entry in snapshot.list_directory("/"):
        if entry.is_directory and (href := snapshot.extended_attribute(entry.path, _HREF)) is not None:
            yield ParentCalendar(snapshot, entry.path), href.decode("utf-8", "surrogateescape")
