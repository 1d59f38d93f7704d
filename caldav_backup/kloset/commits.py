"""When snapshots were committed, and in which order, whatever their headers say of times.

Owns what states tell of it beside the times of their own: that a snapshot was issued again under another id, that
states were merged into one (`docs/design/format.md`, "States"). Which snapshots are there is told in `index`.
"""

from __future__ import annotations

from collections.abc import Mapping

from caldav_backup.kloset.state import CommittedEntry, MergedEntry, ReissuedEntry, Run


class Commits:
    """What was told so far, by states in the order of applying."""

    def __init__(self) -> None:
        self._committed: dict[bytes, int] = {}
        # A snapshot's turn in the order of commits; one that was issued again has the turn of the older id.
        self._turns: dict[bytes, int] = {}
        self._next_turn = 0
        self._reissued: dict[bytes, bytes] = {}
        # Needed only when a parent is missing, and there may be thousands.
        self._merged: dict[bytes, int] = {}
        self._unread: list[Run] = []

    @property
    def merged(self) -> Mapping[bytes, int]:
        """States whose entries stand in another one now, and when they were written (Unix nanoseconds)."""
        for run in self._unread:
            for entry in run.read():
                assert isinstance(entry, MergedEntry)
                self._merged[entry.state] = entry.timestamp_ns
        self._unread = []
        return self._merged

    def merge(self, run: Run) -> None:
        """Take up which states another one stands for."""
        self._unread.append(run)

    @property
    def reissued(self) -> Mapping[bytes, bytes]:
        """By a snapshot's id the one that it was given next."""
        return self._reissued

    def tell(self, snapshot: bytes, told_ns: int) -> None:
        """A state of this time has the snapshot's header."""
        self._committed[snapshot] = min(self._committed.get(snapshot, told_ns), told_ns)
        if snapshot not in self._turns:
            self._take_turn(snapshot)

    def apply(self, entry: ReissuedEntry | CommittedEntry) -> None:
        """Take up what a state tells of snapshots that others told of."""
        if isinstance(entry, ReissuedEntry):
            self._reissued[entry.old] = entry.new
            self.tell(entry.new, entry.committed_ns)
            if entry.old in self._turns:
                self._turns[entry.new] = self._turns[entry.old]
        else:
            self.tell(entry.snapshot, entry.timestamp_ns)
            # All that were there when states were merged follow each other, whatever was known of some before.
            self._take_turn(entry.snapshot)

    def _take_turn(self, snapshot: bytes) -> None:
        self._turns[snapshot] = self._next_turn
        self._next_turn += 1

    def committed_ns(self, snapshot: bytes) -> int:
        """When the first state that tells of a snapshot was written; of one issued again, of its oldest id."""
        return self._committed[snapshot]

    def turn(self, snapshot: bytes) -> int:
        """Ascends with the order of commits."""
        return self._turns[snapshot]

    def newest_id(self, snapshot: bytes) -> bytes | None:
        """The id that a snapshot has now, if it was issued again."""
        passed = {snapshot}
        newest = None
        while (later := self._reissued.get(snapshot)) is not None and later not in passed:
            passed.add(later)
            newest = snapshot = later
        return newest
