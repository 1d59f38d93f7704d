"""What a state says about new packfiles: which blobs lie in them, and that they count.

Owns the translation of a packfile's index records into location entries (`docs/design/format.md`, "Packfiles" and
"States"), by columns: a first backup of 100,000 events has 300,000 of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from caldav_backup.kloset.packer import StoredPackfile
from caldav_backup.kloset.packfile import RECORD_SIZE
from caldav_backup.kloset.state import LOCATION_STRIDE, EntryType, LocationEntry, PackfileEntry, Run, make_run

# Where the bytes of an entry come from: its first byte, that of an index record, and how many. The type is one byte
# here and four there.
_FIELDS = (
    (5, 0, 1),  # resource type
    (6, 4, 4),  # version of the record
    (10, 8, 32),  # MAC
    (74, 40, 8),  # offset
    (82, 48, 4),  # length
    (86, 52, 4),  # flags
)


def placement_runs(packfiles: Sequence[StoredPackfile], state: bytes) -> list[Run]:
    """The entries of the state with the id `state` that makes these packfiles count."""
    if not packfiles:
        return []
    entries = [PackfileEntry(packfile.identifier, state, packfile.timestamp_ns) for packfile in packfiles]
    return [*map(_locate, packfiles), make_run(entries)]


def _locate(packfile: StoredPackfile) -> Run:
    records = packfile.index_records
    pattern = make_run([LocationEntry(0, 0, bytes(32), packfile.identifier, 0, 0)]).entries
    entries = bytearray(pattern) * packfile.count
    for target, source, width in _FIELDS:
        for byte in range(width):
            entries[target + byte :: LOCATION_STRIDE] = records[source + byte :: RECORD_SIZE]
    return Run(EntryType.LOCATION, bytes(entries))
