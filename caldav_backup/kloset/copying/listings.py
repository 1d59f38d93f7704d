"""Listings of the source, of which the greater part was read a night before.

Owns the memory of their chunks: of each directory those of its last listing, as long as there is room. One changed
event changes one chunk of a listing, and the others lie scattered over the packfiles of all nights in which they were
new.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from caldav_backup.kloset import dirpack
from caldav_backup.kloset.contents import get_object
from caldav_backup.kloset.dirpack import Frame
from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import ResourceType

LIMIT: Final = 32 << 20
"""Bytes of chunks that are kept at most: the listings of some 70,000 files."""


class ListingReader:
    """Reads listings of one store, verified by their MACs."""

    def __init__(self, source: Repository, limit: int = LIMIT) -> None:
        self._source = source
        self._limit = limit
        self._kept: dict[str, dict[bytes, bytes]] = {}
        self._sizes: dict[str, int] = {}

    def forget(self) -> None:
        """What follows is of another source."""
        self._kept.clear()
        self._sizes.clear()

    def frames(self, path: str, listing: bytes) -> Iterator[Frame]:
        """The frames of a directory's listing, which is the object `listing`. Damaged, at its end at the latest."""
        return dirpack.read_frames(self._stream(path, listing), path)

    def _stream(self, path: str, listing: bytes) -> Iterator[bytes]:
        found = get_object(self._source, listing)
        before = self._kept.pop(path, {})
        free = self._limit - sum(self._sizes.values()) + self._sizes.pop(path, 0)
        new = [chunk.mac for chunk in found.chunks if chunk.mac not in before]
        read = self._source.get_blobs(ResourceType.CHUNK, new)
        running = self._source.keyed.start()
        kept: dict[bytes, bytes] = {}
        size = 0
        for chunk in found.chunks:
            piece = before[chunk.mac] if chunk.mac in before else next(read)[1]
            if len(piece) != chunk.length:
                raise Damaged(f"the listing of {path!r} has a chunk of another length; the store is damaged there")
            running.update(piece)
            if chunk.mac not in kept and size + len(piece) <= free:
                kept[chunk.mac] = piece
                size += len(piece)
            yield piece
        # The MAC of a single chunk is the content's, and it was verified when it was read.
        if [chunk.mac for chunk in found.chunks] != [found.content_mac] and running.digest() != found.content_mac:
            raise Damaged(f"the listing of {path!r} is not what its MAC says; the store is damaged there")
        self._kept[path], self._sizes[path] = kept, size
