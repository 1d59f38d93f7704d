"""What one lock file says.

Owns the record (`docs/design/format.md`, "Locks"). Finding those of a store is told in `found_locks`, taking one in
`locks`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from caldav_backup.kloset import records
from caldav_backup.kloset.fields import read_fields
from caldav_backup.kloset.resources import VERSION_1_0_0

SECOND = 1_000_000_000
STALE_AFTER = 600 * SECOND
"""Nanoseconds after which a lock that nobody refreshed counts for nothing."""

Clock = Callable[[], int]
"""Nanoseconds since the Unix epoch."""


class Lock(NamedTuple):
    """What one lock file says. `timestamp_ns` since the Unix epoch, of the last refreshment."""

    timestamp_ns: int
    hostname: str
    exclusive: bool
    version: int = VERSION_1_0_0

    def to_bytes(self) -> bytes:
        return b"".join(
            (
                records.map_header(4),
                records.string("version"),
                records.uint32(self.version),
                records.string("timestamp"),
                records.timestamp(self.timestamp_ns),
                records.string("hostname"),
                records.string(self.hostname),
                records.string("exclusive"),
                records.boolean(self.exclusive),
            )
        )

    @classmethod
    def from_bytes(cls, encoded: bytes) -> Lock:
        fields = read_fields(encoded, "a lock")
        return cls(
            fields.time("timestamp"), fields.text("hostname"), fields.flag("exclusive"), fields.unsigned("version")
        )
