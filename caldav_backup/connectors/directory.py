"""A directory of `.ics` files (vdir) as a source: one calendar when the files lie in it, else one per sub-directory.

Owns the vdir conventions (https://vdirsyncer.pimutils.org/en/stable/vdir.html: one object per file, metadata in the
files `displayname`, `color`, `description` and `order`) and what counts as the version of a file. Writes nothing.
"""

from __future__ import annotations

import asyncio
import os
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from caldav_backup import ics
from caldav_backup.connectors.base import (
    Catalogue,
    Changes,
    Collection,
    CollectionUnreadable,
    Failed,
    Gone,
    LeftOut,
    Listing,
    Record,
    Resource,
    Version,
)

EXTENSION = ".ics"

#: Metadata files of a calendar; each is the attribute of the same name.
METADATA = ("displayname", "color", "description", "order")

#: Longest record in bytes: as much as any server takes, many times over.
MAX_RECORD_SIZE = 64 * 1024 * 1024
_MAX_METADATA_SIZE = 64 * 1024

#: The key of the directory itself where it is a calendar.
_ITSELF = "."


class DirectoryUnreadable(Exception):
    """The directory given as a source is not there, is none, or may not be read."""


class DirectorySource:
    """Reads the calendars below `root`. `clock` gives nanoseconds since the Unix epoch."""

    def __init__(self, root: Path, *, clock: Callable[[], int] = time.time_ns) -> None:
        self._root = root
        self._clock = clock
        #: A directory needs none.
        self.hint = ""

    @property
    def origin(self) -> str:
        """The directory's absolute path."""
        return str(self._root.absolute())

    async def catalogue(self) -> Catalogue:
        """The directory itself if it holds `.ics` files, and every sub-directory that is a calendar."""
        return await asyncio.to_thread(self._catalogue)

    @property
    def requests(self) -> int:
        """None are sent."""
        return 0

    async def complete(self, collections: Sequence[Collection]) -> list[Collection]:
        """The same collections: a directory tells all at once."""
        return list(collections)

    async def list_changes(self, collection: Collection, since: bytes) -> Changes | None:
        """Never: a directory has no sync-token."""
        del collection, since
        return None

    async def list_versions(self, collection: Collection) -> Listing:
        """Every `.ics` file of the calendar."""
        return Listing(await asyncio.to_thread(self._list, collection))

    async def fetch(self, collection: Collection, versions: Sequence[Version]) -> list[Record]:
        """The files' bytes; a file that changes while it is read is read once more."""
        directory = self._path(collection)
        return await asyncio.to_thread(lambda: [self._fetch(directory, version) for version in versions])

    async def close(self) -> None:
        """Nothing is held open."""

    def _path(self, collection: Collection) -> Path:
        return self._root / collection.key

    def _catalogue(self) -> Catalogue:
        try:
            with os.scandir(self._root) as entries:
                found = sorted(entries, key=lambda entry: os.fsencode(entry.name))
        except OSError as error:
            raise DirectoryUnreadable(f"cannot read the directory {self._root}: {error.strerror}") from error
        is_flat = any(is_record_name(entry.name) and _mode(entry) == stat.S_IFREG for entry in found)
        collections = [self._collection(_ITSELF, self._root.absolute().name)] if is_flat else []
        left_out: list[LeftOut] = []
        for entry in found:
            if entry.name.startswith(".") or _mode(entry) != stat.S_IFDIR:
                continue
            reason = _reason_against(Path(entry.path), is_flat=is_flat)
            if reason:
                left_out.append(LeftOut(entry.name, entry.name, reason))
            else:
                collections.append(self._collection(entry.name, entry.name))
        return Catalogue(collections, left_out)

    def _collection(self, key: str, hint: str) -> Collection:
        directory = self._root / key
        attributes = {name: value for name in METADATA if (value := _read_metadata(directory / name))}
        displayname = attributes.get("displayname", b"").decode("utf-8", "replace")
        return Collection(key, hint, displayname, attributes)

    def _list(self, collection: Collection) -> list[Version]:
        now = self._clock()
        try:
            with os.scandir(self._path(collection)) as entries:
                return [version for entry in entries if (version := _version_of(entry, now)) is not None]
        except OSError as error:
            raise CollectionUnreadable(f"cannot list {self._path(collection)}: {error.strerror}") from error

    def _fetch(self, directory: Path, listed: Version) -> Record:
        path = directory / listed.key
        try:
            for _ in range(2):
                found, content = _read_unchanging(path)
                if content is not None:
                    return _record(version_from(listed.key, found, self._clock()), content)
        except FileNotFoundError:
            return Gone(listed)
        except OSError as error:
            return Failed(listed, f"cannot read {path}: {error.strerror}")
        return Failed(listed, f"{path} keeps changing while it is read")


def is_record_name(name: str) -> bool:
    """True for the names of files that hold a calendar object (vdir: hidden files and other extensions do not)."""
    return name.lower().endswith(EXTENSION) and not name.startswith(".")


def version_from(name: str, found: os.stat_result, now_ns: int) -> Version:
    """The version of a file: its inode (which a replacement changes), modification time and length.

    A file modified just now gets no ETag, hence is read again next time: it may change once more within the same tick
    of the file system's clock (4 ms on Linux; whole or double seconds where the nanoseconds are always zero).
    """
    tick = 50_000_000 if found.st_mtime_ns % 1_000_000_000 else 2_000_000_000
    settled = found.st_mtime_ns + tick < now_ns
    return Version(name, name, f"{found.st_ino:x}" if settled else "", found.st_mtime_ns, found.st_size)


def _version_of(entry: os.DirEntry[str], now_ns: int) -> Version | None:
    if not is_record_name(entry.name):
        return None
    try:
        found = entry.stat()
    except FileNotFoundError:
        # Deleted since the directory was listed, or a symbolic link that leads nowhere.
        return None
    except OSError:
        # A symbolic link in a circle, or into a directory that is closed to us: reading it says what is wrong.
        return Version(entry.name, entry.name, "", 0, -1)
    return version_from(entry.name, found, now_ns) if stat.S_ISREG(found.st_mode) else None


def _mode(entry: os.DirEntry[str]) -> int:
    """The kind of file that `entry` is or links to, as in `stat.S_IFMT`; 0 when that cannot be told."""
    try:
        return stat.S_IFMT(entry.stat().st_mode)
    except OSError:
        return 0


def _read_unchanging(path: Path) -> tuple[os.stat_result, bytes | None]:
    """What `path` is and holds; None for the content when it changed meanwhile."""
    with open(path, "rb", opener=_open_at_once) as file:
        before = os.fstat(file.fileno())
        # One byte more says whether it grew or is too long. As much as is asked for is allocated, so no more is.
        content = file.read(min(before.st_size, MAX_RECORD_SIZE) + 1)
        after = os.fstat(file.fileno())
    same = (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size)
    return after, content if same else None


def _record(version: Version, content: bytes) -> Record:
    if len(content) > MAX_RECORD_SIZE:
        return Failed(version, f"larger than {MAX_RECORD_SIZE} bytes")
    if not ics.is_calendar(content):
        return Failed(version, "is no calendar object: it does not begin with BEGIN:VCALENDAR")
    return Resource(version, content)


def _reason_against(directory: Path, *, is_flat: bool) -> str:
    """Why a sub-directory is no calendar; "" when it is one. An empty one is a calendar without events."""
    try:
        names = list(_visible_names(directory))
    except OSError:
        # It may be one: that it cannot be listed must be a failure, not a choice.
        return ""
    if any(is_record_name(name) or name in METADATA for name in names):
        return ""
    return "holds no .ics files" if names or is_flat else ""


def _visible_names(directory: Path) -> Iterator[str]:
    with os.scandir(directory) as entries:
        yield from (entry.name for entry in entries if not entry.name.startswith("."))


def _read_metadata(path: Path) -> bytes:
    """A metadata file without surrounding blanks; b"" when there is none."""
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            return file.read(_MAX_METADATA_SIZE).strip()
    except OSError:
        # No such file in most calendars; one that cannot be read hides a colour, no event.
        return b""


def _open_at_once(path: str, flags: int) -> int:
    """Not even a FIFO is waited for: there is nothing in it."""
    return os.open(path, flags | os.O_NONBLOCK)
