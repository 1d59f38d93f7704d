"""One directory of a new snapshot: its files, new and unchanged, and its attributes.

Owns the order of calls within a directory, the entries of its files, and their totals. What happens to directories once
they are closed is told in `assembly`; what their parents still know of them in `inheritance`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from caldav_backup.kloset.attribute_writer import AttributeWriter, Value
from caldav_backup.kloset.blob_writer import BlobWriter
from caldav_backup.kloset.content_writer import ContentWriter, Stored
from caldav_backup.kloset.dirpack import DIRECTORY, OTHER, Frame
from caldav_backup.kloset.entries import Entry
from caldav_backup.kloset.errors import InvalidArgument
from caldav_backup.kloset.listing_writer import Listing, ListingWriter
from caldav_backup.kloset.objects import MODE_DIRECTORY, FileInfo
from caldav_backup.kloset.paths import from_key, split
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.summary import SummaryBuilder
from caldav_backup.kloset.templates import EntryTemplate
from caldav_backup.kloset.unchanged import UnchangedFiles

DIRECTORY_MODE = MODE_DIRECTORY | 0o755
# Files whose frames and bodies are held at once, however many a caller passes.
_BATCH = 256


class File(NamedTuple):
    """One whole file. `mtime_ns` since the Unix epoch."""

    name: str
    content: bytes
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Writers:
    """Where the parts of a snapshot go."""

    blobs: BlobWriter
    contents: ContentWriter
    attributes: AttributeWriter


class Closed(NamedTuple):
    """A finished directory: its own entry, its children, and the totals of its files."""

    path: str
    frame: Frame
    listing: Listing
    totals: SummaryBuilder


class DirectoryBuilder:
    """Takes the files of one directory in ascending byte order of their names; `close` ends it."""

    def __init__(
        self,
        path: str,
        mtime_ns: int,
        *,
        writers: Writers,
        listing: ListingWriter,
        unchanged: Sequence[UnchangedFiles],
        done: Callable[[Closed], None],
    ) -> None:
        """`done` is told of the closed directory, once."""
        self.path = path
        self._mtime_ns = mtime_ns
        self._writers = writers
        self._listing = listing
        self._unchanged = unchanged
        self._done = done
        self._is_open = True
        self._totals = SummaryBuilder()
        # Packfiles that stay in use because unchanged files have their entries there.
        self._anchors: set[bytes] = set()
        self._templates: dict[str, EntryTemplate] = {}

    def add(self, files: Sequence[File]) -> None:
        """Store whole files. InvalidArgument, before any of a batch is stored, when a name or its place is wrong."""
        self._require_open()
        for start in range(0, len(files), _BATCH):
            self._add_batch(files[start : start + _BATCH])

    def _add_batch(self, files: Sequence[File]) -> None:
        names = self._listing.check([file.name for file in files])
        contents = self._writers.contents.store_all([file.content for file in files])
        mtimes = [file.mtime_ns for file in files]
        self._add_entries(names, contents, mtimes)

    def add_stream(self, name: str, chunks: Iterable[bytes], mtime_ns: int) -> None:
        """Store one file that comes in pieces of any size, and is never held as a whole."""
        self._require_open()
        names = self._listing.check([name])
        self._add_entries(names, [self._writers.contents.store(chunks)], [mtime_ns])

    def _add_entries(self, names: Sequence[bytes], contents: Sequence[Stored], mtimes: Sequence[int]) -> None:
        entries = [self._entry(*parts) for parts in zip(names, contents, mtimes, strict=True)]
        mac_of = self._writers.blobs.mac
        frames = [Frame(OTHER, entry, mac_of(entry)) for entry in entries]
        self._writers.blobs.put_unique(ResourceType.VFS_ENTRY, [(frame.mac, frame.record) for frame in frames])
        self._listing.add(names, frames)
        self._count(contents, mtimes)

    def _entry(self, name: bytes, content: Stored, mtime_ns: int) -> bytes:
        if content.chunks == 1:
            return self._template(content.content_type).encode(name, content.size, mtime_ns, content.object)
        info = FileInfo(from_key(name), content.size, mtime_ns=mtime_ns)
        entry = Entry(self.path, info, object=content.object, content_type=content.content_type, chunks=content.chunks)
        return entry.to_bytes()

    def _template(self, content_type: str) -> EntryTemplate:
        template = self._templates.get(content_type)
        if template is None:
            template = self._templates[content_type] = EntryTemplate(self.path, content_type)
        return template

    def _count(self, contents: Sequence[Stored], mtimes: Sequence[int]) -> None:
        by_type: dict[str, None] = dict.fromkeys(content.content_type for content in contents)
        if len(by_type) == 1:
            sizes = [content.size for content in contents]
            chunks = sum(content.chunks for content in contents)
            self._totals.add_files(sizes, mtimes, contents[0].content_type, chunks)
            return
        for content, mtime_ns in zip(contents, mtimes, strict=True):
            self._totals.add_files([content.size], [mtime_ns], content.content_type, content.chunks)

    def keep(self, names: Sequence[str], *, source: int = 0) -> None:
        """Take over files of a parent as they are; `source` is its place among the parents, from 0.

        PathNotFound when that parent has none of such a name here.
        """
        self._require_open()
        for start in range(0, len(names), _BATCH):
            parent = self._parent(source)
            checked = self._listing.check(names[start : start + _BATCH])
            frames = parent.take(checked, self._totals)
            kept = [(frame.mac, frame.record) for frame in frames]
            self._anchors |= self._writers.blobs.put_kept(ResourceType.VFS_ENTRY, kept)
            self._listing.add(checked, frames)

    def _parent(self, source: int) -> UnchangedFiles:
        if not 0 <= source < len(self._unchanged):
            count = len(self._unchanged)
            raise InvalidArgument(f"no parent {source} to keep files of in {self.path!r}: it was opened with {count}")
        return self._unchanged[source]

    def close(self, xattrs: Mapping[str, Value], *, mtime_ns: int | None = None) -> None:
        """End the directory and store its extended attributes; large ones may come in pieces.

        `mtime_ns` since the Unix epoch replaces the time given at the beginning, unless None.
        """
        self._require_open()
        self._is_open = False
        attributes = self._writers.attributes.add(self.path, xattrs, self._anchors)
        for parent in self._unchanged:
            self._writers.attributes.take_over(parent.attributes)
        time_ns = self._mtime_ns if mtime_ns is None else mtime_ns
        frame = directory_frame(self._writers.blobs, self.path, time_ns, attributes)
        self._done(Closed(self.path, frame, self._listing.finish(), self._totals))

    def _require_open(self) -> None:
        if not self._is_open:
            raise InvalidArgument(f"the directory {self.path!r} is closed and takes nothing more")


def directory_frame(blobs: BlobWriter, path: str, mtime_ns: int, attributes: tuple[str, ...]) -> Frame:
    """The entry of a directory, stored."""
    parent_path, name = split(path)
    info = FileInfo(name, mode=DIRECTORY_MODE, mtime_ns=mtime_ns)
    record = Entry(parent_path, info, extended_attributes=attributes).to_bytes()
    return Frame(DIRECTORY, record, blobs.put(ResourceType.VFS_ENTRY, record))
