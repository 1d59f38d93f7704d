"""Which packfiles are worth rewriting, and which snapshots get new ids for it.

Owns the choice (`docs/design/format.md`, "Repacking"). Changes nothing; how it is carried out is told in `repacking`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

import numpy as np

from caldav_backup.kloset.checking.findings import Progress, no_progress
from caldav_backup.kloset.errors import StorageFileMissing
from caldav_backup.kloset.header import UNSIGNED, Header
from caldav_backup.kloset.live_blobs import LiveBlobs
from caldav_backup.kloset.liveness import find_live_blobs, live_headers
from caldav_backup.kloset.maintenance.lost_states import require_all_states
from caldav_backup.kloset.maintenance.usage import Usage, find_usage
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.storage import Kind

MIN_LIVE = 0.5
"""Share of a packfile's bytes that must be needed for it to stay as it is."""
SMALL_SHARE = 0.25
"""Of the largest size of packfiles: those below it are put together, when there are enough of them."""
ENOUGH_SMALL = 8


class Reason(Enum):
    """Why a packfile is rewritten."""

    MOSTLY_DEAD = "mostly dead"
    SMALL = "small"


class Rewritten(NamedTuple):
    """One packfile to be rewritten; sizes in bytes as stored, `live_bytes` of the blobs that snapshots need."""

    identifier: bytes
    size: int
    live_bytes: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class RepackPlan:
    """What repacking would do. Sizes in bytes as stored."""

    packfiles: tuple[Rewritten, ...]
    """In the order in which they were written."""
    headers: tuple[Header, ...]
    """Snapshots that get new ids, in the order of their commits."""
    known: frozenset[bytes]
    """All snapshots that were there."""
    live: LiveBlobs = field(repr=False, compare=False)
    """Everything that they need."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is worth rewriting."""
        return not self.packfiles

    @property
    def bytes_before(self) -> int:
        """Of the packfiles to be rewritten; they take up room until a sweep behind the grace period."""
        return sum(each.size for each in self.packfiles)

    @property
    def bytes_moved(self) -> int:
        """What has to be copied and is needed in addition until then, values of attributes in other packfiles apart."""
        return sum(each.live_bytes for each in self.packfiles)

    @property
    def bytes_saved(self) -> int:
        """What will be gained in the end."""
        return self.bytes_before - self.bytes_moved

    @property
    def signed(self) -> tuple[bytes, ...]:
        """Snapshots among them whose signature is lost, for it covers the id."""
        return tuple(header.identifier for header in self.headers if header.identity != UNSIGNED)


def plan_repack(
    repository: Repository,
    live: LiveBlobs | None = None,
    usage: Usage | None = None,
    *,
    min_live: float = MIN_LIVE,
    small_share: float = SMALL_SHARE,
    enough_small: int = ENOUGH_SMALL,
    progress: Progress = no_progress,
) -> RepackPlan:
    """What is worth rewriting now: packfiles of which less than `min_live` is needed, and many small ones.

    `live` and `usage` are what all snapshots of the refreshed `repository` need, found here when not given. A packfile
    of which nothing is needed, or that is coloured, gone or damaged, is left to others. Damaged, UnsupportedStore as
    `find_live_blobs` has them, Damaged too when a state is missing; StorageError. Changes nothing.
    """
    if live is None:
        repository.refresh()
    require_all_states(repository)
    if live is None:
        live = find_live_blobs(repository, live_headers(repository), progress)
    repository.look_for_lost_packfiles()
    usage = find_usage(repository, live) if usage is None else usage
    sizes = _sizes(repository, [packfile for packfile, use in usage.uses.items() if use.live])
    mostly_dead = [
        packfile
        for packfile in sizes
        if (use := usage.uses[packfile]).live_bytes < min_live * (use.live_bytes + use.dead_bytes)
    ]
    limit = small_share * repository.configuration.packfile.max_size
    small = [packfile for packfile, size in sizes.items() if size < limit]
    reasons = dict.fromkeys(small if len(small) >= enough_small else (), Reason.SMALL)
    reasons |= dict.fromkeys(mostly_dead, Reason.MOSTLY_DEAD)
    named = repository.index.packfiles
    chosen = sorted(reasons, key=lambda packfile: (named[packfile].timestamp_ns, packfile))
    rewritten = [Rewritten(each, sizes[each], usage.uses[each].live_bytes, reasons[each]) for each in chosen]
    headers = live_headers(repository)
    return RepackPlan(
        tuple(rewritten),
        tuple(_affected(repository, headers, chosen, progress)),
        frozenset(header.identifier for header in headers),
        live,
    )


def _sizes(repository: Repository, packfiles: Collection[bytes]) -> Mapping[bytes, int]:
    """Bytes of the files of those that can be relied on."""
    sizes = {}
    for packfile in packfiles:
        if repository.index.is_usable(packfile):
            try:
                sizes[packfile] = repository.storage.size(Kind.PACKFILE, packfile)
            except StorageFileMissing:
                continue
    return sizes


def _affected(
    repository: Repository, headers: Sequence[Header], chosen: Collection[bytes], progress: Progress
) -> Sequence[Header]:
    """Snapshots that need anything in these packfiles: plakar remembers by the id where it found what.

    One that was committed before the first of them was written mostly needs nothing there. Whether that is so is looked
    up; if it is not, all snapshots count as affected.
    """
    if not chosen:
        return ()
    index = repository.index
    first_ns = min(index.packfiles[packfile].timestamp_ns for packfile in chosen)
    older = [header for header in headers if index.committed_ns(header.identifier) < first_ns]
    if not older or _lies_in(repository, find_live_blobs(repository, older, progress), chosen):
        return headers
    spared = {header.identifier for header in older}
    return [header for header in headers if header.identifier not in spared]


def _lies_in(repository: Repository, blobs: LiveBlobs, packfiles: Collection[bytes]) -> bool:
    """Whether one of `packfiles` has any of `blobs`, whatever other copies of it there are."""
    return any(
        bool(blobs.contains_array(kind, rows.macs[rows.types == kind]).any())
        for packfile, rows in repository.index.each_packfile()
        if packfile in packfiles
        for kind in np.unique(rows.types).tolist()
    )
