"""Files as a tar or zip archive, one after another, of the same bytes every time.

Owns the two forms. Each entry has the same owner, the same permissions and the same time: who asks twice gets the same.
Writes forward only, so that a pipe takes it as well as a file. Which names are safe is `portable_names`'.
"""

from __future__ import annotations

import tarfile
import time
import zipfile
from collections.abc import Callable
from typing import BinaryIO, Protocol, cast

#: Takes the next bytes; what it returns is of no interest.
Write = Callable[[bytes], object]

_FILE, _DIRECTORY = 0o644, 0o755

#: Years that a zip archive knows.
_DOS_YEARS = range(1980, 2108)
_BEYOND_DOS = 1 << 33
_DOS_DIRECTORY = 0x10
_UNIX = 3


class Archive(Protocol):
    """An archive that is being written. Paths are relative, with `/` between names and none at the end."""

    def add_directory(self, path: str) -> None:
        """A directory, before what is in it."""

    def add_file(self, path: str, content: bytes) -> None:
        """A file."""

    def finish(self) -> None:
        """The end of the archive."""

    def abandon(self) -> None:
        """Nothing more is written, be it finished or not."""


class TarArchive:
    """A pax archive (POSIX.1-2001): names in UTF-8, of any length. Nothing but the entry at hand is in memory."""

    def __init__(self, write: Write, seconds: int) -> None:
        self._write = write
        self._seconds = max(0, seconds)
        self._size = 0

    def add_directory(self, path: str) -> None:
        """A directory."""
        self._add_head(path, tarfile.DIRTYPE, _DIRECTORY, 0)

    def add_file(self, path: str, content: bytes) -> None:
        """A file."""
        self._add_head(path, tarfile.REGTYPE, _FILE, len(content))
        self._add(content + bytes(-len(content) % tarfile.BLOCKSIZE))

    def finish(self) -> None:
        """Two empty blocks, and as many more as fill a record, which some readers want."""
        self._add(bytes(2 * tarfile.BLOCKSIZE))
        self._add(bytes(-self._size % tarfile.RECORDSIZE))

    def abandon(self) -> None:
        """Nothing is held back."""

    def _add_head(self, path: str, kind: bytes, mode: int, size: int) -> None:
        info = tarfile.TarInfo(path)
        info.type, info.mode, info.size, info.mtime = kind, mode, size, self._seconds
        self._add(info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict"))

    def _add(self, data: bytes) -> None:
        self._write(data)
        self._size += len(data)


class ZipArchive:
    """A zip archive, compressed, with names in UTF-8; beyond 65,535 entries a ZIP64. Its times are UTC.

    Keeps some 500 bytes of each entry for the list at the archive's end.
    """

    def __init__(self, write: Write, seconds: int) -> None:
        self._stream = _Forward(write)
        self._zip = zipfile.ZipFile(cast("BinaryIO", self._stream), "w", zipfile.ZIP_DEFLATED, compresslevel=6)
        self._time = _dos_time(seconds)

    def add_directory(self, path: str) -> None:
        """A directory."""
        info = zipfile.ZipInfo(f"{path}/", self._time)
        info.create_system = _UNIX
        info.external_attr = (0o40000 | _DIRECTORY) << 16 | _DOS_DIRECTORY
        # Python 3.11 takes it from whoever calls.
        info.CRC = 0
        self._zip.mkdir(info)

    def add_file(self, path: str, content: bytes) -> None:
        """A file."""
        info = zipfile.ZipInfo(path, self._time)
        info.create_system = _UNIX
        info.external_attr = (0o100000 | _FILE) << 16
        info.compress_type = zipfile.ZIP_DEFLATED
        self._zip.writestr(info, content)

    def finish(self) -> None:
        """The list of all entries."""
        self._zip.close()

    def abandon(self) -> None:
        """Python's object would write its list as soon as nobody has it any more."""
        self._stream.is_open = False
        self._zip.close()


class _Forward:
    """The part of a stream that is used where nothing can be gone back to; leads nowhere once it is not open."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self.is_open = True

    def write(self, data: bytes) -> int:
        if self.is_open:
            self._write(bytes(data))
        return len(data)

    def flush(self) -> None:
        """`write` has done it."""


def _dos_time(seconds: int) -> tuple[int, int, int, int, int, int]:
    # A store may claim any time, and the system's calendar ends somewhere.
    year, month, day, hour, minute, second = time.gmtime(min(max(0, seconds), _BEYOND_DOS))[:6]
    if year in _DOS_YEARS:
        return year, month, day, hour, minute, second
    bound = _DOS_YEARS[0] if year < _DOS_YEARS[0] else _DOS_YEARS[-1]
    return bound, 1, 1, 0, 0, 0
