"""Packfiles that no state names: which of them are nobody's.

Owns the rules for them. They come from interrupted runs, and are needed when a state was lost: then a repair brings
back what they hold.
"""

from __future__ import annotations

from caldav_backup.kloset.checking.orphans import Orphan, describe, lost_snapshots, read_orphan
from caldav_backup.kloset.errors import StorageFileMissing
from caldav_backup.kloset.maintenance.plan import Held, Unneeded, Why
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.storage import Kind


class OrphanRules:
    """Judges packfiles of one store; those older than `cutoff_ns` (Unix nanoseconds) count as left behind."""

    def __init__(self, repository: Repository, cutoff_ns: int) -> None:
        self._repository = repository
        self._cutoff_ns = cutoff_ns
        heads = repository.index.heads
        # A state names the one before it, so what a lost state named is older than those that tell of it.
        self._lost_before_ns = max(
            (heads[state].timestamp_ns for state in repository.index.missing_parents), default=None
        )

    def may_be_missed(self, packfile: bytes) -> bool:
        """Whether a state is missing that may have named it."""
        if self._lost_before_ns is None:
            return False
        return isinstance(self.judge(packfile), Held)

    def judge(self, packfile: bytes) -> Unneeded | Held | None:
        """What to do with it; None when it is gone meanwhile."""
        storage = self._repository.storage
        try:
            size = storage.size(Kind.PACKFILE, packfile)
            written_ns = storage.modified_ns(Kind.PACKFILE, packfile)
            orphan = read_orphan(self._repository, packfile)
        except StorageFileMissing:
            return self._misplaced(packfile)
        # Either clock may be wrong, and whoever copies a store may give its files new times.
        made_ns = max(written_ns, orphan.contents.footer.timestamp_ns) if orphan.contents else written_ns
        if made_ns >= self._cutoff_ns:
            return Held(packfile, size, "it is too new: a run that was interrupted not long ago left it")
        if self._lost_before_ns is not None and _oldest_ns(orphan, written_ns) <= self._lost_before_ns:
            return Held(packfile, size, "a state is missing that may have named it; run `check`, then `repair`")
        if orphan.contents is None:
            return Unneeded(packfile, size, Why.UNREADABLE)
        snapshots = tuple(map(describe, lost_snapshots(self._repository, orphan.headers)))
        return Unneeded(packfile, size, Why.ORPHAN, snapshots)

    def _misplaced(self, packfile: bytes) -> Held | None:
        """A file that is listed and cannot be opened by its name lies in another directory than its name says."""
        if packfile in set(self._repository.storage.ids(Kind.PACKFILE)):
            return Held(packfile, 0, "it does not lie where its name belongs; put it there, or remove it by hand")
        return None


def _oldest_ns(orphan: Orphan, written_ns: int) -> int:
    return min(written_ns, orphan.contents.footer.timestamp_ns) if orphan.contents else written_ns
