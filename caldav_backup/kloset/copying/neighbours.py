"""A snapshot that both stores have: what the copying of the next one can take from it.

Owns the comparison of the two. Listings are read only of directories that are asked for. Nothing is taken on trust from
a copy that tells of another number of files, another size, or other failures than the original.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

from caldav_backup.kloset import paths
from caldav_backup.kloset.copying.known import DirectoryCopy, Known, Objects, trees_of
from caldav_backup.kloset.dirpack import DIRECTORY, Frame
from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.header import UNSIGNED, Header
from caldav_backup.kloset.inheritance import Inheritance
from caldav_backup.kloset.objects import CALENDAR
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.snapshot import Snapshot
from caldav_backup.kloset.summary import Summary, Totals
from caldav_backup.kloset.templates import EntryTemplate

_BATCH = 512


class _File(NamedTuple):
    name: bytes
    object: bytes
    size: int
    chunks: int


class Neighbour:
    """The same snapshot in the source and in the destination."""

    def __init__(self, original: Snapshot, copy: Snapshot) -> None:
        self._original = original
        self._copy = copy
        self._source = Inheritance(original)
        self._destination = Inheritance(copy)

    @cached_property
    def is_faithful(self) -> bool:
        """Whether the copy is one by this program, and whole."""
        original, copy = self._original.header, self._copy.header
        return (
            _without_trees(original) == _without_trees(copy)
            and _without_chunks(original.summary) == _without_chunks(copy.summary)
            and {index.name for index in copy.source.indexes} == {"dirpack", "summary"}
            and original.find_index("dirpack") is not None
            and not copy.more_sources
        )

    def known(self) -> Known:
        """What is known to begin with: nothing, if the copy is not one to build upon."""
        if not self.is_faithful:
            return Known()
        return Known(sources={trees_of(self._original.header.source): self._copy.header.source})

    def attributes(self) -> dict[bytes, bytes]:
        """Ids of attributes' entries in the source with those in the destination."""
        if not self.is_faithful:
            return {}
        there = self._destination.attributes
        return {mac: there[key] for key, mac in self._source.attributes.items() if key in there}

    def directory(self, path: bytes, listing: bytes) -> DirectoryCopy | None:
        """The copy of a directory if the listing is the same; otherwise nothing, or what its objects have become."""
        if not self._has(path):
            return None
        if self._source.dirpacks[path] == listing:
            return self._unchanged(path, listing)
        return DirectoryCopy(b"", b"", b"", b"", (), self.objects(path))

    def _has(self, path: bytes) -> bool:
        return self.is_faithful and path in self._source.dirpacks and path in self._destination.dirpacks

    def _unchanged(self, path: bytes, listing: bytes) -> DirectoryCopy:
        files = list(_files(self._copy, paths.from_key(path)))
        before, after = self._source.summary(path), self._destination.summary(path)
        return DirectoryCopy(
            source=listing,
            object=self._destination.dirpacks[path],
            names=b"\0".join(file.name for _, file in files),
            macs=b"".join(frame.mac for frame, _ in files),
            directories=tuple(file.name for frame, file in files if frame.kind == DIRECTORY),
            objects=None,
            chunks=after.directory.chunks - before.directory.chunks,
        )

    def objects(self, path: bytes) -> Objects | None:
        """Objects of a directory's files in both stores, by the files' names."""
        if not self._has(path):
            return None
        found = Objects()
        directory = paths.from_key(path)
        copies = (file for _, file in _files(self._copy, directory))
        copied: _File | None = next(copies, None)
        batch: list[tuple[_File, _File]] = []
        for _, file in _files(self._original, directory):
            while copied is not None and copied.name < file.name:
                copied = next(copies, None)
            if copied is None:
                break
            if copied.name == file.name and copied.size == file.size and file.object and copied.object:
                batch.append((file, copied))
            if len(batch) == _BATCH:
                self._take(batch, found)
                batch = []
        self._take(batch, found)
        return found

    def _take(self, pairs: list[tuple[_File, _File]], found: Objects) -> None:
        """What lies in a lost or damaged packfile of the destination has to be stored again."""
        there = self._copy.repository.index.contains_many(ResourceType.OBJECT, [copied.object for _, copied in pairs])
        for (file, copied), is_there in zip(pairs, there, strict=True):
            if is_there:
                found.add(file.object, copied.object, (file.chunks, copied.chunks))


def _files(snapshot: Snapshot, path: str) -> Iterator[tuple[Frame, _File]]:
    template = EntryTemplate(path, CALENDAR)
    for frame in snapshot.directory_frames(path):
        plain = template.match(frame.record)
        if plain is not None:
            yield frame, _File(plain.name, template.object_of(frame.record), plain.size, 1)
            continue
        entry = frame.entry()
        if entry.parent_path != path:
            raise Damaged(f"the listing of {path!r} holds the entry of {entry.path!r}; the store is damaged there")
        mac = entry.object if entry.has_object else b""
        yield frame, _File(paths.to_key(entry.name), mac, entry.size, entry.chunks)


def _without_trees(header: Header) -> Header:
    source = header.source._replace(root=b"", xattrs=b"", errors=b"", indexes=(), summary=Summary())
    return replace(header, source=source, more_sources=(), identity=UNSIGNED)


def _without_chunks(summary: Summary) -> tuple[Totals, Totals]:
    return summary.directory._replace(chunks=0), summary.below._replace(chunks=0)
