"""Copies blobs from one packfile into another as they are stored.

Owns reading and proving them: nothing is decoded to be stored again, but everything is decoded to be compared with its
MAC, so that damage is never spread. Which blobs, and into what company, is told in `repacking` and `repacking_heads`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from caldav_backup.kloset.envelope import HEADER_SIZE
from caldav_backup.kloset.errors import Damaged, StorageFileMissing
from caldav_backup.kloset.packer import Packer
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import VERSION_1_0_0, BytesLike, ResourceType
from caldav_backup.kloset.state import Location
from caldav_backup.kloset.storage import Kind

_READ_BYTES = 4 << 20
_MAX_GAP = 16 << 10
_RECORD_LIMIT = 64 << 20


class Placed(NamedTuple):
    """A blob and where it is read from."""

    location: Location
    kind: int
    mac: bytes


class Mover:
    """Copies blobs of one store, and remembers which packfiles are damaged: these have to stay."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._limits = {ResourceType.CHUNK: repository.configuration.chunking.maximum}
        self.damaged: dict[bytes, str] = {}
        """By packfile what is wrong with it."""
        self.bytes_moved = 0

    def move(self, blobs: Iterable[Placed], packer: Packer) -> Iterator[tuple[int, bytes]]:
        """Copy blobs into `packer`, in the order of their places; type and MAC of each that was good.

        Neighbours are read together, a few MiB at a time. What is damaged is left out and noted.
        """
        for group in _neighbours(sorted(blobs)):
            start = group[0].location.offset
            end = max(place.location.offset + place.location.length for place in group)
            read = self._read(group[0].location.packfile, start, end - start)
            if read is None:
                continue
            for place in group:
                offset = place.location.offset - start
                encoded = memoryview(read)[offset : offset + place.location.length]
                if self._is_good(place, encoded):
                    packer.append(place.kind, VERSION_1_0_0, place.mac, encoded)
                    self.bytes_moved += len(encoded)
                    yield place.kind, place.mac

    def _read(self, packfile: bytes, offset: int, length: int) -> bytes | None:
        try:
            return self._repository.storage.read_range(Kind.PACKFILE, packfile, HEADER_SIZE + offset, length)
        except (Damaged, StorageFileMissing) as exc:
            self._note(packfile, str(exc))
            return None

    def _is_good(self, place: Placed, encoded: BytesLike) -> bool:
        try:
            blob = self._repository.codec.decode(encoded, self._limits.get(ResourceType(place.kind), _RECORD_LIMIT))
        except Damaged as exc:
            self._note(place.location.packfile, str(exc))
            return False
        if self._repository.keyed.mac(blob) != place.mac:
            noun = ResourceType(place.kind).name.lower().replace("_", " ")
            self._note(place.location.packfile, f"the {noun} {place.mac.hex()} is not what was stored")
            return False
        return True

    def _note(self, packfile: bytes, what: str) -> None:
        self.damaged.setdefault(packfile, what)
        # What is written from now on must not rely on it.
        self._repository.index.mark_damaged(packfile)


def _neighbours(blobs: Sequence[Placed]) -> Iterator[list[Placed]]:
    """Groups of sorted blobs that one ranged read covers."""
    group: list[Placed] = []
    end = 0
    for blob in blobs:
        place = blob.location
        is_near = group and place.packfile == group[0].location.packfile and place.offset <= end + _MAX_GAP
        behind = max(end if is_near else 0, place.offset + place.length)
        if not is_near or behind - group[0].location.offset > _READ_BYTES:
            if group:
                yield group
            group = []
        group.append(blob)
        end = behind
    if group:
        yield group
