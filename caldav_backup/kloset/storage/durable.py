"""Files that appear whole, under their final name, and survive a power cut.

Owns temporary files, the order of syncing (docs/design/durability.md) and what a failed write means. Where the files
belong is told in `filesystem`, reading in `local`, the system calls in `disk`.
"""

from __future__ import annotations

import errno
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from caldav_backup.kloset.errors import StorageError, StorageNotWritable, StorageUnavailable

if TYPE_CHECKING:
    from caldav_backup.kloset.resources import BytesLike
    from caldav_backup.kloset.storage.disk import Disk

_NOT_WRITABLE: Final = {
    errno.ENOSPC: "the disk is full; free some space and try again",
    errno.EDQUOT: "the disk quota is used up; free some space and try again",
    errno.EROFS: "the file system is read-only; mount it writable and try again",
    errno.EACCES: "permission denied; let this user write there",
    errno.EPERM: "operation not permitted; let this user write there",
    errno.EFBIG: "the file system takes no file of this size",
}


class FileWriter:
    """Fulfils `StorageWriter` with a temporary file and a rename."""

    def __init__(self, disk: Disk, directory: Path, place: Callable[[bytes], Path]) -> None:
        """A temporary file in `directory`, which must be on the file system of every path that `place` returns."""
        self._disk = disk
        self._place = place
        # The name that the reference gives its temporary files, and ignores when it lists a store.
        self.temporary = directory / f"tmp.{secrets.randbelow(10**18):018d}"
        try:
            self._file = disk.create_file(self.temporary)
        except OSError as exc:
            raise cannot_write(self.temporary, exc) from exc

    def write(self, data: BytesLike) -> None:
        try:
            self._file.write(data)
        except OSError as exc:
            raise cannot_write(self.temporary, exc) from exc

    def commit(self, identifier: bytes) -> None:
        path = self._place(identifier)
        try:
            self._disk.sync_file(self._file)
            self._file.close()
            self._disk.rename(self.temporary, path)
            self._disk.sync_directory(path.parent)
        except OSError as exc:
            self.abort()
            raise cannot_write(path, exc) from exc

    def abort(self) -> None:
        # Whoever aborts has an error to report already; a temporary file that stays behind is invisible.
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            self._disk.remove_file(self.temporary)


def make_directory(disk: Disk, path: Path, mode: int = 0o700) -> None:
    """Make it unless it exists. OSError."""
    try:
        disk.make_directory(path, mode)
    except FileExistsError:
        if not path.is_dir():
            raise


def make_parents(disk: Disk, path: Path) -> None:
    """Make what is missing above a path, and make the names of what was made survive a power cut. OSError."""
    parent = path.absolute().parent
    if not parent.is_dir():
        make_parents(disk, parent)
        make_directory(disk, parent, 0o777)
        disk.sync_directory(parent.parent)


def cannot_write(path: Path, exc: OSError) -> StorageError:
    advice = _NOT_WRITABLE.get(exc.errno or 0)
    if advice is not None:
        return StorageNotWritable(f"cannot write {path}: {advice}")
    return StorageUnavailable(f"cannot write {path}: {exc.strerror or exc}")
