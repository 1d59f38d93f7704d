"""A tar or zip archive as a destination: unpacked, it is the vdir that a directory would have become.

Owns where a record goes in it, and that nothing in it leads whoever unpacks it out of the directory that they chose.
The form is `archives`', when the file appears `outputs`', which names are safe `portable_names`'.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from caldav_backup.connectors import naming
from caldav_backup.connectors.archives import Archive, Write
from caldav_backup.connectors.base import Collection, Version
from caldav_backup.connectors.destination import Created, Outcome, Written
from caldav_backup.connectors.one_way import OneWayDestination
from caldav_backup.connectors.outputs import Output
from caldav_backup.connectors.portable_names import iter_numbered, safe_file_name, safe_record_name
from caldav_backup.connectors.vdir_metadata import metadata_of


class ArchiveDestination(OneWayDestination):
    """Writes to `output` what `archive` makes of it. Everything in it is as old as `seconds` since the Unix epoch."""

    def __init__(self, output: Output, archive: Callable[[Write, int], Archive], *, seconds: int) -> None:
        super().__init__(output)
        self._make = archive
        self._seconds = seconds
        self._made: Archive | None = None
        #: Names of calendars as every file system compares them.
        self._taken: set[str] = set()

    def leaf(self, name: str, uid: str | None, attempt: int = 0) -> str:
        """`name` as a file name that every file system takes."""
        return safe_record_name(name, uid, attempt)

    def write_beginning(self, displaynames: Sequence[str]) -> None:
        """An archive begins with its first entry."""
        del displaynames
        self._made = self._make(self._output.write, self._seconds)

    async def create(self, hint: str, attributes: Mapping[str, bytes]) -> Created:
        """A directory with the metadata files that vdir knows."""
        name = next(free for free in iter_numbered(safe_file_name(hint)) if naming.fold(free) not in self._taken)
        self._taken.add(naming.fold(name))
        files, not_kept = metadata_of(attributes)
        with self.writing():
            self._archive.add_directory(name)
            for key, content in files.items():
                self._archive.add_file(f"{name}/{key}", content)
        displayname = attributes.get("displayname", b"").decode("utf-8", "replace")
        return Created(Collection(name, name, displayname), not_kept)

    async def write(
        self, collection: Collection, leaf: str, content: bytes, *, replaced: Version | None, silent: bool
    ) -> Outcome:
        """One file."""
        del replaced, silent
        with self.writing():
            self._archive.add_file(f"{collection.key}/{leaf}", content)
        return Written(Version(leaf, leaf, "", 0, len(content)))

    def write_end(self) -> None:
        """What makes the archive whole."""
        self._archive.finish()

    async def close(self) -> None:
        """Leave nothing unfinished behind."""
        if self._made is not None:
            self._made.abandon()
        await super().close()

    @property
    def _archive(self) -> Archive:
        assert self._made is not None, "`begin` comes first"
        return self._made
