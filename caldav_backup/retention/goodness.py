"""Which snapshots are good, asked of a store as seldom as possible.

Owns that a snapshot is never called bad because its error index is damaged, and that an index which many snapshots
share is read once. The rule itself is `marks.is_good`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from caldav_backup.kloset.errors import Damaged
from caldav_backup.marks import INCOMPLETE, PARTIAL, failed_paths_in, is_good
from caldav_backup.retention.standing import Standing, standings

if TYPE_CHECKING:
    from caldav_backup.kloset.header import Header
    from caldav_backup.kloset.repository import Repository


def standings_in(repository: Repository, now_ns: int) -> Mapping[bytes, Standing]:
    """Of all snapshots of a store by identifier, but for what stopped runs have left. Damaged."""
    complete = [header for header in repository.snapshots_latest_first() if INCOMPLETE not in header.tags]
    return standings(complete, Goodness(repository), now_ns)


class Goodness:
    """`is_good` of the snapshots of one store; None where that cannot be read."""

    def __init__(self, repository: Repository) -> None:
        self._failed_paths = failed_paths_in(repository)
        #: By the error index, which is the same for all nights in which the same records fail.
        self._partial: dict[bytes, bool | None] = {}

    def __call__(self, header: Header) -> bool | None:
        if PARTIAL not in header.tags:
            return is_good(header, self._failed_paths)
        # The tags are another question, so they are no part of what is remembered.
        if not is_good(header, lambda _: ()):
            return False
        if header.errors not in self._partial:
            self._partial[header.errors] = self._read(header)
        return self._partial[header.errors]

    def _read(self, header: Header) -> bool | None:
        try:
            return is_good(header, self._failed_paths)
        except Damaged:
            return None
