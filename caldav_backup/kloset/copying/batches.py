"""Several snapshots in one commit.

Owns the packfiles and the state that a few copied snapshots share: copied one by one, a thousand nightly ones would
leave two thousand small files behind, and a store of small files opens slowly.
"""

from __future__ import annotations

from typing import Final

from caldav_backup.kloset.blob_writer import BlobWriter
from caldav_backup.kloset.header import Header
from caldav_backup.kloset.packer import Packer
from caldav_backup.kloset.placement import placement_runs
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import ResourceType, random_identifier
from caldav_backup.kloset.state import Run

BATCH_BYTES: Final = 32 << 20
BATCH_SNAPSHOTS: Final = 500
BATCH_SECONDS: Final = 60.0


class Batch:
    """Snapshots whose blobs go into the same packfiles; nothing of them is visible before `commit`."""

    def __init__(self, repository: Repository, begun: float) -> None:
        """`begun` in seconds, by the clock that `is_full` is told the time of."""
        self._repository = repository
        self._begun = begun
        self._headers = 0
        self._runs: list[Run] = []
        self._packer = Packer(
            repository.storage, repository.codec, repository.keyed, repository.configuration.packfile.max_size
        )
        self.blobs = BlobWriter(repository.keyed, repository.index, self._packer)

    def is_full(self, now: float) -> bool:
        return (
            self._packer.size >= BATCH_BYTES or self._headers >= BATCH_SNAPSHOTS or now - self._begun >= BATCH_SECONDS
        )

    def add(self, header: Header, *runs: Run) -> None:
        """A snapshot that is complete, and what the state is to say before it tells where the snapshot lies."""
        self._packer.add(ResourceType.SNAPSHOT, header.identifier, header.to_bytes())
        self._headers += 1
        self._runs += runs

    def commit(self) -> None:
        """Make visible what was added; nothing was added, nothing is written."""
        if not self._headers:
            self.abort()
            return
        identifier = random_identifier()
        packfiles = self._packer.finish()
        # The state of a first copy is large, so what is done with goes before.
        self.blobs.forget()
        self._repository.put_state(identifier, [*self._runs, *placement_runs(packfiles, identifier)])

    def abort(self) -> None:
        """Leave nothing but packfiles that nobody names."""
        self._packer.abort()
