"""One snapshot on its way from one store into another.

Owns the order of its parts, and their trees. A snapshot is translated from the ids of the source to those of the
destination; everything that has no ids in it stays the same bytes. What does not differ from the snapshot before is
not looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from caldav_backup.kloset import paths
from caldav_backup.kloset.attribute_writer import AttributeWriter
from caldav_backup.kloset.blob_writer import BlobWriter
from caldav_backup.kloset.btree import ERROR_TREE, INDEX_TREE, VFS_TREE, XATTR_TREE, Tree, TreeType, bulk_load
from caldav_backup.kloset.content_writer import ContentWriter
from caldav_backup.kloset.copying.attributes import AttributeCopier
from caldav_backup.kloset.copying.contents import ContentCopier
from caldav_backup.kloset.copying.directories import DirectoryCopier, Loss
from caldav_backup.kloset.copying.known import DirectoryCopy, Known, trees_of
from caldav_backup.kloset.copying.listings import ListingReader
from caldav_backup.kloset.copying.neighbours import Neighbour
from caldav_backup.kloset.copying.totals import add_up, chunks_below, with_chunks
from caldav_backup.kloset.dirpack import DIRECTORY, OTHER, Frame
from caldav_backup.kloset.entries import Entry
from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.failures import Failure
from caldav_backup.kloset.header import Header, Index, Source
from caldav_backup.kloset.path_map import PathMap
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.snapshot import Snapshot
from caldav_backup.kloset.summary import Summary

NO_LISTING = "the directory has no listing; the store is damaged there"


class CopiedSource(NamedTuple):
    """One source of a snapshot in the destination, what is known from now on, and what could not be read."""

    source: Source
    known: Known
    losses: Sequence[Loss]


class SnapshotCopier:
    """Copies snapshots of `source` into the packfiles of `blobs`, which belong to `destination`."""

    def __init__(self, source: Repository, destination: Repository, blobs: BlobWriter, listings: ListingReader) -> None:
        sizes = destination.configuration.chunking
        self.source = source
        self.listings = listings
        self.blobs = blobs
        self.sizes = sizes
        contents = ContentCopier(source, destination, blobs)
        self.directories = DirectoryCopier(contents, blobs, ContentWriter(blobs, sizes))

    def copy(self, header: Header, known: Known, neighbour: Neighbour | None) -> tuple[Header, Known, list[Loss]]:
        """The header of the copy, which is not stored yet. Damaged when nothing of a source can be read."""
        first = _OneSource(self, header, known, neighbour).copy()
        more = [
            _OneSource(self, replace(header, source=source), Known(), None).copy() for source in header.more_sources
        ]
        losses = [loss for each in (first, *more) for loss in each.losses]
        copied = replace(header, source=first.source, more_sources=tuple(each.source for each in more))
        return copied, first.known, losses


class _OneSource:
    def __init__(self, copier: SnapshotCopier, header: Header, known: Known, neighbour: Neighbour | None) -> None:
        self._copier = copier
        self._blobs = copier.blobs
        self._repository = copier.source
        self._snapshot = Snapshot(copier.source, header)
        self._source = header.source
        self._known = known
        self._neighbour = neighbour
        self._attributes = AttributeCopier(copier.source, AttributeWriter(copier.blobs, copier.sizes))
        self._copies: dict[bytes, DirectoryCopy] = {}
        self._listings: Mapping[bytes, bytes] = {}
        self._losses: list[Loss] = []

    def copy(self) -> CopiedSource:
        unchanged = self._known.sources.get(trees_of(self._source))
        if unchanged is not None:
            same = unchanged._replace(importer=self._source.importer, context=self._source.context)
            return CopiedSource(same, self._known, ())
        known = self._known.attributes
        if not known and self._neighbour is not None:
            known = self._neighbour.attributes()
        self._attributes.read(self._source.xattrs, known)
        self._copy_directories()
        keys, attributes = self._attributes.finish()
        self._losses += self._attributes.losses
        failures = self._copy_failures()
        summaries, summary = self._copy_summaries(failures)
        copied = self._source._replace(
            root=self._store_file_tree(),
            xattrs=self._store_sorted(XATTR_TREE, keys),
            errors=self._store_sorted(ERROR_TREE, failures),
            indexes=self._store_indexes(summaries),
            summary=summary,
        )
        whole = {} if self._losses else {trees_of(self._source): copied}
        return CopiedSource(copied, Known(self._copies, attributes, whole), self._losses)

    # Directories

    def _copy_directories(self) -> None:
        """Every directory that its parent lists, from the root down."""
        self._listings = self._find_listings()
        waiting = [b"/"]
        while waiting:
            path = waiting.pop()
            copied = self._copies[path] = self._copy_directory(path)
            prefix = path.removesuffix(b"/") + b"/"
            waiting += [prefix + name for name in reversed(copied.directories)]

    def _find_listings(self) -> Mapping[bytes, bytes]:
        """Each directory's listing; empty for a snapshot of another program that has none."""
        root = self._snapshot.header.find_index("dirpack")
        return {} if root is None else PathMap(Tree(self._repository, INDEX_TREE, root))

    def _copy_directory(self, path: bytes) -> DirectoryCopy:
        listing = self._listings.get(path, b"")
        name = paths.from_key(path)
        before = self._known.directories.get(path)
        if before is None and self._neighbour is not None:
            before = self._neighbour.directory(path, listing)
        if before is not None and listing and before.source == listing and not self._has_lost_attributes(name):
            return before
        objects = None if before is None else before.objects
        if before is not None and objects is None and self._neighbour is not None:
            objects = self._neighbour.objects(path)
        copied, losses = self._copier.directories.copy(
            name,
            self._frames(name),
            listing=listing,
            objects=objects,
            lost=self._attributes.lost,
            anchors=self._attributes.anchors[name],
        )
        self._losses += losses
        # Its entries list fewer attributes than the listing of the same id elsewhere.
        return copied._replace(source=b"") if self._has_lost_attributes(name) else copied

    def _has_lost_attributes(self, directory: str) -> bool:
        return any(paths.split(path)[0] == directory for path in self._attributes.lost)

    def _frames(self, path: str) -> Iterator[Frame]:
        if self._snapshot.header.find_index("dirpack") is None:
            for entry in self._snapshot.list_directory(path):
                yield Frame(DIRECTORY if entry.is_directory else OTHER, entry.to_bytes(), b"")
            return
        listing = self._listings.get(paths.to_key(path))
        if listing is None:
            raise Damaged(NO_LISTING)
        yield from self._copier.listings.frames(path, listing)

    # Failures

    def _copy_failures(self) -> dict[bytes, bytes]:
        """Those of the source, and what could not be copied: paths as keys, ids in the destination."""
        found: dict[bytes, bytes] = {}
        for key, mac in Tree(self._repository, ERROR_TREE, self._source.errors):
            try:
                record = self._repository.get_blob(ResourceType.ERROR_ENTRY, mac)
            except Damaged as exc:
                self._losses.append(Loss(paths.from_key(key), f"why it failed is lost: {exc}"))
            else:
                found[key] = self._blobs.put(ResourceType.ERROR_ENTRY, record)
        for loss in self._losses:
            failure = Failure(loss.path, f"could not be copied: {loss.message}")
            found[failure.key] = self._blobs.put(ResourceType.ERROR_ENTRY, failure.to_bytes())
        return found

    # Totals

    def _copy_summaries(self, failures: Mapping[bytes, bytes]) -> tuple[dict[bytes, bytes] | None, Summary]:
        """Every directory with its summary's id in the destination, where the source has such an index; the root's."""
        below = chunks_below({path: copied.chunks for path, copied in self._copies.items()})
        root = self._snapshot.header.find_index("summary")
        stored = PathMap(Tree(self._repository, INDEX_TREE, root)) if root is not None else {}
        affected = self._affected()
        failed = Counter(paths.split(paths.from_key(path))[0] for path in failures) if affected else Counter()
        found: dict[str, Summary] = {}
        ids: dict[bytes, bytes] = {}
        for path in sorted(self._copies, key=_depth, reverse=True):
            name, direct = paths.from_key(path), self._copies[path].chunks
            if name in affected or (affected and path not in stored):
                children = {paths.split(each)[1]: found[each] for each in found if paths.split(each)[0] == name}
                found[name] = with_chunks(add_up(self._kept_frames(path), children, failed[name]), direct, 0)
            elif path == b"/":
                found[name] = with_chunks(self._source.summary, direct, below[path])
            elif path in stored:
                record = self._repository.get_blob(ResourceType.VFS_SUMMARY, stored[path])
                found[name] = with_chunks(Summary.from_bytes(record), direct, below[path])
            else:
                continue
            if root is not None:
                ids[path] = self._blobs.put(ResourceType.VFS_SUMMARY, found[name].to_bytes())
        return ids if root is not None else None, found[paths.ROOT]

    def _affected(self) -> set[str]:
        """Directories whose totals what is missing has changed."""
        places = {place for loss in self._losses for place in (loss.path, paths.split(loss.path)[0])}
        there = {place for place in places if paths.to_key(place) in self._copies}
        return there | {above for place in there for above in paths.ancestors(place)}

    def _kept_frames(self, path: bytes) -> Iterator[Frame]:
        names = set(self._copies[path].names.split(b"\0"))
        try:
            for frame in self._frames(paths.from_key(path)):
                if paths.to_key(frame.entry().name) in names:
                    yield frame
        except Damaged:
            # What lies behind the damage was told and left out before.
            return

    # Trees

    def _store_indexes(self, summaries: Mapping[bytes, bytes] | None) -> tuple[Index, ...]:
        listings = {path: copied.object for path, copied in self._copies.items()}
        indexes = [Index("dirpack", "btree", self._store_sorted(INDEX_TREE, listings))]
        if summaries is not None:
            indexes.append(Index("summary", "btree", self._store_sorted(INDEX_TREE, summaries)))
        return tuple(indexes)

    def _store_file_tree(self) -> bytes:
        keys, macs = [b"/"], [self._store_root_entry()]
        for directory in sorted(self._copies, key=lambda path: paths.path_order(path.removesuffix(b"/") + b"/")):
            children = self._copies[directory].children(directory)
            keys += children[0]
            macs += children[1]
        return self._store_tree(VFS_TREE, keys, macs)

    def _store_root_entry(self) -> bytes:
        mac = Tree(self._repository, VFS_TREE, self._source.root).find(b"/")
        if mac is None:
            raise Damaged("the snapshot has no root directory; the store is damaged there")
        record = self._repository.get_blob(ResourceType.VFS_ENTRY, mac)
        if lost := self._attributes.lost.get(paths.ROOT):
            entry = Entry.from_bytes(record)
            names = tuple(name for name in entry.extended_attributes if name not in lost)
            record = entry._replace(extended_attributes=names).to_bytes()
        return self._blobs.put(ResourceType.VFS_ENTRY, record)

    def _store_sorted(self, tree_type: TreeType, pairs: Mapping[bytes, bytes]) -> bytes:
        keys = sorted(pairs, key=tree_type.order_of)
        return self._store_tree(tree_type, keys, [pairs[key] for key in keys])

    def _store_tree(self, tree_type: TreeType, keys: Sequence[bytes], values: Sequence[bytes]) -> bytes:
        root = b""
        for blob in bulk_load(tree_type, keys, values, self._blobs.mac):
            self._blobs.put_named(blob.type, blob.mac, blob.record)
            root = blob.mac
        return root


def _depth(path: bytes) -> int:
    return 0 if path == b"/" else path.count(b"/")
