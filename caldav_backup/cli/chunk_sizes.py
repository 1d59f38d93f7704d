"""Chunk sizes as people write them on a command line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from caldav_backup.cli.exits import Usage

if TYPE_CHECKING:
    from caldav_backup.kloset.configuration import ChunkSizes

_SIZE = re.compile(r"(\d{1,10})(?:([KMG])(?:i?B)?)?", re.IGNORECASE)
_UNITS = {None: 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def chunk_sizes(text: str) -> ChunkSizes:
    """`4K,16K,64K`: the least, the usual and the most bytes of a chunk; Usage for anything else."""
    from caldav_backup.kloset.configuration import LARGEST_CHUNK, SMALLEST_CHUNK, ChunkSizes

    found = [_SIZE.fullmatch(part.strip()) for part in text.split(",")]
    if len(found) != 3 or None in found:
        raise Usage(f"--chunk-size takes three sizes such as 4K,16K,64K, not {text!r}")
    minimum, normal, maximum = (
        int(each[1]) * _UNITS[each[2].upper() if each[2] else None] for each in found if each is not None
    )
    if not SMALLEST_CHUNK <= minimum < normal < maximum <= LARGEST_CHUNK:
        raise Usage(
            f"--chunk-size takes the least, the usual and the most bytes of a chunk, each more than the one before, "
            f"from {SMALLEST_CHUNK} to 1G; {text!r} is not like that"
        )
    return ChunkSizes(minimum, normal, maximum)
