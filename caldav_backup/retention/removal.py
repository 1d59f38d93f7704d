"""Removing snapshots that somebody names or describes: a plan, and its deed.

Owns that neither a pinned snapshot nor the last good one of its source is removed, whoever asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from caldav_backup.marks import PINNED
from caldav_backup.retention.errors import SnapshotProtected
from caldav_backup.retention.goodness import standings_in
from caldav_backup.retention.plan import Verdict
from caldav_backup.retention.reasons import LAST_GOOD

if TYPE_CHECKING:
    from caldav_backup.kloset.header import Header
    from caldav_backup.kloset.repository import Repository


@dataclass(frozen=True, slots=True)
class RemovalPlan:
    """What `apply` would remove, and what is `protected` from it.

    Of snapshots that were named one by one a single protected one refuses all; of those that a description fits, the
    protected ones are spared.
    """

    repository: Repository
    now_ns: int
    removed: tuple[Header, ...]
    protected: tuple[Verdict, ...]
    were_named: bool

    def apply(self) -> Sequence[Header]:
        """Remove in one commit what is still there and still unprotected; returns what was removed.

        SnapshotProtected, and nothing is done, where a named one has become protected meanwhile.
        """
        self.repository.refresh()
        there = {header.identifier for header in self.repository.snapshots()}
        left = [header for header in self.removed if header.identifier in there]
        again = _plan(self.repository, left, self.now_ns, were_named=self.were_named)
        self.repository.remove_snapshots(header.identifier for header in again.removed)
        return again.removed


def plan_removal(repository: Repository, named: Sequence[Header], now_ns: int) -> RemovalPlan:
    """To remove exactly these. SnapshotProtected, naming them, when some of them have to stay; Damaged."""
    return _plan(repository, named, now_ns, were_named=True)


def plan_removal_among(repository: Repository, described: Sequence[Header], now_ns: int) -> RemovalPlan:
    """To remove those of these that may be removed. Damaged."""
    return _plan(repository, described, now_ns, were_named=False)


def _plan(repository: Repository, chosen: Sequence[Header], now_ns: int, *, were_named: bool) -> RemovalPlan:
    standing = standings_in(repository, now_ns)
    removed, protected = [], []
    for header in dict.fromkeys(chosen):
        # An incomplete one has no standing: the next run removes it anyway.
        every = standing[header.identifier].reasons if header.identifier in standing else ()
        reasons = tuple(reason for reason in every if reason.rule in {PINNED, LAST_GOOD})
        if reasons:
            protected.append(Verdict(header, reasons))
        else:
            removed.append(header)
    if protected and were_named:
        raise SnapshotProtected(f"{'; '.join(map(told, protected))}; nothing was removed")
    return RemovalPlan(repository, now_ns, tuple(removed), tuple(protected), were_named)


def told(verdict: Verdict) -> str:
    """`1a2b3c4d stays, for it is pinned`."""
    words = {PINNED: "is pinned", LAST_GOOD: "is the last good one of its source"}
    return f"{verdict.header.identifier.hex()[:8]} {' and '.join(words[each.rule] for each in verdict.reasons)}"
