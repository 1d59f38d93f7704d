"""Reading blobs for a check, which goes on where a blob cannot be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import ResourceType


def each_blob(repository: Repository, resource_type: ResourceType, macs: Sequence[bytes]) -> Iterator[bytes | Damaged]:
    """For each MAC its blob, or why it cannot be read."""
    done = 0
    while done < len(macs):
        blobs = repository.get_blobs(resource_type, macs[done:])
        try:
            for _, blob in blobs:
                done += 1
                yield blob
        except Damaged as exc:
            done += 1
            yield exc
