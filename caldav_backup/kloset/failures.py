"""A path that could not be read when the snapshot was made, and why.

Owns the record in a snapshot's error index (`docs/design/format.md`, "Errors").
"""

from __future__ import annotations

from typing import NamedTuple

from caldav_backup.kloset import paths, records
from caldav_backup.kloset.fields import read_fields
from caldav_backup.kloset.resources import VERSION_1_0_0


class Failure(NamedTuple):
    """What could not be read; `message` is for people."""

    path: str
    message: str
    version: int = VERSION_1_0_0

    @property
    def key(self) -> bytes:
        return paths.to_key(self.path)

    def to_bytes(self) -> bytes:
        return b"".join(
            (
                records.map_header(3),
                records.string("version"),
                records.uint32(self.version),
                records.string("name"),
                records.string(self.path),
                records.string("error"),
                records.string(self.message),
            )
        )

    @classmethod
    def from_bytes(cls, encoded: bytes) -> Failure:
        fields = read_fields(encoded, "a record of the error index")
        return cls(fields.text("name"), fields.text("error"), fields.unsigned("version"))
