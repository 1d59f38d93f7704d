"""Unfinished files of programs that were killed.

Owns when such a file counts as nobody's any more. What makes them is `durable`, and plakar, which gives them the same
names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from caldav_backup.kloset.storage.disk import Disk

ABANDONED_AFTER_NS: Final = 7 * 86_400 * 10**9
"""Nobody writes for so long without a pause. As long as the grace period of unused packfiles."""

is_temporary = re.compile(r"tmp\.[0-9]+").fullmatch


def remove_leftovers(disk: Disk, directories: Iterable[Path], *, beside: Path) -> None:
    """Remove what nobody has written to for a week before `beside` was, which has just been made there.

    So only one clock counts, that of the file system. What cannot be removed stays: it takes room and does no harm.
    """
    with suppress(OSError):
        now_ns = beside.stat().st_mtime_ns
        for directory in directories:
            for path in _abandoned(directory, now_ns):
                disk.remove_file(path)


def _abandoned(directory: Path, now_ns: int) -> Iterator[Path]:
    with os.scandir(directory) as entries:
        for entry in entries:
            if is_temporary(entry.name) and entry.is_file(follow_symlinks=False):
                with suppress(FileNotFoundError):
                    if now_ns - entry.stat(follow_symlinks=False).st_mtime_ns >= ABANDONED_AFTER_NS:
                        yield Path(entry.path)
