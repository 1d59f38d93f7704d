"""The system calls by which a store's files and directories appear and disappear, one method each.

Owns nothing but the calls: in which order they come is told in `durable` and `filesystem`, and
docs/design/durability.md says why. Tests put a disk in this one's place that dies at a call, fails it, or forgets what
was never synced (`tests/crash`).
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import BinaryIO, Final, Protocol

_BUFFER: Final = 1 << 20  # bytes gathered before a system call

# What network and user-space file systems say when they cannot sync, directories above all.
_CANNOT_SYNC: Final = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})


class Disk(Protocol):
    """Every method may raise OSError."""

    def create_file(self, path: Path) -> BinaryIO:
        """A new file, mode 0600, to be written from its beginning; FileExistsError when there is one."""

    def sync_file(self, file: BinaryIO) -> None:
        """Make all that was written survive a power cut, where the file system can; the file's name may be lost."""

    def rename(self, old: Path, new: Path) -> None:
        """Give a file another name, in the place of any other that has it."""

    def remove_file(self, path: Path) -> None:
        """Take a name away. FileNotFoundError when it is gone already."""

    def make_directory(self, path: Path, mode: int) -> None:
        """A new directory; the umask takes from `mode`. FileExistsError when something is there."""

    def sync_directory(self, path: Path) -> None:
        """Make the names in a directory, and the absence of others, survive a power cut, where the file system can."""


class SystemDisk:
    """Fulfils `Disk` with the operating system."""

    def create_file(self, path: Path) -> BinaryIO:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        return open(descriptor, "wb", buffering=_BUFFER)

    def sync_file(self, file: BinaryIO) -> None:
        file.flush()
        _sync(file.fileno())

    def rename(self, old: Path, new: Path) -> None:
        old.replace(new)

    def remove_file(self, path: Path) -> None:
        path.unlink()

    def make_directory(self, path: Path, mode: int) -> None:
        path.mkdir(mode)

    def sync_directory(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            _sync(descriptor)
        finally:
            os.close(descriptor)


def _sync(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as exc:
        if exc.errno not in _CANNOT_SYNC:
            raise
