"""Checks one directory: its listing against the file tree, and the entries of its children.

Owns what can be wrong with entries, and what has to be known of a directory's children to check the snapshot around it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from caldav_backup.kloset import dirpack, paths
from caldav_backup.kloset.checking.blobs import each_blob
from caldav_backup.kloset.checking.contents import ContentCheck, Subject
from caldav_backup.kloset.checking.findings import Findings, Progress, Step, no_progress
from caldav_backup.kloset.contents import Content, stream_content
from caldav_backup.kloset.dirpack import Frame
from caldav_backup.kloset.entries import Entry
from caldav_backup.kloset.errors import BlobMissing, Damaged
from caldav_backup.kloset.live_blobs import MacSet
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.summary import SummaryBuilder
from caldav_backup.kloset.xattrs import attribute_key

_BATCH = 512
# Children of a directory whose check takes so long that somebody may want to see it move.
_MANY = 4 * _BATCH
# Entries that are told to be out of place in one listing, which may repeat itself without end.
_MOST_DISORDER = 1000
Child = tuple[bytes, bytes]
"""Path and entry id of a child, as the file tree has them."""


@dataclass(slots=True)
class Directory:
    """What is known of a directory once its children were checked; the same for every snapshot that holds it so."""

    totals: SummaryBuilder = field(default_factory=SummaryBuilder)
    directories: list[str] = field(default_factory=list)
    attributes: list[bytes] = field(default_factory=list)
    """Keys of the extended attributes that the children's entries name."""
    damaged_in: str = ""
    """Id of the snapshot in which damage was found in it; "" for none."""

    def add(self, entry: Entry) -> None:
        self.attributes += [attribute_key(entry.path, name) for name in entry.extended_attributes]
        if entry.is_directory:
            self.directories.append(entry.path)
            return
        self.totals.add_child(
            mode=entry.mode,
            size=entry.size,
            mtime_ns=entry.mtime_ns,
            content_type=entry.content_type,
            entropy=entry.entropy,
            chunks=entry.chunks if entry.has_object else None,
        )


class _Pair(NamedTuple):
    """One child in the file tree and in the listing; None where it is missing."""

    child: Child | None
    frame: Frame | None
    entry: Entry | None


class DirectoryCheck:
    """Directories of one snapshot."""

    def __init__(
        self, repository: Repository, contents: ContentCheck, sound: MacSet, findings: Findings, where: str
    ) -> None:
        """`sound` are ids of entries whose blobs need not be read again; it learns more of them."""
        self._repository = repository
        self._contents = contents
        self._sound = sound
        self._findings = findings
        self._where = where

    def check(
        self, path: str, children: Sequence[Child], listing: bytes | None, progress: Progress = no_progress
    ) -> Directory:
        """`listing` is the id of the listing's object, None in a snapshot without listings."""
        directory = Directory()
        done = 0
        pairs = self._pairs(path, children, listing)
        again: list[Subject] = []
        while batch := list(islice(pairs, _BATCH)):
            for pair in batch:
                self._compare(path, pair)
            found = [pair for pair in batch if pair.entry is not None]
            if listing is not None:
                self._check_blobs(found)
            entries = [pair.entry for pair in found if pair.entry is not None]
            for entry in entries:
                directory.add(entry)
            again += self._contents.check([_subject(entry) for entry in entries if entry.has_object], self._where)
            done += len(batch)
            if len(children) >= _MANY:
                progress(Step(f"files of {path}", min(done, len(children)), len(children)))
        self._contents.tell_again(again, self._where, path)
        return directory

    def _damage(self, path: str, message: object) -> None:
        self._findings.damage("entry", self._where, f"{path!r}: {message}", path)

    def _compare(self, path: str, pair: _Pair) -> None:
        if pair.child is None and pair.entry is not None:
            self._damage(pair.entry.path, f"it is in the listing of {path!r} and not in the file tree")
        elif pair.child is not None and pair.entry is None:
            self._damage(
                paths.from_key(pair.child[0]), "it is in the file tree and not in the listing of its directory"
            )
        elif pair.child is not None and pair.frame is not None and pair.frame.mac != pair.child[1]:
            self._damage(paths.from_key(pair.child[0]), "its entries in the file tree and in the listing differ")

    def _pairs(self, path: str, children: Sequence[Child], listing: bytes | None) -> Iterator[_Pair]:
        """Children of the tree and of the listing side by side."""
        if listing is None:
            yield from self._pairs_by_tree(children)
            return
        waiting = iter(children)
        child = next(waiting, None)
        last = b""
        disorder = 0
        for frame in self._frames(path, listing):
            entry = self._open(path, frame)
            key = b"" if entry is None else paths.to_key(entry.path)
            if entry is None or key <= last:
                if entry is not None:
                    self._damage(entry.path, f"the listing of {path!r} is not in ascending order there")
                disorder += 1
                if disorder == _MOST_DISORDER:
                    break
                continue
            last = key
            while child is not None and child[0] < key:
                yield _Pair(child, None, None)
                child = next(waiting, None)
            if child is not None and child[0] == key:
                yield _Pair(child, frame, entry)
                child = next(waiting, None)
            else:
                yield _Pair(None, frame, entry)
        while child is not None:
            yield _Pair(child, None, None)
            child = next(waiting, None)

    def _pairs_by_tree(self, children: Sequence[Child]) -> Iterator[_Pair]:
        """For a snapshot without listings, where the entries' blobs are all there is."""
        records = each_blob(self._repository, ResourceType.VFS_ENTRY, [mac for _, mac in children])
        for child, record in zip(children, records, strict=True):
            path = paths.from_key(child[0])
            try:
                if isinstance(record, Damaged):
                    raise record
                entry = Entry.from_bytes(record)
            except Damaged as exc:
                self._damage(path, exc)
                continue
            if entry.path != path:
                self._damage(path, f"the file tree has the entry of {entry.path!r} there")
            yield _Pair(child, None, entry)

    def _frames(self, path: str, listing: bytes) -> Iterator[Frame]:
        """Frames of a listing up to the first damage."""
        try:
            stream = stream_content(self._repository, Content(listing, f"the listing of {path!r}"))
            yield from dirpack.read_frames(stream, repr(path))
        except Damaged as exc:
            self._findings.damage("listing", self._where, exc, path)

    def _open(self, path: str, frame: Frame) -> Entry | None:
        """The entry of a frame that belongs into the listing of `path`."""
        try:
            entry = frame.entry()
        except Damaged as exc:
            self._findings.damage("listing", self._where, f"the listing of {path!r}: {exc}", path)
            return None
        if self._repository.keyed.mac(frame.record) != frame.mac:
            self._damage(entry.path, "its record in the listing is not what its MAC says")
        if (frame.kind == dirpack.DIRECTORY) != entry.is_directory:
            self._damage(entry.path, "the listing tells another kind of it than its entry does")
        if entry.parent_path != path or entry.name == paths.ROOT:
            self._damage(entry.path, f"it is in the listing of {path!r}, where it does not belong")
            return None
        return entry

    def _check_blobs(self, found: Sequence[_Pair]) -> None:
        """That each entry is a blob too."""
        named = [((pair.child or (b"", pair.frame.mac))[1], pair) for pair in found if pair.frame is not None]
        known = self._sound.contains_many([mac for mac, _ in named])
        new = [each for each, is_known in zip(named, known, strict=True) if not is_known]
        records = each_blob(self._repository, ResourceType.VFS_ENTRY, [mac for mac, _ in new])
        sound: list[bytes] = []
        for (mac, pair), record in zip(new, records, strict=True):
            path = pair.entry.path if pair.entry is not None else ""
            if isinstance(record, BlobMissing):
                message = f"{path!r}: its entry is in the listing only, so plakar cannot open it by its path"
                self._findings.warn("entry", self._where, message)
            elif isinstance(record, Damaged):
                self._damage(path, record)
            else:
                sound.append(mac)
        self._sound.add(sound)


def _subject(entry: Entry) -> Subject:
    """The content of a file."""
    return Subject(Content(entry.object, repr(entry.path), entry.size), entry.path)
