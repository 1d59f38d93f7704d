"""Which blobs snapshots need: everything that can be reached from their headers.

Owns the way through a snapshot's records (`docs/design/format.md`, "Removing") and that nothing is gone through
twice: what one snapshot shares with another costs nothing again. Contents are not read. Which packfiles follow from it
is told in `maintenance`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from caldav_backup.kloset import dirpack, records
from caldav_backup.kloset.btree import ERROR_TREE, INDEX_TREE, VFS_TREE, XATTR_TREE, Node, Root, TreeType
from caldav_backup.kloset.checking.findings import Progress, Step, no_progress
from caldav_backup.kloset.dirpack import Frame
from caldav_backup.kloset.errors import BlobMissing, Damaged, UnsupportedStore
from caldav_backup.kloset.header import UNSIGNED, Header, Source
from caldav_backup.kloset.live_blobs import LiveBlobs, MacSet
from caldav_backup.kloset.objects import Object
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import MAC_SIZE, ZERO_MAC, ResourceType
from caldav_backup.kloset.xattrs import ExtendedAttribute

__all__ = ["LiveBlobs", "find_live_blobs", "live_headers"]

# Records that are read and looked up together.
_BATCH = 4096
# An entry has some 450 bytes; what is left of impossibly long ones is not worth remembering.
_LONGEST_REST = 64 << 10
# How a leaf's record ends: no pointers, then values of 34 bytes each, then perhaps the next leaf.
_VALUES = records.string("pointers") + records.NIL + records.string("values")
_VALUE_SIZE = 2 + MAC_SIZE
_NEXT = records.string("next") + records.binary(ZERO_MAC)[:2]
_NEXT_SIZE = len(_NEXT) + MAC_SIZE


def live_headers(repository: Repository) -> list[Header]:
    """Headers of all snapshots that were not removed. Damaged, naming the snapshot, when one cannot be read."""
    headers = []
    for identifier in repository.index.snapshot_ids():
        try:
            headers.append(repository.header(identifier))
        except Damaged as exc:
            raise _not_known(identifier, "its header", exc) from exc
    return headers


def find_live_blobs(repository: Repository, headers: Iterable[Header], progress: Progress = no_progress) -> LiveBlobs:
    """Every blob that these snapshots reach, the values of extended attributes among them.

    Every record on the way is read and verified; contents only have to be in some packfile that a state names. Memory
    grows with the number of different blobs, about 50 bytes each. Damaged, naming snapshot and place, when the way
    ends somewhere; UnsupportedStore for a snapshot with an index of which nobody knows what it points to.
    """
    walk = _Walk(repository)
    wanted = list(headers)
    for number, header in enumerate(wanted):
        progress(Step("snapshots", number, len(wanted)))
        walk.follow(header)
    progress(Step("snapshots", len(wanted), len(wanted)))
    return walk.live


def _not_known(identifier: bytes, place: str, exc: Damaged) -> Damaged:
    return Damaged(
        f"it is not known what snapshot {identifier.hex()} needs, for {place} cannot be read: {exc}. "
        "Run `check`, then `repair`, or remove that snapshot with `rm`"
    )


class _Walk:
    """One way through many snapshots. After an error it is of no use."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self.live = LiveBlobs()
        self._place = ""
        # Nodes of trees, and MACs of leaves' values, by what the trees are for.
        self._passed: dict[str, MacSet] = {}
        self._listings: set[bytes] = set()
        # Listings change every night, most of their chunks do not. By what is left of a frame before a chunk, and by
        # the chunk: what is left behind it. All entries in between were taken.
        self._cut: dict[tuple[bytes, bytes], bytes] = {}
        self._cut_chunks: set[bytes] = set()

    def follow(self, header: Header) -> None:
        try:
            self._follow(header)
        except Damaged as exc:
            raise _not_known(header.identifier, self._place, exc) from exc

    def _follow(self, header: Header) -> None:
        self._place = "its header"
        self._keep_stored(ResourceType.SNAPSHOT, [header.identifier])
        if header.identity.identifier != UNSIGNED.identifier:
            self._place = "its signature"
            self._keep_stored(ResourceType.SIGNATURE, [header.identifier])
        for source in (header.source, *header.more_sources):
            self._follow_source(source, header)

    def _follow_source(self, source: Source, header: Header) -> None:
        # Listings before the file tree: they have the entries that it names, and many in one piece.
        for name, _, root in sorted(source.indexes, key=lambda index: index.name != "dirpack"):
            self._place = f"its index {name!r}"
            follow_values = self._of_index(name)
            if follow_values is None:
                raise UnsupportedStore(
                    f"snapshot {header.identifier.hex()} has an index {name!r}, which a newer program must have made; "
                    "what it needs is not known, so nothing can be removed from this store by this program"
                )
            self._follow_tree(name, INDEX_TREE, root, follow_values)
        self._place = "its file tree"
        self._follow_tree("the tree", VFS_TREE, source.root, self._follow_entries)
        self._place = "its extended attributes"
        self._follow_tree("the attributes", XATTR_TREE, source.xattrs, self._follow_attributes)
        self._place = "its error index"
        self._follow_tree("the errors", ERROR_TREE, source.errors, self._keep_failures)

    def _of_index(self, name: str) -> Callable[[Sequence[bytes]], None] | None:
        """What is to be done with the values of an index; None when it is unknown."""
        known = {"dirpack": self._follow_listings, "summary": self._keep_summaries, "content-type": self._keep_found}
        return known.get(name)

    # Trees

    def _follow_tree(
        self, what: str, tree_type: TreeType, root: bytes, follow_values: Callable[[Sequence[bytes]], None]
    ) -> None:
        """Give the values of all leaves that are new among the trees called `what` to `follow_values`."""
        self.live.add(tree_type.root, [root])
        passed = self._passed.setdefault(what, MacSet())
        record = self._repository.get_blob(tree_type.root, root)
        level = passed.add([Root.from_bytes(record).node])
        while level:
            self.live.add(tree_type.node, level)
            below: list[bytes] = []
            values: list[bytes] = []
            for _, record in self._repository.get_blobs(tree_type.node, level):
                # A change rewrites all leaves that stand before it, and mostly nothing but their chain differs.
                leaf = _read_leaf(record)
                if leaf is not None and not passed.add([self._repository.keyed.mac(leaf.values)]):
                    below += leaf.next
                    continue
                node = Node.from_bytes(record)
                below += [*node.pointers, node.next] if node.next is not None else node.pointers
                values += node.values
                if len(values) >= _BATCH:
                    follow_values(values)
                    values = []
            follow_values(values)
            level = passed.add(below)

    def _keep_summaries(self, macs: Sequence[bytes]) -> None:
        self._keep_stored(ResourceType.VFS_SUMMARY, macs)

    def _keep_failures(self, macs: Sequence[bytes]) -> None:
        self._keep_stored(ResourceType.ERROR_ENTRY, macs)

    def _keep_found(self, macs: Sequence[bytes]) -> None:
        """Entries by their content type: the same as in the file tree, where they are followed.

        In snapshots that plakar made on top of others some are of the other one; nothing is lost without those.
        """

    def _keep_stored(self, kind: ResourceType, macs: Sequence[bytes]) -> None:
        """Blobs that lead nowhere: they are live, and must be somewhere."""
        new = self.live.add(kind, macs)
        for mac, places in zip(new, self._repository.index.find_locations_of(kind, new), strict=True):
            if not places:
                raise BlobMissing(f"no packfile holds the {kind.name.lower().replace('_', ' ')} {mac.hex()}")

    # Listings

    def _follow_listings(self, macs: Sequence[bytes]) -> None:
        new = [mac for mac in macs if mac not in self._listings]
        self._listings.update(new)
        self.live.add(ResourceType.OBJECT, new)
        for mac, record in self._repository.get_blobs(ResourceType.OBJECT, new):
            self._place = f"the listing {mac.hex()}"
            self._follow_listing(Object.from_bytes(record))

    def _follow_listing(self, listing: Object) -> None:
        chunks = [chunk.mac for chunk in listing.chunks]
        self._keep_stored(ResourceType.CHUNK, chunks)
        new = list(dict.fromkeys(mac for mac in chunks if mac not in self._cut_chunks))
        pieces = self._repository.get_blobs(ResourceType.CHUNK, new)
        waiting: list[Frame] = []
        rest = b""
        for mac in chunks:
            behind = self._cut.get((rest, mac))
            if behind is None:
                is_new = mac not in self._cut_chunks
                piece = next(pieces)[1] if is_new else self._repository.get_blob(ResourceType.CHUNK, mac)
                frames, behind = dirpack.cut_frames(rest + piece, "a directory")
                self._cut_chunks.add(mac)
                if len(rest) + len(behind) <= _LONGEST_REST:
                    self._cut[rest, mac] = behind
                waiting += frames
                if len(waiting) >= _BATCH:
                    self._follow_frames(waiting)
                    waiting = []
            rest = behind
        self._follow_frames(waiting)
        if rest:
            raise Damaged("it ends inside an entry")

    def _follow_frames(self, frames: Sequence[Frame]) -> None:
        new = set(self.live.add(ResourceType.VFS_ENTRY, [frame.mac for frame in frames]))
        found: list[bytes] = []
        for frame in frames:
            if frame.mac in new:
                if self._repository.keyed.mac(frame.record) != frame.mac:
                    raise Damaged(f"its entry {frame.mac.hex()} is not what its MAC says")
                found.append(_object_of(frame.record))
        self._follow_objects(found)

    # Entries and contents

    def _follow_entries(self, macs: Sequence[bytes]) -> None:
        """Entries of the file tree that were in no listing."""
        new = self.live.add(ResourceType.VFS_ENTRY, macs)
        self._follow_objects([_object_of(record) for _, record in self._read(ResourceType.VFS_ENTRY, new)])

    def _follow_attributes(self, macs: Sequence[bytes]) -> None:
        new = self.live.add(ResourceType.XATTR_ENTRY, macs)
        read = self._read(ResourceType.XATTR_ENTRY, new)
        self._follow_objects([ExtendedAttribute.from_bytes(record).object for _, record in read])

    def _follow_objects(self, macs: Iterable[bytes]) -> None:
        new = iter(self.live.add(ResourceType.OBJECT, [mac for mac in macs if mac != ZERO_MAC]))
        while batch := list(islice(new, _BATCH)):
            chunks: list[bytes] = []
            for _, record in self._read(ResourceType.OBJECT, batch):
                chunks += _chunks_of(record)
            self._keep_stored(ResourceType.CHUNK, chunks)

    def _read(self, kind: ResourceType, macs: Sequence[bytes]) -> Iterator[tuple[bytes, bytes]]:
        return self._repository.get_blobs(kind, macs)


def _chunks_of(record: bytes) -> list[bytes]:
    """The chunks that an object record names; faster than reading all of it. Damaged when it is no such record."""
    try:
        macs = [chunk["contentMAC"] for chunk in records.decode(record)["chunks"] or ()]
    except (KeyError, TypeError):
        raise Damaged("an object does not say what it is made of; the store is damaged there") from None
    if any(type(mac) is not bytes or len(mac) != MAC_SIZE for mac in macs):
        raise Damaged("an object does not say what it is made of; the store is damaged there")
    return macs


class _Leaf(NamedTuple):
    """A leaf as far as it matters here: its values as they stand in the record, and the next leaf if there is one."""

    values: bytes
    next: Sequence[bytes]


def _read_leaf(record: bytes) -> _Leaf | None:
    """The parts of a leaf as every program writes it; None for anything else, which has to be decoded.

    Decoding takes ten times as long, most of it for keys.
    """
    following: list[bytes] = []
    end = len(record)
    if record[-_NEXT_SIZE:-MAC_SIZE] == _NEXT:
        following.append(record[-MAC_SIZE:])
        end -= _NEXT_SIZE
    place = record.rfind(_VALUES, 0, end)
    count, size = divmod(end - place - len(_VALUES), _VALUE_SIZE)
    start = place + len(_VALUES) + size
    if place < 0 or record[start - size : start] != records.array_header(count):
        return None
    if record[start:end:_VALUE_SIZE] != b"\xc4" * count or record[start + 1 : end : _VALUE_SIZE] != b"\x20" * count:
        return None
    return _Leaf(record[start:end], following)


def _object_of(entry: bytes) -> bytes:
    """The object that an entry record names; all zero when none. Damaged when it is no such record."""
    values = records.decode(entry)
    mac = values.get("object", ZERO_MAC) if type(values) is dict else None
    if type(mac) is not bytes or len(mac) != MAC_SIZE:
        raise Damaged("an entry does not say what it holds; the store is damaged there")
    return mac
