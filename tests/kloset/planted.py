"""Snapshots made record by record, so that a test can leave out or falsify any of them."""

from __future__ import annotations

from collections.abc import Sequence

from caldav_backup.kloset import dirpack, paths
from caldav_backup.kloset.btree import ERROR_TREE, INDEX_TREE, VFS_TREE, XATTR_TREE, TreeType, bulk_load
from caldav_backup.kloset.configuration import ChunkSizes
from caldav_backup.kloset.dirpack import Frame
from caldav_backup.kloset.entries import Entry
from caldav_backup.kloset.failures import Failure
from caldav_backup.kloset.header import Header, Index, Source
from caldav_backup.kloset.objects import MODE_DIRECTORY, FileInfo, Object, ObjectChunk
from caldav_backup.kloset.packer import Packer
from caldav_backup.kloset.placement import placement_runs
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.snapshot import Snapshot
from caldav_backup.kloset.summary import Summary, SummaryBuilder
from caldav_backup.kloset.xattrs import ExtendedAttribute
from tests.kloset.stores import IMPORTER, make_repository

ONE_CHUNK = ChunkSizes(1 << 20, 1 << 21, 1 << 22)
"""Every listing is one chunk, for no chunker is at work here."""
IDENTIFIER = bytes(range(32))


class Plant:
    """A snapshot in a store of its own. Everything is right until it is told otherwise."""

    def __init__(self, indexes: Sequence[str] = ("dirpack", "summary")) -> None:
        self.storage, self.repository = make_repository(chunking=ONE_CHUNK)
        self.mac = self.repository.keyed.mac
        self.indexes = indexes
        self.blobs: dict[tuple[ResourceType, bytes], bytes] = {}
        self.entries: dict[str, Entry] = {}
        self.tree: dict[str, bytes] = {}
        self.frames: dict[str, dict[bytes, Frame]] = {}
        self.attributes: dict[bytes, bytes] = {}
        self.failures: dict[bytes, bytes] = {}
        self.summaries: dict[str, Summary] = {}
        self.root_summary: Summary | None = None
        """Totals to claim; those that are right when None."""
        self._forgotten: set[tuple[ResourceType, bytes]] = set()
        self._unlisted: set[str] = set()
        self.add(Entry("/", FileInfo("/", mode=MODE_DIRECTORY | 0o755)))

    def put(self, kind: ResourceType, record: bytes) -> bytes:
        self.blobs[kind, self.mac(record)] = record
        return self.mac(record)

    def add(self, entry: Entry) -> Entry:
        record = entry.to_bytes()
        mac = self.put(ResourceType.VFS_ENTRY, record)
        self.entries[entry.path], self.tree[entry.path] = entry, mac
        if entry.is_directory:
            self.frames.setdefault(entry.path, {})
        if entry.path != "/":
            kind = dirpack.DIRECTORY if entry.is_directory else dirpack.OTHER
            self.put_frame(entry.parent_path, Frame(kind, record, mac))
        return entry

    def directory(self, path: str, **fields: tuple[str, ...]) -> Entry:
        directory, name = paths.split(path)
        return self.add(Entry(directory, FileInfo(name, mode=MODE_DIRECTORY | 0o755), **fields))  # type: ignore[arg-type]

    def file(self, path: str, content: bytes) -> Entry:
        directory, name = paths.split(path)
        found = self.content(content)
        info = FileInfo(name, size=len(content), mtime_ns=10**9)
        return self.add(Entry(directory, info, object=found, content_type="text/calendar", chunks=1))

    def content(self, content: bytes) -> bytes:
        mac = self.put(ResourceType.CHUNK, content)
        return self.put(ResourceType.OBJECT, Object(mac, (ObjectChunk(mac, len(content)),), "text/calendar").to_bytes())

    def attribute(self, path: str, name: str, value: bytes) -> ExtendedAttribute:
        found = ExtendedAttribute(path, name, len(value), self.content(value))
        self.attributes[found.key] = self.put(ResourceType.XATTR_ENTRY, found.to_bytes())
        return found

    def fail(self, path: str, message: str) -> None:
        self.failures[paths.to_key(path)] = self.put(ResourceType.ERROR_ENTRY, Failure(path, message).to_bytes())

    def put_frame(self, directory: str, frame: Frame) -> None:
        self.frames[directory][paths.to_key(frame.entry().name)] = frame

    def without_blob(self, path: str) -> None:
        """The entry's blob is not stored."""
        self._forgotten.add((ResourceType.VFS_ENTRY, self.tree[path]))

    def without_frame(self, path: str) -> None:
        """The entry is not in the listing."""
        directory, name = paths.split(path)
        del self.frames[directory][paths.to_key(name)]

    def without_listing(self, path: str) -> None:
        """The directory is not in the index of listings."""
        self._unlisted.add(path)

    def sum_up(self, path: str) -> Summary:
        totals = SummaryBuilder()
        for _, frame in sorted(self.frames[path].items()):
            entry = frame.entry()
            if entry.is_directory:
                totals.add_directory(self.sum_up(entry.path))
            else:
                chunks = entry.chunks if entry.has_object else None
                numbers = {"mode": entry.mode, "size": entry.size, "mtime_ns": entry.mtime_ns, "chunks": chunks}
                totals.add_child(content_type=entry.content_type, **numbers)  # type: ignore[arg-type]
        totals.add_errors(sum(paths.split(paths.from_key(key))[0] == path for key in self.failures))
        summary = totals.finish()
        self.summaries.setdefault(path, summary)
        return summary

    def put_tree(self, tree_type: TreeType, pairs: dict[bytes, bytes], order: int = 8) -> bytes:
        keys = sorted(pairs, key=tree_type.order_of)
        blobs = list(bulk_load(tree_type, keys, [pairs[key] for key in keys], self.mac, order=order))
        for blob in blobs:
            self.put(blob.type, blob.record)
        return blobs[-1].mac

    def put_index(self, name: str) -> Index:
        if name == "dirpack":
            pairs = {
                paths.to_key(path): self.content(b"".join(frame.to_bytes() for _, frame in sorted(frames.items())))
                for path, frames in self.frames.items()
                if path not in self._unlisted
            }
        elif name == "summary":
            pairs = {
                paths.to_key(path): self.put(ResourceType.VFS_SUMMARY, summary.to_bytes())
                for path, summary in self.summaries.items()
            }
        else:
            pairs = {
                paths.to_key(f"/{entry.content_type}{path}"): self.tree[path]
                for path, entry in self.entries.items()
                if not entry.is_directory
            }
        return Index(name, "btree", self.put_tree(INDEX_TREE, pairs))

    def grow(self) -> Snapshot:
        """Store everything, and open the snapshot."""
        summary = self.sum_up("/") if self.root_summary is None else self.root_summary
        source = Source(
            IMPORTER,
            root=self.put_tree(VFS_TREE, {paths.to_key(path): mac for path, mac in self.tree.items()}),
            xattrs=self.put_tree(XATTR_TREE, self.attributes),
            errors=self.put_tree(ERROR_TREE, self.failures),
            indexes=tuple(self.put_index(name) for name in self.indexes),
            summary=summary,
        )
        return self.store(Header(IDENTIFIER, 5, source))

    def store(self, header: Header) -> Snapshot:
        packer = Packer(self.storage, self.repository.codec, self.repository.keyed, 1 << 26)
        for (kind, mac), record in self.blobs.items():
            if (kind, mac) not in self._forgotten:
                packer.add(kind, mac, record)
        packer.add(ResourceType.SNAPSHOT, header.identifier, header.to_bytes())
        self.repository.put_state(header.identifier, placement_runs(packer.finish(), header.identifier))
        return self.repository.snapshot(header.identifier)
