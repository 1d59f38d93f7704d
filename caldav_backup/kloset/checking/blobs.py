"""Reading blobs for a check, which goes on where a blob cannot be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import ResourceType

# Blobs that are read together; where one of them is damaged, all of them are read once more, one by one.
_WINDOW = 64


def each_blob(repository: Repository, resource_type: ResourceType, macs: Sequence[bytes]) -> Iterator[bytes | Damaged]:
    """For each MAC its blob, or why it cannot be read."""
    for start in range(0, len(macs), _WINDOW):
        window = macs[start : start + _WINDOW]
        try:
            yield from [blob for _, blob in repository.get_blobs(resource_type, window)]
        except Damaged:
            for mac in window:
                yield _blob(repository, resource_type, mac)


def _blob(repository: Repository, resource_type: ResourceType, mac: bytes) -> bytes | Damaged:
    try:
        return repository.get_blob(resource_type, mac)
    except Damaged as exc:
        # Without what led to it, which holds the bytes of others in memory.
        return exc.with_traceback(None)
