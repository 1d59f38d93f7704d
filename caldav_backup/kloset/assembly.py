"""All directories of one new snapshot, and the trees over them.

Owns which directories there are, those nobody opened among them, their totals, and the trees of a snapshot. How one
directory comes about is told in `directory_writer`, what a parent gives in `inheritance`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from caldav_backup.kloset.attribute_writer import Value
from caldav_backup.kloset.btree import ERROR_TREE, INDEX_TREE, VFS_TREE, XATTR_TREE, TreeType, bulk_load
from caldav_backup.kloset.directory_writer import Closed, Writers, directory_frame
from caldav_backup.kloset.dirpack import Frame
from caldav_backup.kloset.errors import InvalidArgument
from caldav_backup.kloset.failures import Failure
from caldav_backup.kloset.header import Importer, Index, Source
from caldav_backup.kloset.inheritance import Inheritance
from caldav_backup.kloset.listing_writer import ListingWriter
from caldav_backup.kloset.paths import ROOT, ancestors, from_key, join, path_order, split, to_key
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.snapshot import Snapshot
from caldav_backup.kloset.summary import Summary, SummaryBuilder


class _Kept(NamedTuple):
    """A directory that is taken over from a parent with all that is below it, and its own entry."""

    parent: Inheritance
    frame: Frame


class Assembly:
    """Gathers directories, those below a directory before the directory itself."""

    def __init__(self, writers: Writers, tree_order: int) -> None:
        self.writers = writers
        self._tree_order = tree_order
        self._closed: dict[str, Closed] = {}
        self._kept: dict[str, _Kept] = {}
        self._children: defaultdict[str, dict[bytes, Frame]] = defaultdict(dict)
        self._parents: dict[bytes, Inheritance] = {}
        self._failures: dict[str, str] = {}

    def inherit(self, parent: Snapshot) -> Inheritance:
        """What can be taken from this parent; the same for each directory, so that its trees are read once."""
        return self._parents.setdefault(parent.header.identifier, Inheritance(parent))

    def open_listing(self, path: str) -> ListingWriter:
        """The children of a new directory. InvalidArgument when it comes twice, or after one above it."""
        self._require_free(path)
        self._invent_directories(path)
        return ListingWriter(path, self.writers.contents, self._children[path])

    def close(self, closed: Closed) -> None:
        self._closed[closed.path] = closed
        self._register(closed.path, closed.frame)

    def keep(self, path: str, parent: Snapshot, xattrs: Mapping[str, Value] | None) -> None:
        """Take over a directory of a parent and everything below it, with other attributes unless `xattrs` is None."""
        self._require_free(path)
        if self._children[path]:
            raise InvalidArgument(f"{path!r} cannot be kept as a whole: a directory below it was stored before")
        inheritance = self.inherit(parent)
        frame = inheritance.frame(path)
        own = inheritance.attributes_of(frame.entry())
        taken = inheritance.attributes.below(to_key(path)) | own
        if xattrs is not None:
            taken = {key: entry_id for key, entry_id in taken.items() if key not in own}
            frame = self._with_attributes(path, frame, xattrs)
        self.writers.attributes.take_over(taken)
        self.writers.blobs.put_named(ResourceType.VFS_ENTRY, frame.mac, frame.record)
        self._kept[path] = _Kept(inheritance, frame)
        self._register(path, frame)

    def _with_attributes(self, path: str, frame: Frame, xattrs: Mapping[str, Value]) -> Frame:
        names = self.writers.attributes.add(path, xattrs)
        entry = frame.entry()
        if entry.extended_attributes == names:
            return frame
        record = entry._replace(extended_attributes=names).to_bytes()
        return Frame(frame.kind, record, self.writers.blobs.mac(record))

    def fail(self, path: str, message: str) -> None:
        self._failures[path] = message

    def _register(self, path: str, frame: Frame) -> None:
        if path != ROOT:
            directory, name = split(path)
            self._children[directory][to_key(name)] = frame

    def _require_free(self, path: str) -> None:
        for directory in (path, *ancestors(path)):
            if directory in self._closed or directory in self._kept:
                what = "is" if directory == path else "comes after a directory above it, which is"
                raise InvalidArgument(f"the directory {path!r} {what} complete already")

    def finish(self, importer: Importer) -> Source:
        """Everything that is still to be stored, and the ids under which the header names it."""
        if ROOT not in self._closed and ROOT not in self._kept:
            self._invent(ROOT)
        attributes = self.writers.attributes.finish()
        errors = self._store_failures()
        dirpacks = self._dirpacks()
        summaries, root_summary = self._store_summaries(dirpacks.keys())
        return Source(
            importer,
            root=self._store_file_tree(dirpacks),
            xattrs=self._store_sorted(XATTR_TREE, attributes),
            errors=self._store_sorted(ERROR_TREE, errors),
            indexes=(
                Index("dirpack", "btree", self._store_sorted(INDEX_TREE, dirpacks)),
                Index("summary", "btree", self._store_sorted(INDEX_TREE, summaries)),
            ),
            summary=root_summary,
        )

    def forget(self) -> None:
        """Free the memory of what was gathered; nothing more can be done."""
        self._closed.clear()
        self.writers.blobs.forget()

    def _invent_directories(self, top: str) -> None:
        """Every directory above another has an entry: make up those below `top` that nobody gave."""
        given = self._closed.keys() | self._kept.keys()
        missing = {above for path in given for above in ancestors(path) if top in ancestors(above)} - given
        for path in sorted(missing, key=_depth, reverse=True):
            self._invent(path)

    def _invent(self, path: str) -> None:
        """A directory without a time and without attributes."""
        listing = self.open_listing(path).finish()
        frame = directory_frame(self.writers.blobs, path, 0, ())
        self.close(Closed(path, frame, listing, SummaryBuilder()))

    def _store_failures(self) -> dict[bytes, bytes]:
        found = self._kept_failures()
        for path, message in self._failures.items():
            failure = Failure(path, message)
            found[failure.key] = self.writers.blobs.put(ResourceType.ERROR_ENTRY, failure.to_bytes())
        return found

    def _kept_failures(self) -> dict[bytes, bytes]:
        kept = self._kept.items()
        found = {key: mac for path, (parent, _) in kept for key, mac in parent.failures.below(to_key(path)).items()}
        # That a kept directory itself could not be read then does not mean that it cannot be read now.
        return {key: mac for key, mac in found.items() if from_key(key) not in self._kept}

    def _dirpacks(self) -> dict[bytes, bytes]:
        found = {to_key(path): closed.listing.object for path, closed in self._closed.items()}
        for path, kept in self._kept.items():
            found |= kept.parent.dirpacks.below(to_key(path))
        return found

    def _store_summaries(self, directories: Collection[bytes]) -> tuple[dict[bytes, bytes], Summary]:
        """Every directory with its summary's id, and the root's summary."""
        failed = self._count_failures(directories)
        ids: dict[bytes, bytes] = {}
        found: dict[str, Summary] = {}
        for path in sorted([*self._closed, *self._kept], key=_depth, reverse=True):
            if path in self._kept:
                parent = self._kept[path].parent
                ids |= self._keep_summaries(path, parent, failed)
                found[path] = parent.summary(to_key(path), _count_below(path, failed))
                continue
            totals = self._closed[path].totals
            for name in sorted(self._children[path]):
                totals.add_directory(found[join(path, from_key(name))])
            totals.add_errors(failed[path])
            found[path] = totals.finish()
            ids[to_key(path)] = self.writers.blobs.put(ResourceType.VFS_SUMMARY, found[path].to_bytes())
        return ids, found[ROOT]

    def _keep_summaries(self, path: str, parent: Inheritance, failed: Mapping[str, int]) -> dict[bytes, bytes]:
        """The summaries of a kept directory and of those below it; only new failures change them."""
        ids = parent.summaries.below(to_key(path))
        for directory in ids:
            count = _count_below(from_key(directory), failed)
            if count:
                summary = parent.summary(directory, count)
                ids[directory] = self.writers.blobs.put(ResourceType.VFS_SUMMARY, summary.to_bytes())
        return ids

    def _count_failures(self, directories: Collection[bytes]) -> Counter[str]:
        """New failures by directory; one whose directory does not exist counts nowhere."""
        known = self._kept_failures()
        places = [split(path)[0] for path in self._failures if to_key(path) not in known]
        return Counter(place for place in places if to_key(place) in directories)

    def _store_file_tree(self, dirpacks: Mapping[bytes, bytes]) -> bytes:
        root = (self._kept.get(ROOT) or self._closed[ROOT]).frame
        # A tree whose nodes were lost with a packfile must be stored again, though its ids are the same.
        for parent in () if self.writers.blobs.misses_packfiles else self._parents.values():
            if parent.has_all_of(dirpacks, root.mac):
                return parent.root
        children = {to_key(path): closed.listing[1:] for path, closed in self._closed.items()}
        for parent in self._parents.values():
            of_parent = [path for path, taken in self._kept.items() if taken.parent is parent]
            kept = [parent.dirpacks.below(to_key(path)) for path in of_parent]
            children |= parent.children({directory for directories in kept for directory in directories})
        keys, macs = [b"/"], [root.mac]
        for directory in sorted(children, key=lambda directory: path_order(directory.removesuffix(b"/") + b"/")):
            keys += children[directory][0]
            macs += children[directory][1]
        return self._store_tree(VFS_TREE, keys, macs)

    def _store_sorted(self, tree_type: TreeType, pairs: Mapping[bytes, bytes]) -> bytes:
        keys = sorted(pairs, key=tree_type.order_of)
        return self._store_tree(tree_type, keys, [pairs[key] for key in keys])

    def _store_tree(self, tree_type: TreeType, keys: Sequence[bytes], values: Sequence[bytes]) -> bytes:
        root = b""
        for blob in bulk_load(tree_type, keys, values, self.writers.blobs.mac, order=self._tree_order):
            self.writers.blobs.put_named(blob.type, blob.mac, blob.record)
            root = blob.mac
        return root


def _depth(path: str) -> int:
    return len(ancestors(path))


def _count_below(directory: str, failed: Mapping[str, int]) -> int:
    return sum(count for place, count in failed.items() if directory in (place, *ancestors(place)))
