"""New headers of snapshots, and the extended attributes of each beside its header.

Owns that company (`docs/design/format.md`, "Extended attributes"): plakar's maintenance does not look at the values of
attributes, but it never loses sight of the packfile that has a snapshot's header. So that one has the values too, but
for attributes that lie whole, record and value, in a packfile that stays as it is.
Headers lie at the end, in the order of commits, for whoever lists snapshots reads nothing else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial

from caldav_backup.kloset.btree import XATTR_TREE, Tree
from caldav_backup.kloset.header import Header
from caldav_backup.kloset.live_blobs import LiveBlobs
from caldav_backup.kloset.maintenance.repacking_moves import Mover, Placed
from caldav_backup.kloset.maintenance.usage import Blob
from caldav_backup.kloset.objects import Object
from caldav_backup.kloset.packer import Packer, StoredPackfile
from caldav_backup.kloset.reissue import add_headers
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.xattrs import ExtendedAttribute

Attribute = tuple[Blob, ...]
"""Its record, its object, and the chunks of its value."""


class HeadWriter:
    """Packs headers with the attributes of their snapshots. `moved` learns what was copied."""

    def __init__(
        self,
        repository: Repository,
        mover: Mover,
        *,
        moved: LiveBlobs,
        leaving: AbstractSet[bytes],
        new_packer: Callable[[int], Packer],
    ) -> None:
        """`leaving` are the packfiles that will be gone; `new_packer` is asked with the largest size of packfiles."""
        self._repository = repository
        self._mover = mover
        self._moved = moved
        # Closed by hand, since the headers come last.
        self._new_packer = partial(new_packer, 1 << 62)
        self._leaving = leaving
        self._attributes = _Attributes(repository)
        self._settled: dict[Attribute, bool] = {}
        self._limit = repository.configuration.packfile.max_size
        self._packer = self._new_packer()
        self._waiting: list[Header] = []
        self._inside: set[Blob] = set()
        self._stored: list[StoredPackfile] = []

    def write(self, headers: Mapping[bytes, Header]) -> tuple[StoredPackfile, ...]:
        """The packfiles, which are complete in the storage; headers by old id in the order of commits. StorageError."""
        for header in headers.values():
            self._add(header)
        self._close()
        return tuple(self._stored)

    def _add(self, header: Header) -> None:
        missing = dict.fromkeys(
            blob
            for attribute in self._attributes.of(header)
            if not self._is_settled(attribute)
            for blob in attribute
            if blob not in self._inside
        )
        self._inside.update(missing)
        self._copy(list(missing))
        self._waiting.append(header)
        if self._packer.size > self._limit:
            self._close()

    def _is_settled(self, attribute: Attribute) -> bool:
        """Whether record and value lie together in a packfile that stays."""
        if attribute not in self._settled:
            index = self._repository.index
            homes = (
                {place.packfile for place in index.find_locations(ResourceType(kind), mac)} for kind, mac in attribute
            )
            common = set.intersection(*homes) - self._leaving
            self._settled[attribute] = any(index.is_usable(packfile) for packfile in common)
        return self._settled[attribute]

    def _copy(self, blobs: Sequence[Blob]) -> None:
        """Copy each from the first place where it is good."""
        find = self._repository.index.find_locations
        places = {blob: deque(find(ResourceType(blob[0]), blob[1])) for blob in blobs}
        while places := {blob: left for blob, left in places.items() if left}:
            next_places = [Placed(left.popleft(), *blob) for blob, left in places.items()]
            for blob in list(self._mover.move(next_places, self._packer)):
                del places[blob]
                self._moved.add(blob[0], [blob[1]])

    def _close(self) -> None:
        add_headers(self._packer, self._waiting)
        self._stored += self._packer.finish()
        self._waiting = []
        self._inside = set()
        self._packer = self._new_packer()


class _Attributes:
    """Which blobs the attributes of snapshots consist of; records that several share are read once."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._of_record: dict[bytes, Attribute] = {}
        self._of_tree: dict[bytes, tuple[bytes, ...]] = {}

    def of(self, header: Header) -> Iterator[Attribute]:
        """The attributes of all paths."""
        for source in (header.source, *header.more_sources):
            records = self._records(source.xattrs)
            self._learn([record for record in records if record not in self._of_record])
            for record in records:
                yield self._of_record[record]

    def _records(self, root: bytes) -> tuple[bytes, ...]:
        if root not in self._of_tree:
            self._of_tree[root] = tuple(value for _, value in Tree(self._repository, XATTR_TREE, root))
        return self._of_tree[root]

    def _learn(self, records: list[bytes]) -> None:
        objects = {}
        for mac, record in self._repository.get_blobs(ResourceType.XATTR_ENTRY, records):
            objects[mac] = ExtendedAttribute.from_bytes(record).object
        for (mac, name), (_, content) in zip(
            objects.items(), self._repository.get_blobs(ResourceType.OBJECT, list(objects.values())), strict=True
        ):
            chunks = [(int(ResourceType.CHUNK), chunk.mac) for chunk in Object.from_bytes(content).chunks]
            self._of_record[mac] = (
                (int(ResourceType.XATTR_ENTRY), mac),
                (int(ResourceType.OBJECT), name),
                *chunks,
            )
