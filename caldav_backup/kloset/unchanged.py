"""Files of a directory that are the same in an earlier snapshot.

Owns the walk through the parent's listing beside the new one: both ascend, so one pass is enough. The bytes of an entry
are taken over, not made anew, whoever wrote them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from caldav_backup.kloset.dirpack import DIRECTORY, Frame
from caldav_backup.kloset.entries import Entry
from caldav_backup.kloset.errors import Damaged, PathNotFound
from caldav_backup.kloset.inheritance import Inheritance
from caldav_backup.kloset.objects import CALENDAR
from caldav_backup.kloset.paths import from_key, join, to_key
from caldav_backup.kloset.summary import SummaryBuilder
from caldav_backup.kloset.templates import EntryTemplate, PlainFile


class UnchangedFiles:
    """The files of one directory of a parent snapshot, taken in ascending byte order of their names."""

    def __init__(self, path: str, parent: Inheritance) -> None:
        self._path = path
        self._parent = parent
        self._template = EntryTemplate(path, CALENDAR)
        self._frames = self._read()
        self._mac_of = parent.parent.repository.keyed.mac
        self.attributes: dict[bytes, bytes] = {}
        """Tree keys and entry ids of the extended attributes of all files taken."""

    def _read(self) -> Iterator[Frame]:
        """Nothing is read, or missed, before something is to be kept."""
        yield from self._parent.parent.directory_frames(self._path)

    def take(self, names: Sequence[bytes], totals: SummaryBuilder) -> list[Frame]:
        """The frames of these files, which count in `totals`. PathNotFound when one is not there."""
        frames: list[Frame] = []
        plain: list[PlainFile] = []
        for name in names:
            frame, found = self._find(name)
            frames.append(frame)
            if isinstance(found, PlainFile):
                plain.append(found)
            else:
                _count_plain(totals, plain)
                plain = []
                self._count(totals, found)
        _count_plain(totals, plain)
        return frames

    def _find(self, wanted: bytes) -> tuple[Frame, PlainFile | Entry]:
        for frame in self._frames:
            if frame.kind == DIRECTORY:
                continue
            found = self._template.match(frame.record) or frame.entry()
            name = found.name if isinstance(found, PlainFile) else to_key(found.name)
            if name == wanted:
                self._verify(frame, name)
                return frame, found
            if name > wanted:
                break
        path = join(self._path, from_key(wanted))
        raise PathNotFound(f"{path!r} cannot be kept: the parent snapshot has no such file, or it was passed already")

    def _verify(self, frame: Frame, name: bytes) -> None:
        """The listing as a whole was verified, but not that its ids are right, and this one goes into a new tree."""
        if self._mac_of(frame.record) != frame.mac:
            path = join(self._path, from_key(name))
            raise Damaged(f"the entry of {path!r} in the parent snapshot has a wrong id; store the file anew")

    def _count(self, totals: SummaryBuilder, entry: Entry) -> None:
        """An entry of any kind, and its extended attributes."""
        totals.add_child(
            mode=entry.mode,
            size=entry.size,
            mtime_ns=entry.mtime_ns,
            content_type=entry.content_type,
            entropy=entry.entropy,
            chunks=entry.chunks if entry.has_object else None,
        )
        self.attributes |= self._parent.attributes_of(entry)


def _count_plain(totals: SummaryBuilder, files: Sequence[PlainFile]) -> None:
    totals.add_files([file.size for file in files], [file.mtime_ns for file in files], CALENDAR, len(files))
