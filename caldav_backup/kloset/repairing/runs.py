"""What a state says of packfiles that were found: the entries of a repair.

Owns their order, which counts: what is taken away comes before what is told anew.
"""

from __future__ import annotations

from collections.abc import Sequence

from caldav_backup.kloset.packfile import IndexRecord
from caldav_backup.kloset.state import LocationEntry, Run, make_run


def location_run(packfile: bytes, records: Sequence[IndexRecord]) -> Run:
    """Where the blobs of one packfile lie."""
    return make_run(
        [
            LocationEntry(each.resource_type & 0xFF, each.version, each.mac, packfile, each.offset, each.length)
            for each in records
        ]
    )
