"""One directory that is held open: files are written, replaced and removed in it by plain names.

Owns that nothing outside the directory is touched, whoever changes what its path leads to meanwhile: every call goes
by the open descriptor (openat and its like), no symbolic link is followed, no name with a `/` is taken, and what is
there already is never opened for writing. A file appears whole or not at all. Errors are `OSError`s.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import secrets
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

#: File systems without hard links answer with one of these.
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV})
#: SMB and FUSE mounts may not know fsync; what somebody else put into a file's place is none of our business.
_NO_FLUSH = frozenset({errno.EINVAL, errno.ENOTSUP, errno.ELOOP, errno.EMLINK, errno.EACCES, errno.ENOENT, errno.ENXIO})

#: Files that are rather written to the disk one by one.
_FEW = 16

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# Opening a FIFO would wait for its other end for ever.
_UNTRUSTED = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class OpenDirectory:
    """The directory behind `descriptor`; `path` is for messages."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor = descriptor
        self.path = path

    def names(self) -> list[str]:
        """Everything in it, in no particular order."""
        return os.listdir(self._descriptor)

    def make_directory(self, name: str) -> None:
        """A new directory below this one; FileExistsError where anything is."""
        os.mkdir(_plain(name), dir_fd=self._descriptor)

    @contextmanager
    def below(self, name: str) -> Iterator[OpenDirectory]:
        """The directory `name` in it, open while inside; NotADirectoryError for a symbolic link."""
        try:
            descriptor = os.open(_plain(name), _DIRECTORY | os.O_NOFOLLOW, dir_fd=self._descriptor)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EMLINK):  # macOS, FreeBSD
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), name) from error
            raise
        with _closing(descriptor):
            yield OpenDirectory(descriptor, self.path / name)

    def state(self, name: str) -> os.stat_result:
        """What `name` is; a symbolic link is one."""
        return os.stat(_plain(name), dir_fd=self._descriptor, follow_symlinks=False)

    def add(self, name: str, content: bytes) -> os.stat_result:
        """A new file; FileExistsError where anything is, also a symbolic link that leads nowhere."""
        with self._written(content, None) as temporary:
            self._move_to_free_place(temporary, _plain(name))
            return self.state(name)

    def replace(self, name: str, content: bytes) -> os.stat_result:
        """A file in the place of a file, with its permissions. Other names of the old one keep what they have."""
        with self._written(content, stat.S_IMODE(self.state(name).st_mode) & 0o777) as temporary:
            os.replace(temporary, name, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)
            return self.state(name)

    def remove(self, name: str) -> None:
        """The name `name`, never what it links to."""
        os.unlink(_plain(name), dir_fd=self._descriptor)

    def flush(self, names: Collection[str]) -> None:
        """Have the system write these files, and that they are there, to the disk."""
        if len(names) > _FEW and _sync_file_system(self._descriptor):
            return
        for name in names:
            with _tolerant():
                descriptor = os.open(_plain(name), os.O_RDONLY | _UNTRUSTED, dir_fd=self._descriptor)
                with _closing(descriptor):
                    os.fsync(descriptor)
        with _tolerant():
            os.fsync(self._descriptor)

    @contextmanager
    def _written(self, content: bytes, mode: int | None) -> Iterator[str]:
        """The name of a file with `content`, hidden from all readers, and removed in the end if it is still there."""
        temporary = f".{secrets.token_hex(8)}.tmp"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o666 if mode is None else 0o600, dir_fd=self._descriptor)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                if mode is not None:
                    os.fchmod(descriptor, mode)
            yield temporary
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=self._descriptor)

    def _move_to_free_place(self, temporary: str, name: str) -> None:
        places = {"src_dir_fd": self._descriptor, "dst_dir_fd": self._descriptor}
        try:
            os.link(temporary, name, follow_symlinks=False, **places)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            with contextlib.suppress(FileNotFoundError):
                self.state(name)
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name) from error
            os.replace(temporary, name, **places)


def _sync_file_system(descriptor: int) -> bool:
    """Have all of the file system written to the disk: for thousands of files much faster than one by one.

    False where there is no such call (it is Linux's own, syncfs(2)). OSError where something could not be written.
    """
    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is None:
        return False
    if syncfs(descriptor):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return True


@contextmanager
def open_directory(path: Path) -> Iterator[OpenDirectory]:
    """`path` as the user gave it, so that symbolic links on the way to it are followed; open while inside."""
    descriptor = os.open(path, _DIRECTORY)
    with _closing(descriptor):
        yield OpenDirectory(descriptor, path)


def _plain(name: str) -> str:
    """`name` if it is one component of a path; OSError (EINVAL) otherwise."""
    if not name or name in (".", "..") or "/" in name or "\0" in name:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), name)
    return name


@contextmanager
def _closing(descriptor: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _tolerant() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_FLUSH:
            raise
