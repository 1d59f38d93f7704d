"""Files that only their owner may read, replaced whole or not at all.

Owns modes (0700 directories, 0600 files), atomic replacement, the lock around read-change-write, and the warning when
others can read what they should not. Knows nothing of what is in the files.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

DIRECTORY_MODE = 0o700
FILE_MODE = 0o600

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_private_directory(path: Path) -> None:
    """`path` and its parents, `path` itself with mode 0700 if it is made here; an existing one is left alone."""
    if path.is_dir():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=DIRECTORY_MODE, exist_ok=True)


def replace_file(path: Path, content: bytes) -> None:
    """`content` becomes the file `path`, mode 0600: readers see the old bytes or the new, also after a power cut."""
    try:
        _replace(path, content)
    except OSError as error:
        # Its own would be that of a temporary file; a full disk names none at all.
        error.filename, error.filename2 = str(path), None
        raise


def _replace(path: Path, content: bytes) -> None:
    import tempfile

    # A settings file that is a symbolic link into somebody's dotfiles stays one.
    target = Path(os.path.realpath(path))
    make_private_directory(target.parent)
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(FILE_MODE)
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
    _sync_directory(target.parent)


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Held while `path` is read, changed and replaced, so that two processes do not undo each other."""
    make_private_directory(path.parent)
    try:
        import fcntl
    except ImportError:
        # Windows has no flock; replacement stays atomic, only a simultaneous change may be lost.
        yield
        return
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def exposed(paths: list[Path]) -> list[Path]:
    """Those of `paths` that exist and that others than their owner can read or change."""
    if os.name != "posix":
        return []
    found = []
    for path in paths:
        with contextlib.suppress(OSError):
            if path.stat().st_mode & _OTHERS:
                found.append(path)
    return found


def _sync_directory(path: Path) -> None:
    # Some network file systems refuse to open or sync a directory; the file itself is already safe.
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
