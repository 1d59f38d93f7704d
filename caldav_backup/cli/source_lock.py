"""One run per source at a time on this machine: a second one waits for a while, then gives up.

Owns the lock files in the state directory. The store's own locks are not ours to stretch: shared ones let two runs in.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path

from caldav_backup.settings.private_files import make_private_directory

#: Seconds between two looks at a lock that is held.
_INTERVAL = 0.5


@contextlib.contextmanager
def source_lock(
    state_directory: Path, store: str, source: str, wait: float, tell: Callable[[str], None] = lambda _: None
) -> Iterator[None]:
    """Held inside. Locked after `wait` seconds. The system takes it back when the process ends, however that is.

    `tell` is told once, before the wait, what is waited for.
    """
    try:
        import fcntl
    except ImportError:
        # Windows: two runs at once cost double work, nothing else.
        yield
        return
    name = blake2b(f"{store}\0{source}".encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
    descriptor = _open(state_directory / "locks", name)
    try:
        _wait_for(lambda: fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB), source, wait, tell)
        yield
    finally:
        os.close(descriptor)


def _open(directory: Path, name: str) -> int:
    try:
        make_private_directory(directory)
        return os.open(directory / name, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        hint = "a run must be able to lock its source; CALDAV_BACKUP_STATE_DIR says where"
        raise OSError(error.errno, f"{error.strerror}; {hint}", error.filename) from error


def _wait_for(take: Callable[[], None], source: str, wait: float, tell: Callable[[str], None]) -> None:
    from caldav_backup.kloset.errors import Locked

    begun = time.monotonic()
    is_told = False
    while True:
        try:
            take()
        except BlockingIOError:
            if time.monotonic() - begun >= wait:
                raise Locked(f"another backup of {source} is running; --lock-wait waits longer for it") from None
            if not is_told:
                tell(f"another backup of {source} on this machine")
                is_told = True
            time.sleep(_INTERVAL)
        else:
            return
