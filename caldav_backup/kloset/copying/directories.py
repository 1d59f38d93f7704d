"""One directory on its way from one store into another: its listing, the entries in it, the contents of its files.

Owns how an entry is translated: all of it stays, but for the id of its object, and the number of its chunks where both
stores cut differently. What cannot be read is left out and told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import NamedTuple

from caldav_backup.kloset import dirpack, paths
from caldav_backup.kloset.blob_writer import BlobWriter
from caldav_backup.kloset.content_writer import ContentWriter
from caldav_backup.kloset.contents import Content
from caldav_backup.kloset.copying.contents import ContentCopier
from caldav_backup.kloset.copying.known import DirectoryCopy, Objects
from caldav_backup.kloset.dirpack import DIRECTORY, Frame
from caldav_backup.kloset.entries import Entry
from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.objects import CALENDAR
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.templates import EntryTemplate

_BATCH = 512
_IMPOSSIBLE = (b".", b"..")

LostAttributes = Mapping[str, AbstractSet[str]]
"""Attributes that could not be read, by path: their entries must not list them."""


Watcher = Callable[[int, int], None]


class Child(NamedTuple):
    """One entry of the source's listing; `object` is empty for what has no content, `is_plain` if a template fits."""

    frame: Frame
    name: bytes
    object: bytes
    size: int
    is_plain: bool


class Loss(NamedTuple):
    """A path that the copy lacks, wholly or in part, and why."""

    path: str
    message: str


class DirectoryCopier:
    """Copies directories of one source's snapshots; one at a time."""

    def __init__(self, contents: ContentCopier, blobs: BlobWriter, listings: ContentWriter) -> None:
        self.contents = contents
        self.blobs = blobs
        self.listings = listings
        self._watcher: Watcher | None = None
        self._done = self._total = 0

    def watch(self, watcher: Watcher | None, total: int) -> None:
        """From now on `watcher` is told how many files are done, of `total`."""
        self._watcher, self._done, self._total = watcher, 0, total

    def copy(
        self,
        path: str,
        frames: Iterable[Frame],
        *,
        listing: bytes,
        objects: Objects | None,
        lost: LostAttributes,
        anchors: set[bytes],
    ) -> tuple[DirectoryCopy, list[Loss]]:
        """Copy what `frames` list; `objects` are known from an earlier version of this directory.

        Packfiles that hold entries of unchanged files are added to `anchors`, see `attribute_writer`.
        """
        one = _OneDirectory(self, path, objects or Objects(), lost)
        for batch in one.batches(frames):
            anchors |= one.add(batch)
            self._done += len(batch)
            if self._watcher is not None:
                self._watcher(min(self._done, self._total), self._total)
        return one.finish(listing), one.losses


class _OneDirectory:
    def __init__(self, copier: DirectoryCopier, path: str, objects: Objects, lost: LostAttributes) -> None:
        self._contents = copier.contents
        self._blobs = copier.blobs
        self._path = path
        self._before = objects
        self._lost = lost
        self._template = EntryTemplate(path, CALENDAR)
        self._stream = copier.listings.open(dirpack.CONTENT_TYPE)
        self._objects = Objects()
        self._names: list[bytes] = []
        self._macs: list[bytes] = []
        self._directories: list[bytes] = []
        self._chunks = 0
        self.losses: list[Loss] = []

    def batches(self, frames: Iterable[Frame]) -> Iterator[list[Child]]:
        """The children, as many at once as are read together; a damaged listing ends where its damage begins."""
        children = self._children(frames)
        while batch := list(islice(children, _BATCH)):
            yield batch

    def _children(self, frames: Iterable[Frame]) -> Iterator[Child]:
        last = b""
        try:
            for frame in frames:
                child = self._child(frame)
                if child.name <= last or b"\0" in child.name or child.name in _IMPOSSIBLE:
                    raise Damaged(
                        f"the listing of {self._path!r} is not in order or has an impossible name; "
                        "the store is damaged or hostile there"
                    )
                last = child.name
                yield child
        except Damaged as exc:
            self.losses.append(Loss(self._path, str(exc)))

    def _child(self, frame: Frame) -> Child:
        plain = self._template.match(frame.record)
        if plain is not None:
            return Child(frame, plain.name, self._template.object_of(frame.record), plain.size, is_plain=True)
        entry = frame.entry()
        if entry.parent_path != self._path or entry.name == paths.ROOT:
            raise Damaged(f"the listing of {self._path!r} holds the entry of {entry.path!r}; the store is damaged")
        if lost := self._lost.get(entry.path):
            kept = tuple(name for name in entry.extended_attributes if name not in lost)
            frame = Frame(frame.kind, entry._replace(extended_attributes=kept).to_bytes(), b"")
        return Child(
            frame, paths.to_key(entry.name), entry.object if entry.has_object else b"", entry.size, is_plain=False
        )

    def add(self, children: Sequence[Child]) -> set[bytes]:
        """Copy some children; the packfiles that hold entries of theirs and that no other does."""
        unreadable = self._copy_contents(children)
        frames: list[Frame] = []
        for child in children:
            damage = unreadable.get(child.object)
            if damage is not None:
                self.losses.append(Loss(paths.join(self._path, paths.from_key(child.name)), str(damage)))
                continue
            record = self._translate(child)
            frames.append(Frame(child.frame.kind, record, self._blobs.mac(record)))
            self._names.append(child.name)
            if child.frame.kind == DIRECTORY:
                self._directories.append(child.name)
        self._macs += [frame.mac for frame in frames]
        kept = [(frame.mac, frame.record) for frame in frames]
        self._stream.write(b"".join([frame.to_bytes() for frame in frames]))
        return self._blobs.put_kept(ResourceType.VFS_ENTRY, kept)

    def _copy_contents(self, children: Sequence[Child]) -> dict[bytes, Damaged]:
        """Make sure that all objects are in the destination; those that cannot be, with the reason."""
        new: dict[bytes, Content] = {}
        for child in children:
            mac = child.object
            if not mac or mac in self._objects.ids:
                continue
            known = self._before.ids.get(mac)
            if known is None:
                path = paths.join(self._path, paths.from_key(child.name))
                new[mac] = Content(mac, repr(path), child.size)
            else:
                self._objects.add(mac, known, self._before.chunks.get(mac, (0, 0)))
        unreadable: dict[bytes, Damaged] = {}
        for mac, copied in self._contents.copy(list(new.values())).items():
            if isinstance(copied, Damaged):
                unreadable[mac] = copied
            else:
                self._objects.add(mac, copied.identifier, (copied.source_chunks, copied.chunks))
        return unreadable

    def _translate(self, child: Child) -> bytes:
        record, mac = child.frame.record, child.object
        if not mac:
            return record
        there = self._objects.ids[mac]
        chunks = self._objects.chunks.get(mac)
        if chunks is not None:
            entry = Entry.from_bytes(record)
            self._chunks += chunks[1] - entry.chunks
            return entry._replace(object=there, chunks=chunks[1]).to_bytes()
        if child.is_plain:
            return self._template.with_object(record, there)
        # Fields that are not known here stay, too, as long as nothing else in the record looks like the id.
        if record.count(mac) == 1:
            return record.replace(mac, there)
        return Entry.from_bytes(record)._replace(object=there).to_bytes()

    def finish(self, listing: bytes) -> DirectoryCopy:
        return DirectoryCopy(
            source=b"" if self.losses else listing,
            object=self._stream.finish().object,
            names=b"\0".join(self._names),
            macs=b"".join(self._macs),
            directories=tuple(self._directories),
            objects=self._objects,
            chunks=self._chunks,
        )
