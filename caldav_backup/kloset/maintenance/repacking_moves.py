"""Copies blobs from one packfile into another as they are stored.

Owns reading and proving them: nothing is decoded to be stored again, but everything is decoded to be compared with its
MAC, so that damage is never spread. Which blobs, and into what company, is told in `repacking` and `repacking_heads`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.packer import Packer
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import VERSION_1_0_0
from caldav_backup.kloset.state import Location


class Placed(NamedTuple):
    """A blob and where it is read from."""

    location: Location
    kind: int
    mac: bytes


class Mover:
    """Copies blobs of one store, and remembers which packfiles are damaged: these have to stay."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self.damaged: dict[bytes, str] = {}
        """By packfile what is wrong with it."""

    def move(self, blobs: Iterable[Placed], packer: Packer) -> Iterator[tuple[int, bytes]]:
        """Copy blobs into `packer`, in the order of their places; type and MAC of each that was good.

        Neighbours are read together, a few MiB at a time. What is damaged is left out and noted.
        """
        at: dict[Location, list[Placed]] = {}
        for blob in sorted(blobs):
            at.setdefault(blob.location, []).append(blob)
        for location, encoded in self._repository.blobs.read_neighbours(at):
            if isinstance(encoded, Damaged):
                self._note(location.packfile, encoded)
                continue
            for blob in at[location]:
                if self._is_good(blob, encoded):
                    packer.append(blob.kind, VERSION_1_0_0, blob.mac, encoded)
                    yield blob.kind, blob.mac

    def _is_good(self, blob: Placed, encoded: memoryview) -> bool:
        try:
            self._repository.blobs.open(blob.kind, blob.mac, encoded)
        except Damaged as exc:
            self._note(blob.location.packfile, exc)
            return False
        return True

    def _note(self, packfile: bytes, what: Damaged) -> None:
        self.damaged.setdefault(packfile, str(what))
        # What is written from now on must not rely on it.
        self._repository.index.mark_damaged(packfile)
