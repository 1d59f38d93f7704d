"""Headers of snapshots as they are read: each once, many together, damaged ones told or left out.

Owns what was read so far. Which snapshots there are is told in `index`, what a header says in `header`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from caldav_backup.kloset.blobs import BlobReader
from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.header import Header, read_header
from caldav_backup.kloset.resources import ResourceType

Unreadable = Callable[[bytes, Damaged], None]
"""Is told of a snapshot, by its identifier, that is left out because its header is damaged."""


class Headers:
    """The headers of one open store. With `unreadable`, `find` leaves out damaged ones, and tells it once of each."""

    def __init__(self, blobs: BlobReader, unreadable: Unreadable | None) -> None:
        self._blobs = blobs
        self._tell_unreadable = unreadable
        self._read: dict[bytes, Header] = {}
        self._left_out: set[bytes] = set()

    def is_known(self, identifier: bytes) -> bool:
        """Whether it was read before."""
        return identifier in self._read

    def get(self, identifier: bytes) -> Header:
        """One header. BlobMissing, or Damaged."""
        if identifier not in self._read:
            encoded = self._blobs.get_blob(ResourceType.SNAPSHOT, identifier)
            self._read[identifier] = read_header(encoded, identifier)
        return self._read[identifier]

    def find(self, identifier: bytes) -> Header | None:
        """The same; None for a damaged one, if somebody wants to be told of it."""
        if identifier in self._left_out:
            return None
        try:
            return self.get(identifier)
        except Damaged as error:
            if self._tell_unreadable is None:
                raise
            self._tell_unreadable(identifier, error)
            self._left_out.add(identifier)
            return None

    def find_all(self, identifiers: Sequence[bytes]) -> list[Header]:
        """The same for each of `identifiers`, which are read together."""
        self.read_together(identifiers)
        return [header for header in map(self.find, identifiers) if header is not None]

    def read_together(self, identifiers: Sequence[bytes]) -> None:
        """Read what will be asked for; what is damaged, and what follows it, is left to be read and told alone."""
        unread = [each for each in identifiers if each not in self._read and each not in self._left_out]
        if len(unread) < 2:
            return
        with suppress(Damaged):
            for identifier, encoded in self._blobs.get_blobs(ResourceType.SNAPSHOT, unread):
                self._read[identifier] = read_header(encoded, identifier)
