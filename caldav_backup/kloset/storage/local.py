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
        content = file.read(limit + 1)
    if len(content) > limit:
        raise Damaged(f"{path} has more than {limit} bytes, so it is not what its name says")
    return content


def read_range(path: Path, offset: int, length: int) -> bytes:
    """Exactly `length` bytes from `offset`. OSError; Damaged when the file ends before."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        # Asked before reading, so that a damaged length reserves no memory.
        if offset < 0 or not 0 <= length <= size - offset:
            raise Damaged(
                f"{path} is cut short or what refers to it is wrong: "
                f"{length} bytes from {offset} were to be read, it has {size}"
            )
        content = os.pread(descriptor, length, offset)
        while len(content) < length:
            more = os.pread(descriptor, length - len(content), offset + len(content))
            if not more:
                raise Damaged(f"{path} became shorter while it was read; is another program writing to the store?")
            content += more
        return content
    finally:
        os.close(descriptor)


def cannot_read(path: Path, exc: OSError) -> StorageUnavailable:
    return StorageUnavailable(f"cannot read {path}: {exc.strerror or exc}")
