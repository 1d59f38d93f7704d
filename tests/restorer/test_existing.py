"""What a destination holds is read in requests that are small enough to be held in memory, some at once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from caldav_backup.connectors.base import Collection, Failed, Record, Version
from caldav_backup.connectors.destination_directory import DirectoryDestination
from caldav_backup.restorer.existing import BATCH, BATCH_BYTES, fetch_all

if TYPE_CHECKING:
    from collections.abc import Sequence


class Counting(DirectoryDestination):
    """Notes how much it is asked for at once."""

    def __init__(self) -> None:
        super().__init__(Path("nowhere"))
        self.asked: list[int] = []

    async def fetch(self, collection: Collection, versions: Sequence[Version]) -> list[Record]:
        del collection
        self.asked.append(len(versions))
        return [Failed(version, "") for version in versions]


def asked(lengths: Sequence[int]) -> list[int]:
    versions = [Version(f"{number}.ics", f"{number}.ics", "1", 0, length) for number, length in enumerate(lengths)]
    destination = Counting()

    async def story() -> list[Version]:
        return [record.version async for record in fetch_all(destination, Collection("cal", "cal"), versions)]

    assert asyncio.run(story()) == versions
    return destination.asked


def test_small_records_are_asked_for_by_the_hundred() -> None:
    assert asked([-1] * (4 * BATCH + 1)) == [BATCH] * 4 + [1]
    assert asked([]) == []


def test_large_records_are_asked_for_few_at_a_time() -> None:
    half = BATCH_BYTES // 2
    assert asked([half, half, half, 3 * half, 1, 1]) == [2, 1, 1, 2]
