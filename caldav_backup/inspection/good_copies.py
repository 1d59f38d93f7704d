"""Where an event that is damaged in some snapshots can still be read.

Owns the search: the newest snapshot that has the event at the same path and whose bytes are what was stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, NamedTuple

from caldav_backup.kloset.errors import Damaged, PathNotFound

if TYPE_CHECKING:
    from caldav_backup.kloset.entries import Entry
    from caldav_backup.kloset.header import Header
    from caldav_backup.kloset.repository import Repository
    from caldav_backup.kloset.snapshot import Snapshot

# Events that are looked up one by one; for more of them the whole listing of the calendar is read.
_SINGLE = 64
# Look-ups and entries of listings that the search may cost: more would take minutes, and older copies are worth less.
_BUDGET = 2_000_000


class GoodCopy(NamedTuple):
    """A copy that was read; `summary` and `uid` as it tells them."""

    snapshot: bytes
    summary: str | None
    uid: str | None


def find_good_copies(
    repository: Repository, headers: Sequence[Header], directory: str, damaged: Mapping[str, AbstractSet[bytes]]
) -> dict[str, GoodCopy]:
    """The newest good copy of each event that has one; `headers` of one source, the newest first.

    `damaged` are paths in `directory`, each with the snapshots in which it is known to be damaged. StorageError.
    """
    search = _Search(repository, directory)
    missing = set(damaged)
    for header in headers:
        if not missing or search.is_exhausted:
            break
        wanted = sorted(path for path in missing if header.identifier not in damaged[path])
        missing -= search.look(header, wanted)
    return search.found


class _Search:
    def __init__(self, repository: Repository, directory: str) -> None:
        self._repository = repository
        self._directory = directory
        self._left = _BUDGET
        # Contents that could not be read, so that the same one is not tried in every snapshot.
        self._bad: set[bytes] = set()
        self.found: dict[str, GoodCopy] = {}

    @property
    def is_exhausted(self) -> bool:
        """Whether enough was looked at."""
        return self._left <= 0

    def look(self, header: Header, wanted: Sequence[str]) -> set[str]:
        """Those of `wanted` of which this snapshot has a good copy."""
        if not wanted:
            return set()
        done = set()
        snapshot = self._repository.snapshot(header.identifier)
        for entry in self._entries(snapshot, wanted):
            if not entry.is_file or entry.object in self._bad:
                continue
            try:
                content = snapshot.read(entry)
            except (Damaged, PathNotFound):
                self._bad.add(entry.object)
                continue
            self.found[entry.path] = _describe(header, content)
            done.add(entry.path)
        return done

    def _entries(self, snapshot: Snapshot, wanted: Sequence[str]) -> Iterator[Entry]:
        try:
            if len(wanted) <= _SINGLE:
                yield from self._single(snapshot, wanted)
                return
            names = frozenset(wanted)
            for entry in snapshot.list_directory(self._directory):
                self._left -= 1
                if entry.path in names:
                    yield entry
        except (Damaged, PathNotFound):
            # This snapshot is no help, or none any more.
            return

    def _single(self, snapshot: Snapshot, wanted: Sequence[str]) -> Iterator[Entry]:
        for path in wanted:
            self._left -= 100
            try:
                entry = snapshot.find_entry(path)
            except Damaged:
                continue
            if entry is not None:
                yield entry


def _describe(header: Header, content: bytes) -> GoodCopy:
    from caldav_backup import ics

    seen = ics.glance(content)
    return GoodCopy(header.identifier, seen.summary, seen.uid)
