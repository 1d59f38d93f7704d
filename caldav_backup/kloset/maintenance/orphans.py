"""Packfiles that no state names: which of them are nobody's.

Owns the rules for them (`docs/design/format.md`, "Removing"). They come from interrupted runs, and are needed when a
state was lost: then a repair brings back what they hold, and nothing of it may go before.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from caldav_backup.kloset.checking.orphans import Orphan, describe, lost_snapshots, read_orphan
from caldav_backup.kloset.errors import StorageFileMissing
from caldav_backup.kloset.maintenance.plan import Held, Unneeded, Why
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.storage import Kind

TOO_NEW = "it is too new: a run that was interrupted not long ago left it"
MISPLACED = "it does not lie where its name belongs; put it there, or remove it by hand"
STATE_MISSING = "a state is missing that may have named it; run `check`, then `repair`"
SNAPSHOT_LOST = "it may belong to a snapshot that no state names; run `repair`"


class _Found(NamedTuple):
    """An orphan, and the times of its file and its footer: which of them is right is not known."""

    orphan: Orphan
    size: int
    written_ns: int
    snapshots: tuple[str, ...]

    @property
    def newest_ns(self) -> int:
        contents = self.orphan.contents
        return self.written_ns if contents is None else max(self.written_ns, contents.footer.timestamp_ns)

    @property
    def oldest_ns(self) -> int:
        contents = self.orphan.contents
        return self.written_ns if contents is None else min(self.written_ns, contents.footer.timestamp_ns)


class Orphans:
    """All orphans of one store; those older than `cutoff_ns` (Unix nanoseconds) count as left behind."""

    def __init__(self, repository: Repository, packfiles: Iterable[bytes], cutoff_ns: int) -> None:
        self._repository = repository
        self._cutoff_ns = cutoff_ns
        self._found = {packfile: self._find(packfile) for packfile in sorted(packfiles)}
        heads = repository.index.heads
        # A state names the one before it, so what a lost state named is older than those that tell of it.
        self._state_lost_ns = max((heads[state].timestamp_ns for state in repository.index.missing_parents), default=-1)
        # A snapshot's header is stored behind everything else of it.
        found = [each for each in self._found.values() if each is not None and each.snapshots]
        self._snapshot_lost_ns = max((each.newest_ns for each in found), default=-1)

    def _find(self, packfile: bytes) -> _Found | None:
        """None for what is listed and cannot be opened by its name: it lies in another directory than that says."""
        storage = self._repository.storage
        try:
            size = storage.size(Kind.PACKFILE, packfile)
            written_ns = storage.modified_ns(Kind.PACKFILE, packfile)
            orphan = read_orphan(self._repository, packfile)
        except StorageFileMissing:
            return None
        return _Found(orphan, size, written_ns, tuple(map(describe, lost_snapshots(self._repository, orphan.headers))))

    def may_be_missed(self, packfile: bytes) -> bool:
        """Whether a repair may need it."""
        found = self._found.get(packfile)
        return found is not None and self._missed(found) is not None

    def _missed(self, found: _Found) -> str | None:
        """Why a repair may need it."""
        if found.oldest_ns <= self._state_lost_ns:
            return STATE_MISSING
        return SNAPSHOT_LOST if found.oldest_ns <= self._snapshot_lost_ns else None

    def judge(self, packfile: bytes) -> Unneeded | Held:
        """What to do with it."""
        found = self._found[packfile]
        if found is None:
            return Held(packfile, 0, MISPLACED)
        if (missed := self._missed(found)) is not None:
            return Held(packfile, found.size, missed, found.snapshots)
        if found.newest_ns >= self._cutoff_ns:
            return Held(packfile, found.size, TOO_NEW)
        return Unneeded(packfile, found.size, Why.UNREADABLE if found.orphan.contents is None else Why.ORPHAN)
