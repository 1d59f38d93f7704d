"""Marking snapshots as wanted for good, and taking that back: a plan, and its deed.

Owns which snapshots can be pinned. A header cannot be changed in place, so a marked snapshot is issued again: the same
tree and the same time under another id, which is told in `kloset.reissue`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from caldav_backup.marks import INCOMPLETE, PINNED
from caldav_backup.retention.errors import NotToBePinned

if TYPE_CHECKING:
    from caldav_backup.kloset.header import Header
    from caldav_backup.kloset.repository import Repository


@dataclass(frozen=True, slots=True)
class PinPlan:
    """What `apply` would mark, or unmark; `unchanged` are so already."""

    repository: Repository
    pins: bool
    changed: tuple[Header, ...]
    unchanged: tuple[Header, ...]

    def apply(self, *, lock_wait: float = 0.0, tell: Callable[[str], None] | None = None) -> Mapping[bytes, bytes]:
        """Issue the changed ones again, in one commit; new ids by old ones.

        SnapshotNotFound when one of them was removed meanwhile, and Locked when a maintenance lasts longer than
        `lock_wait` seconds; nothing is done then. `tell` hears for whom one waits.
        """
        from caldav_backup.kloset.locks import silent
        from caldav_backup.kloset.reissue import Reissue, reissue

        changes = [Reissue(header, self._tags(header)) for header in self.changed]
        return reissue(self.repository, changes, lock_wait=lock_wait, tell=tell or silent)

    @property
    def signed(self) -> list[Header]:
        """Those whose signature is lost with the id that it covers."""
        from caldav_backup.kloset.header import UNSIGNED

        return [header for header in self.changed if header.identity != UNSIGNED]

    def _tags(self, header: Header) -> tuple[str, ...]:
        others = tuple(tag for tag in header.tags if tag != PINNED)
        return (*others, PINNED) if self.pins else others


def plan_pins(repository: Repository, chosen: Sequence[Header]) -> PinPlan:
    """To pin these. NotToBePinned for an incomplete one, which the next run of its source removes whatever its tags."""
    for header in chosen:
        if INCOMPLETE in header.tags:
            raise NotToBePinned(
                f"{header.identifier.hex()[:8]} is what a run had read when it was stopped; the next run takes it over "
                "and removes it, so it cannot be pinned"
            )
    return _plan(repository, chosen, pins=True)


def plan_unpins(repository: Repository, chosen: Sequence[Header]) -> PinPlan:
    """To take back that these are pinned."""
    return _plan(repository, chosen, pins=False)


def _plan(repository: Repository, chosen: Sequence[Header], *, pins: bool) -> PinPlan:
    named = list(dict.fromkeys(chosen))
    changed = tuple(header for header in named if (PINNED in header.tags) is not pins)
    return PinPlan(repository, pins, changed, tuple(header for header in named if header not in changed))
