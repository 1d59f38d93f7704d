"""Files that appear whole, under their final name, and survive a power cut.

Owns temporary files, syncing and what a failed write means. Where the files belong is told in `filesystem`, reading in
`local`.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from caldav_backup.kloset.errors import StorageError, StorageNotWritable, StorageUnavailable

if TYPE_CHECKING:
    from caldav_backup.kloset.resources import BytesLike

_BUFFER: Final = 1 << 20  # bytes gathered before a system call

_NOT_WRITABLE: Final = {
    errno.ENOSPC: "the disk is full; free some space and try again",
    errno.EDQUOT: "the disk quota is used up; free some space and try again",
    errno.EROFS: "the file system is read-only; mount it writable and try again",
    errno.EACCES: "permission denied; let this user write there",
    errno.EPERM: "operation not permitted; let this user write there",
    errno.EFBIG: "the file system takes no file of this size",
}

# What network and user-space file systems say when they cannot sync a directory.
_CANNOT_SYNC: Final = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})


class FileWriter:
    """Fulfils `StorageWriter` with a temporary file and a rename."""

    def __init__(self, directory: Path, place: Callable[[bytes], Path]) -> None:
        """A temporary file in `directory`, which must be on the file system of every path that `place` returns."""
        self._place = place
        # The name that the reference gives its temporary files, and ignores when it lists a store.
        self._temporary = directory / f"tmp.{secrets.randbelow(10**18):018d}"
        try:
            descriptor = os.open(self._temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise cannot_write(self._temporary, exc) from exc
        self._file = open(descriptor, "wb", buffering=_BUFFER)  # noqa: SIM115 - closed by commit or abort

    def write(self, data: BytesLike) -> None:
        try:
            self._file.write(data)
        except OSError as exc:
            raise cannot_write(self._temporary, exc) from exc

    def commit(self, identifier: bytes) -> None:
        path = self._place(identifier)
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._temporary.replace(path)
            sync_directory(path.parent)
        except OSError as exc:
            self.abort()
            raise cannot_write(path, exc) from exc

    def abort(self) -> None:
        # Whoever aborts has an error to report already; a temporary file that stays behind is invisible.
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            self._temporary.unlink(missing_ok=True)


def make_directory(path: Path) -> bool:
    """Make it with mode 0700; False when it exists already. OSError."""
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        if path.is_dir():
            return False
        raise
    return True


def sync_directory(path: Path) -> None:
    """Make the names in a directory survive a power cut, where the file system can. OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as exc:
        if exc.errno not in _CANNOT_SYNC:
            raise
    finally:
        os.close(descriptor)


def cannot_write(path: Path, exc: OSError) -> StorageError:
    advice = _NOT_WRITABLE.get(exc.errno or 0)
    if advice is not None:
        return StorageNotWritable(f"cannot write {path}: {advice}")
    return StorageUnavailable(f"cannot write {path}: {exc.strerror or exc}")
