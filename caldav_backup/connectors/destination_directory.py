"""A directory as a destination: one sub-directory per calendar, one file per record (vdir), as khal and others read it.

Owns where a record goes and when one may be replaced or removed: only the regular file that was listed, while it is
unchanged. That nothing outside the directory is touched is `open_directory`'s, which names are safe `portable_names`',
what calendars are called `vdir_metadata`'s, reading `directory`'s.
"""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from caldav_backup.connectors import naming
from caldav_backup.connectors.base import Catalogue, Collection, Failed, Record, Version
from caldav_backup.connectors.destination import (
    CalendarNotMade,
    Created,
    Deleted,
    Deletion,
    DestinationNotWritable,
    Ending,
    Limits,
    Outcome,
    Refused,
    Scheduling,
    Taken,
    Written,
)
from caldav_backup.connectors.directory import DirectorySource, version_from
from caldav_backup.connectors.open_directory import OpenDirectory, open_directory
from caldav_backup.connectors.portable_names import iter_numbered, safe_file_name, safe_record_name
from caldav_backup.connectors.vdir_metadata import metadata_of

#: Errors that concern one file; any other means that nothing can be written.
_OF_ONE_FILE = frozenset({errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL, errno.EFBIG, errno.EISDIR, errno.ENOTDIR})


class DirectoryDestination:
    """Writes calendars below `root`, which is made when missing. `clock` gives nanoseconds since the Unix epoch."""

    can_create = True
    can_read_back = True
    concurrency = 1
    scheduling = Scheduling.NONE
    has_account_wide_uids = False

    def __init__(self, root: Path, *, clock: Callable[[], int] = time.time_ns) -> None:
        self._root = root
        self._clock = clock
        self._source = DirectorySource(root, clock=clock)
        #: Names of what was written, by the calendar's directory.
        self._written: dict[str, set[str]] = {}

    @property
    def origin(self) -> str:
        """The directory's absolute path."""
        return self._source.origin

    async def catalogue(self) -> Catalogue:
        """The sub-directories; none when there is no directory yet. Files beside them are no calendar to add to."""
        if not await asyncio.to_thread(os.path.lexists, self._root):
            return Catalogue(())
        found = await self._source.catalogue()
        return Catalogue([one for one in found.collections if one.key == one.hint], found.left_out)

    async def list_versions(self, collection: Collection) -> list[Version]:
        """Every `.ics` file of the calendar."""
        return (await self._source.list_versions(collection)).versions

    async def fetch(self, collection: Collection, versions: Sequence[Version]) -> list[Record]:
        """The files' bytes."""
        return await self._source.fetch(collection, versions)

    async def list_uids(self, collection: Collection) -> Mapping[str, str] | None:
        """A file's UID is in the file."""
        del collection
        return None

    async def limits(self, collection: Collection | None) -> Limits:
        """A directory takes everything."""
        del collection
        return Limits()

    async def read(self, key: str) -> Record:
        """No UID is taken twice here, so nobody asks."""
        return Failed(Version(key, key, "", 0, -1), "a file is read with its calendar")

    def refusal(self, collection: Collection) -> str:
        """A symbolic link may lead anywhere: nothing is written through it."""
        path = self._root / collection.key
        if path.is_symlink():
            return f"{path} is a symbolic link"
        if path.exists() and not os.access(path, os.W_OK | os.X_OK):
            return f"{path} is closed to you: {os.strerror(errno.EACCES)}"
        return ""

    def leaf(self, name: str, uid: str | None, attempt: int = 0) -> str:
        """`name` as a file name that every file system takes and that stays below its directory."""
        return safe_record_name(name, uid, attempt)

    async def begin(self, displaynames: Sequence[str]) -> None:
        """Make the root."""
        del displaynames
        try:
            self._root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DestinationNotWritable(f"cannot make the directory {self._root}: {error.strerror}") from error

    async def create(self, hint: str, attributes: Mapping[str, bytes]) -> Created:
        """Make a sub-directory with the metadata files that vdir knows."""
        name = await asyncio.to_thread(self._make_directory, safe_file_name(hint))
        displayname = attributes.get("displayname", b"").decode("utf-8", "replace")
        collection = Collection(name, name, displayname)
        return Created(collection, await self.complete(collection, attributes))

    async def complete(self, collection: Collection, attributes: Mapping[str, bytes]) -> Sequence[str]:
        """Write those metadata files that are not there."""
        files, lost = metadata_of(attributes)
        not_kept = [*lost]
        for key, content in files.items():
            outcome = await asyncio.to_thread(self._place, collection.key, key, content, None)
            not_kept += [f"{key}: {outcome.reason}"] if isinstance(outcome, Refused) else []
        return not_kept

    async def write(
        self, collection: Collection, leaf: str, content: bytes, *, replaced: Version | None, silent: bool
    ) -> Outcome:
        """One file, written beside its place and moved there; a directory mails nobody.

        In this very thread: a hop to another one costs more than what it would wait for, and there is nobody to wait.
        """
        del silent
        return self._place(collection.key, leaf, content, replaced)

    async def delete(self, collection: Collection, version: Version, *, silent: bool) -> Deletion:
        """Remove the file while it is the one that was listed."""
        del silent
        return self._remove(collection.key, version)

    async def finish(self, *, replace: bool) -> Ending:
        """Have the system write to the disk what it still holds in memory."""
        del replace
        for calendar, names in self._written.items():
            await asyncio.to_thread(self._flush, calendar, names)
        return Ending.WRITTEN

    async def close(self) -> None:
        """Nothing is held open."""

    def _make_directory(self, name: str) -> str:
        try:
            with open_directory(self._root) as root:
                return _make_free_directory(root, name)
        except OSError as error:
            raise CalendarNotMade(f"cannot make the directory {self._root / name}: {error.strerror}") from error

    def _place(self, calendar: str, name: str, content: bytes, replaced: Version | None) -> Outcome:
        path = self._root / calendar / name
        try:
            with open_directory(self._root) as root, root.below(calendar) as directory:
                if replaced is None:
                    found = directory.add(name, content)
                elif (reason := self._reason_against_touching(directory, name, replaced)) is not None:
                    return Taken(reason)
                else:
                    found = directory.replace(name, content)
        except FileExistsError:
            return Taken(f"{path} is there already")
        except OSError as error:
            return _refused(error, f"cannot write {path}")
        self._written.setdefault(calendar, set()).add(name)
        return Written(version_from(name, found, self._clock()))

    def _remove(self, calendar: str, version: Version) -> Deletion:
        path = self._root / calendar / version.leaf
        try:
            with open_directory(self._root) as root, root.below(calendar) as directory:
                if (reason := self._reason_against_touching(directory, version.leaf, version)) is not None:
                    return Taken(reason)
                directory.remove(version.leaf)
        except OSError as error:
            return _refused(error, f"cannot remove {path}")
        self._written.setdefault(calendar, set()).discard(version.leaf)
        return Deleted()

    def _reason_against_touching(self, directory: OpenDirectory, name: str, listed: Version) -> str | None:
        """Why what is there may not be replaced or removed; None when it is the regular file that was listed."""
        path = directory.path / name
        try:
            there = directory.state(name)
        except FileNotFoundError:
            return f"{path} has vanished"
        if not stat.S_ISREG(there.st_mode):
            return f"{path} is {'a symbolic link' if stat.S_ISLNK(there.st_mode) else 'no regular file'}"
        found = version_from(name, there, self._clock())
        same = (found.mtime_ns, found.length) == (listed.mtime_ns, listed.length)
        # The inode is in the ETag, which a file that changed just now has not.
        same_file = not (found.etag and listed.etag) or found.etag == listed.etag
        return None if same and same_file else f"{path} has changed meanwhile"

    def _flush(self, calendar: str, names: set[str]) -> None:
        path = self._root / calendar
        try:
            with open_directory(self._root) as root:
                with root.below(calendar) as directory:
                    directory.flush(names)
                root.flush(())
        except OSError as error:
            raise DestinationNotWritable(f"cannot make {path} lasting: {error.strerror}") from error


def _make_free_directory(root: OpenDirectory, name: str) -> str:
    taken = {naming.fold(there) for there in root.names()}
    for free in iter_numbered(name):
        if naming.fold(free) not in taken:
            try:
                root.make_directory(free)
            except FileExistsError:
                # Made since, or the file system takes more names for the same than we do.
                continue
            return free
    raise AssertionError("numbers do not end")


def _refused(error: OSError, what: str) -> Refused:
    """The refusal of one file; `DestinationNotWritable` where nothing else can be written either."""
    if error.errno in _OF_ONE_FILE:
        return Refused(f"{what}: {error.strerror}")
    raise DestinationNotWritable(f"{what}: {error.strerror}") from error
