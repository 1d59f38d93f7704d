"""Reading blobs out of packfiles: one, or many with few reads.

Owns the way from a type and a MAC to verified bytes, and what happens when one of several copies is damaged. Where
blobs lie is told by the index; what they mean is told elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from caldav_backup.kloset.envelope import HEADER_SIZE
from caldav_backup.kloset.errors import BlobMissing, Damaged, StorageFileMissing
from caldav_backup.kloset.resources import NOT_NAMED_BY_CONTENT, BytesLike, ResourceType
from caldav_backup.kloset.state import Location
from caldav_backup.kloset.storage import Kind, Storage

if TYPE_CHECKING:
    from caldav_backup.kloset.codec import Codec
    from caldav_backup.kloset.hashing import Keyed
    from caldav_backup.kloset.index import Index

READ_BYTES = 4 << 20
"""Most bytes of one ranged read, and of blobs that wait to be handed out; a larger blob is read alone."""
MAX_GAP = 16 << 10
"""Bytes between two blobs that are rather read along than skipped: a second read costs more."""
OBJECT_LIMIT = 64 << 20
"""Most bytes of an object, after inflating: 600,000 chunks."""
RECORD_LIMIT = 4 << 20
"""Most bytes of any other record; a node of 200 paths has less than one MiB. Decoded it may take 80 times as much."""
_WINDOW = 512


class BlobReader:
    """Gives blobs of one open store, each verified by the MAC that names it."""

    def __init__(
        self, storage: Storage, codec: Codec, keyed: Keyed, chunk_limit: int, index: Callable[[], Index]
    ) -> None:
        self._storage = storage
        self._codec = codec
        self._keyed = keyed
        self._limits: dict[int, int] = {ResourceType.CHUNK: chunk_limit, ResourceType.OBJECT: OBJECT_LIMIT}
        self.most_stored = codec.most_stored(max(chunk_limit, OBJECT_LIMIT))
        """Most bytes that a blob takes up: a location may claim four GiB, and a file with holes have them."""
        self._index = index

    def get_blob(self, resource_type: ResourceType, mac: bytes) -> bytes:
        """One blob; every packfile that has it is tried. BlobMissing, or Damaged when all copies are."""
        failure: Damaged | None = None
        for place in self._index().find_locations(resource_type, mac):
            try:
                return self._open(resource_type, mac, place, self._read(place.packfile, place.offset, place.length))
            except Damaged as exc:
                # What is written from now on must not rely on it.
                self._index().mark_damaged(place.packfile)
                failure = failure or exc
        raise failure or BlobMissing(
            f"no packfile of the store at {self._storage.location} holds the {_noun(resource_type)} {mac.hex()}; "
            "run a check to see what is affected"
        )

    def get_blobs(self, resource_type: ResourceType, macs: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """Blobs with their MACs in the given order; neighbours in a packfile are read together, a few MiB at a time."""
        remaining = iter(macs)
        while window := list(islice(remaining, _WINDOW)):
            found = self._index().find_locations_of(resource_type, window)
            places = [places[0] if places else None for places in found]
            for start, end in _portions(places):
                ranges = self._read_together([place for place in places[start:end] if place is not None])
                for mac, place in zip(window[start:end], places[start:end], strict=True):
                    yield mac, self._open_or_retry(resource_type, mac, place, ranges)

    def _open_or_retry(
        self, resource_type: ResourceType, mac: bytes, place: Location | None, ranges: dict[Location, memoryview]
    ) -> bytes:
        if place is not None and place in ranges:
            try:
                return self._open(resource_type, mac, place, ranges[place])
            except Damaged:
                # Perhaps another packfile has a good copy; if not, the same error comes again.
                return self.get_blob(resource_type, mac)
        return self.get_blob(resource_type, mac)

    def _read_together(self, places: Sequence[Location]) -> dict[Location, memoryview]:
        """The encoded bytes of each place that could be read; the others are tried alone, and told alone."""
        return {place: read for place, read in self.read_neighbours(places) if not isinstance(read, Damaged)}

    def read_neighbours(self, places: Iterable[Location]) -> Iterator[tuple[Location, memoryview | Damaged]]:
        """Each place once, ascending, with the encoded bytes there or why they cannot be read.

        A few MiB are read and held at a time. Where one place reaches beyond its packfile's end, its neighbours cannot
        be read either.
        """
        for group in _neighbours(sorted(set(places))):
            start = group[0].offset
            end = max(place.offset + place.length for place in group)
            try:
                read = memoryview(self._read(group[0].packfile, start, end - start))
            except Damaged as exc:
                yield from ((place, exc) for place in group)
                continue
            for place in group:
                yield place, read[place.offset - start : place.offset - start + place.length]

    def _read(self, packfile: bytes, offset: int, length: int) -> bytes:
        if length > self.most_stored:
            raise Damaged(
                f"{length} bytes were to be read from packfile {packfile.hex()} at once, more than anything in it may "
                "have; the store is damaged there"
            )
        try:
            # The index counts from behind the envelope's header.
            return self._storage.read_range(Kind.PACKFILE, packfile, HEADER_SIZE + offset, length)
        except StorageFileMissing as exc:
            raise BlobMissing(
                f"the packfile {packfile.hex()} is missing in the store at {self._storage.location}; "
                "bring it back from a copy of the store, or run a check to see what is affected"
            ) from exc

    def _open(self, resource_type: ResourceType, mac: bytes, place: Location, encoded: BytesLike) -> bytes:
        try:
            return self.open(resource_type, mac, encoded)
        except Damaged as exc:
            raise _not_as_stored(resource_type, mac, place) from exc

    def open(self, resource_type: int, mac: bytes, encoded: BytesLike) -> bytes:
        """What was encoded as the blob of this name. Damaged for anything else, and for one that is too long."""
        blob = self._codec.decode(encoded, self._limits.get(resource_type, RECORD_LIMIT))
        if resource_type not in NOT_NAMED_BY_CONTENT and self._keyed.mac(blob) != mac:
            raise Damaged(f"the blob {mac.hex()} is not what was stored")
        return blob


def _portions(places: Sequence[Location | None]) -> Iterator[tuple[int, int]]:
    """Spans of places that hold at most READ_BYTES together."""
    start, gathered = 0, 0
    for number, place in enumerate(places):
        length = place.length if place is not None else 0
        if number > start and gathered + length > READ_BYTES:
            yield start, number
            start, gathered = number, 0
        gathered += length
    if places:
        yield start, len(places)


def _neighbours(places: Sequence[Location]) -> Iterator[list[Location]]:
    """Groups of sorted places that one ranged read covers."""
    group: list[Location] = []
    end = 0
    for place in places:
        near = group and place.packfile == group[0].packfile and place.offset <= end + MAX_GAP
        end = max(end if near else 0, place.offset + place.length)
        if near and end - group[0].offset <= READ_BYTES:
            group.append(place)
        else:
            if group:
                yield group
            group, end = [place], place.offset + place.length
    if group:
        yield group


def _not_as_stored(resource_type: ResourceType, mac: bytes, place: Location) -> Damaged:
    return Damaged(
        f"the {_noun(resource_type)} {mac.hex()} in packfile {place.packfile.hex()} is not what was stored; "
        "run a check to see what is affected"
    )


def _noun(resource_type: ResourceType) -> str:
    return resource_type.name.lower().replace("_", " ")
