"""A directory as a destination: one sub-directory per calendar, one file per record (vdir), as khal and others read it.

Owns safe writing below one root: names from a snapshot are never trusted as paths, no symbolic link below the root is
followed, every file appears whole or not at all. Reading is `directory`'s.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from blake3 import blake3

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
from caldav_backup.connectors.directory import METADATA, DirectorySource, is_record_name, version_from

#: Characters that no Windows file system takes, and what is no text at all.
_NOT_PORTABLE = re.compile(r'[\\:*?"<>|\ud800-\udfff]')
#: Names that Windows takes for devices, whatever extension follows.
_DEVICES = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?:\..*)?", re.IGNORECASE)
#: Errors that concern one file; any other means that nothing can be written.
_OF_ONE_FILE = frozenset({errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL, errno.EFBIG, errno.EISDIR, errno.ENOTDIR})
#: SMB and FUSE mounts may not know fsync; links and files that are not ours are none of our business.
_NO_FLUSH = frozenset({errno.EINVAL, errno.ENOTSUP, errno.ELOOP, errno.EACCES, errno.ENOENT})
#: File systems without hard links answer with one of these.
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV})


class DirectoryDestination:
    """Writes calendars below `root`, which is made when missing. `clock` gives nanoseconds since the Unix epoch."""

    can_create = True
    can_read_back = True
    concurrency = 1
    scheduling = Scheduling.NONE

    def __init__(self, root: Path, *, clock: Callable[[], int] = time.time_ns) -> None:
        self._root = root
        self._clock = clock
        self._source = DirectorySource(root, clock=clock)
        self._touched: set[Path] = set()

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

    async def limits(self, collection: Collection) -> Limits:
        """A directory takes everything."""
        del collection
        return Limits()

    async def read(self, key: str) -> Record:
        """No UID is taken twice here, so nobody asks."""
        return Failed(Version(key, key, "", 0, -1), "a file is read with its calendar")

    def refusal(self, collection: Collection) -> str:
        """A symbolic link may lead anywhere: nothing is written through it."""
        path = self._root / collection.key
        return f"{path} is a symbolic link" if path.is_symlink() else ""

    def leaf(self, name: str, uid: str | None, attempt: int = 0) -> str:
        """`name` as a file name that every file system takes and that stays below its directory."""
        safe = safe_file_name(naming.record_name(name))
        return naming.with_suffix(safe, _digest(f"{name}\0{uid}", 6 + attempt)) if attempt else safe

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
        directory = self._root / name
        not_kept: list[str] = []
        for key in METADATA:
            if attributes.get(key):
                outcome = await asyncio.to_thread(self._place, directory / key, attributes[key], None)
                not_kept += [] if isinstance(outcome, Written) else [f"{key}: {outcome.reason}"]
        displayname = attributes.get("displayname", b"").decode("utf-8", "replace")
        return Created(Collection(name, name, displayname), not_kept)

    async def write(
        self, collection: Collection, leaf: str, content: bytes, *, replaced: Version | None, silent: bool
    ) -> Outcome:
        """One file, written beside its place and moved there; a directory mails nobody."""
        del silent
        directory = self._root / collection.key
        if refusal := self.refusal(collection):
            return Refused(refusal)
        return await asyncio.to_thread(self._place, directory / leaf, content, replaced)

    async def delete(self, collection: Collection, version: Version, *, silent: bool) -> Deletion:
        """Remove the file while it is the one that was listed."""
        del silent
        if refusal := self.refusal(collection):
            return Refused(refusal)
        return await asyncio.to_thread(self._remove, self._root / collection.key / version.leaf, version)

    async def finish(self, *, replace: bool) -> Ending:
        """Have the system write to the disk what it still holds in memory."""
        del replace
        for directory in self._touched:
            await asyncio.to_thread(_flush, directory)
        return Ending.WRITTEN

    async def close(self) -> None:
        """Nothing is held open."""

    def _make_directory(self, name: str) -> str:
        taken = {naming.fold(there) for there in os.listdir(self._root)}
        number, free = 2, name
        while naming.fold(free) in taken:
            number, free = number + 1, f"{name}-{number}"
        try:
            (self._root / free).mkdir()
        except OSError as error:
            raise CalendarNotMade(f"cannot make the directory {self._root / free}: {error.strerror}") from error
        return free

    def _place(self, path: Path, content: bytes, replaced: Version | None) -> Outcome:
        self._touched.add(path.parent)
        temporary = path.parent / f".{secrets.token_hex(8)}.tmp"
        try:
            _write_new(temporary, content)
            if replaced is None:
                _move_to_free_place(temporary, path)
            elif (reason := self._reason_against_replacing(path, replaced)) is not None:
                return Taken(reason)
            else:
                temporary.replace(path)
            return Written(version_from(path.name, path.lstat(), self._clock()))
        except FileExistsError:
            return Taken(f"{path} is there already")
        except OSError as error:
            if error.errno in _OF_ONE_FILE:
                return Refused(f"cannot write {path}: {error.strerror}")
            raise DestinationNotWritable(f"cannot write {path}: {error.strerror}") from error
        finally:
            temporary.unlink(missing_ok=True)

    def _remove(self, path: Path, version: Version) -> Deletion:
        if (reason := self._reason_against_replacing(path, version)) is not None:
            return Taken(reason)
        try:
            path.unlink()
        except OSError as error:
            if error.errno in _OF_ONE_FILE:
                return Refused(f"cannot remove {path}: {error.strerror}")
            raise DestinationNotWritable(f"cannot remove {path}: {error.strerror}") from error
        self._touched.add(path.parent)
        return Deleted()

    def _reason_against_replacing(self, path: Path, replaced: Version) -> str | None:
        try:
            found = version_from(path.name, path.lstat(), self._clock())
        except FileNotFoundError:
            return f"{path} has vanished"
        if path.is_symlink():
            return f"{path} is a symbolic link"
        same = (found.mtime_ns, found.length) == (replaced.mtime_ns, replaced.length)
        return None if same else f"{path} has changed meanwhile"


def safe_file_name(name: str) -> str:
    """`name` as one component of a path, fit for every common file system.

    What had to change gets a digest of it, so that different names stay different, where there is room for one.
    """
    safe = _NOT_PORTABLE.sub("_", naming.safe_name(name)).rstrip(" .") or "_"
    if _DEVICES.fullmatch(safe):
        safe = f"_{safe}"
    has_room = len(safe.encode("utf-8")) < naming.MAX_NAME_BYTES - 8
    return naming.with_suffix(safe, _digest(name, 6)) if safe != name and has_room else safe


def _digest(text: str, length: int) -> str:
    return blake3(text.encode("utf-8", "surrogateescape")).hexdigest()[:length]


def _write_new(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
        file.write(content)


def _move_to_free_place(temporary: Path, path: Path) -> None:
    """Give the file its name unless that is taken, by a symbolic link too; FileExistsError then."""
    try:
        os.link(temporary, path, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
        temporary.replace(path)


def _flush(directory: Path) -> None:
    names = [name for name in os.listdir(directory) if is_record_name(name) or name in METADATA]
    for path in [*(directory / name for name in names), directory]:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            if error.errno not in _NO_FLUSH:
                raise DestinationNotWritable(f"cannot make {path} lasting: {error.strerror}") from error
