"""One extended attribute of a path: what it is called, and which object holds its value.

Owns the record and the tree key (`docs/design/format.md`, "Extended attributes"). Does not read values.
"""

from __future__ import annotations

from typing import NamedTuple

from caldav_backup.kloset import paths, records
from caldav_backup.kloset.fields import read_fields
from caldav_backup.kloset.resources import VERSION_1_0_0

EXTENDED = 0
ALTERNATE_DATA_STREAM = 1
# Newer stores know a third type, "custom"; plakar 1.1.4 puts `#` behind whatever it does not know.
_SUFFIXES = {EXTENDED: ":", ALTERNATE_DATA_STREAM: "@", 2: "%"}


class ExtendedAttribute(NamedTuple):
    """`size` is the value's, in bytes; `object` its object's id."""

    path: str
    name: str
    size: int
    object: bytes
    kind: int = EXTENDED
    version: int = VERSION_1_0_0

    @property
    def key(self) -> bytes:
        return attribute_key(self.path, self.name, self.kind)

    def to_bytes(self) -> bytes:
        return b"".join(
            (
                records.map_header(6),
                records.string("version"),
                records.uint32(self.version),
                records.string("path"),
                records.string(self.path),
                records.string("name"),
                records.string(self.name),
                records.string("size"),
                records.int64(self.size),
                records.string("type"),
                records.uint8(self.kind),
                records.string("object"),
                records.binary(self.object),
            )
        )

    @classmethod
    def from_bytes(cls, encoded: bytes) -> ExtendedAttribute:
        fields = read_fields(encoded, "an extended attribute's record")
        return cls(
            path=fields.text("path"),
            name=fields.text("name"),
            size=fields.unsigned("size"),
            object=fields.mac("object"),
            kind=fields.unsigned("type"),
            version=fields.unsigned("version"),
        )


def attribute_key(path: str, name: str, kind: int = EXTENDED) -> bytes:
    """Key in the attributes' tree. Nothing separates path and name, so compare both with the record that is found."""
    return paths.to_key(path + name + _SUFFIXES.get(kind, "#"))
