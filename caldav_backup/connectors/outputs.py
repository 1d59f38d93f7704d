"""Where one stream of bytes goes: to whoever reads standard output, or to a file that appears whole or not at all.

Owns when a file appears, and what becomes of the one that was there: unless it is the same, it is replaced only when
that is asked for, and kept beside with `~` behind its name. Errors are `OSError`s.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, Protocol

from caldav_backup.connectors.destination import Ending

#: What the file that was replaced is called afterwards: its name, and this.
KEPT_SUFFIX = "~"

#: File systems without hard links answer with one of these.
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV})
#: SMB and FUSE mounts may not know fsync.
_NO_FLUSH = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EACCES})


class Output(Protocol):
    """One stream of bytes, from its beginning to its end."""

    @property
    def name(self) -> str:
        """What people call it."""

    def begin(self) -> None:
        """The first bytes are about to come."""

    def write(self, data: bytes) -> None:
        """The next bytes."""

    def finish(self, *, replace: bool) -> Ending:
        """That was all. `replace`: a file with other content may be overwritten."""

    def close(self) -> None:
        """Leave nothing unfinished behind."""


class StreamOutput:
    """A stream that somebody else owns and reads at once."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream = stream
        self.name = name

    def begin(self) -> None:
        """Nothing to prepare."""

    def write(self, data: bytes) -> None:
        """Hand over at once, so that a reader sees each record when it is there."""
        self._stream.write(data)
        self._stream.flush()

    def finish(self, *, replace: bool) -> Ending:
        """Nothing is held back."""
        del replace
        return Ending.WRITTEN

    def close(self) -> None:
        """The stream is its owner's."""


class FileOutput:
    """The file at `path`: written beside its place, and moved there when all of it is there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._temporary = path.parent / f".{secrets.token_hex(8)}.tmp"
        self._stream: BinaryIO | None = None

    @property
    def name(self) -> str:
        """Its absolute path."""
        return str(self._path.absolute())

    def begin(self) -> None:
        """Open the file beside its place; until then a plan that is only looked at leaves nothing."""
        self._require_regular()
        self._stream = self._temporary.open("xb")

    def write(self, data: bytes) -> None:
        """The next bytes; unlike a pipe, a file needs no flush after each record."""
        assert self._stream is not None
        self._stream.write(data)

    def finish(self, *, replace: bool) -> Ending:
        """Put the file into its place: unless the same is there already, or another one that may not be replaced."""
        assert self._stream is not None
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        try:
            _move_to_free_place(self._temporary, self._path)
            ending = Ending.WRITTEN
        except FileExistsError:
            ending = self._beside_another(replace=replace)
        _flush_directory(self._path.parent)
        return ending

    def close(self) -> None:
        """Remove what is not in its place."""
        # What a full or read-only disk says to this has been told by the write that failed.
        if self._stream is not None:
            with contextlib.suppress(OSError):
                self._stream.close()
        with contextlib.suppress(OSError):
            self._temporary.unlink(missing_ok=True)

    def _beside_another(self, *, replace: bool) -> Ending:
        self._require_regular()
        if _digest(self._path) == _digest(self._temporary):
            return Ending.IDENTICAL
        if not replace:
            return Ending.KEPT
        self._temporary.chmod(self._path.stat().st_mode & 0o777)
        self._keep_other()
        self._temporary.replace(self._path)
        return Ending.REPLACED

    def _keep_other(self) -> None:
        """Give the file that is there a second name, so that there is one at every moment."""
        second = self._path.parent / f".{secrets.token_hex(8)}.tmp"
        try:
            try:
                os.link(self._path, second, follow_symlinks=False)
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                shutil.copy2(self._path, second)
            second.replace(self._path.with_name(self._path.name + KEPT_SUFFIX))
        finally:
            # Still there where the two names were of one file already: then moving one over the other does nothing.
            second.unlink(missing_ok=True)

    def _require_regular(self) -> None:
        """A device or a FIFO is something to write to, and nothing to put a file in the place of."""
        if os.path.lexists(self._path) and not self._path.is_file():
            raise FileExistsError(errno.EEXIST, "is there, and is no regular file", str(self._path))


def _move_to_free_place(temporary: Path, path: Path) -> None:
    """Give the file its name unless that is taken; FileExistsError then."""
    try:
        os.link(temporary, path, follow_symlinks=False)
        temporary.unlink()
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
        temporary.replace(path)


def _flush_directory(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NO_FLUSH:
            raise


def _digest(path: Path) -> bytes:
    state = blake2b(digest_size=16)
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            state.update(piece)
    return state.digest()
