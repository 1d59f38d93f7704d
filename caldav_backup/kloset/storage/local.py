"""Reading local files, whole or in part, never more than there is room for.

Owns the bounds and what a failed read means. Which file to read is told in `filesystem` and `ptar`.
"""

from __future__ import annotations

import os
from pathlib import Path

from caldav_backup.kloset.errors import Damaged, StorageUnavailable


def read_whole(path: Path, limit: int | None) -> bytes:
    """All bytes of a file. OSError; Damaged when there are more than `limit`."""
    with path.open("rb") as file:
        if limit is None:
            return file.read()
        # Asked before reading, for a file with holes may be as long as it likes, and `read` takes all the room at once.
        size = os.fstat(file.fileno()).st_size
        content = file.read(size + 1) if size <= limit else None
    if content is None or len(content) > limit:
        raise Damaged(f"{path} has more than {limit} bytes, so it is not what its name says")
    return content


def read_range(path: Path, offset: int, length: int) -> bytes:
    """Exactly `length` bytes from `offset`. OSError; Damaged when the file ends before."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        # Asked before reading, so that a damaged length reserves no memory.
        inside = offset >= 0 and 0 <= length <= size - offset
        file.seek(offset if inside else 0)
        content = file.read(length if inside else 0)
    if not inside or len(content) != length:
        raise Damaged(
            f"{path} is cut short or what refers to it is wrong: "
            f"{length} bytes from {offset} were to be read, it has {size}; run a check to see what is affected"
        )
    return content


def cannot_read(path: Path, exc: OSError) -> StorageUnavailable:
    return StorageUnavailable(f"cannot read {path}: {exc.strerror or exc}")
