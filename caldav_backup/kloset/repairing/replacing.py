"""What a state says of damaged packfiles: which blobs are gone, and where the others lie.

Owns when a packfile is named anew and when single blobs are taken out of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from caldav_backup.kloset.packfile import IndexRecord
from caldav_backup.kloset.repairing.examining import DamagedPackfile
from caldav_backup.kloset.repairing.runs import location_run
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.state import DeleteEntry, Entry, EntryType, LostEntry, PackfileEntry, Run, make_run

# Blobs that are taken out one by one. Taking out costs every reader a search, so many are dropped together with their
# packfile, which is then named again with the others.
_SINGLE = 32


def replacement_runs(damaged: DamagedPackfile, named: Mapping[bytes, PackfileEntry], now_ns: int) -> list[Run]:
    """The entries for one packfile; none where everything that counts in it can be read."""
    lost = damaged.lost
    if not lost and not damaged.moved:
        return []
    packfile = damaged.identifier
    said: list[Entry] = [LostEntry(packfile, now_ns)] if any(map(_counts, lost)) else []
    if not damaged.keeps_anything:
        return _runs([*said, DeleteEntry(EntryType.PACKFILE, packfile=packfile)])
    if len(lost) + len(damaged.moved) <= _SINGLE:
        gone = [_without(packfile, record) for record in (*lost, *damaged.moved)]
        return _runs([*said, *gone]) + ([location_run(packfile, damaged.moved)] if damaged.moved else [])
    entry = PackfileEntry(packfile, named[packfile].state, named[packfile].timestamp_ns)
    runs = _runs([*said, DeleteEntry(EntryType.PACKFILE, packfile=packfile)])
    return [*runs, location_run(packfile, (*damaged.good, *damaged.moved)), make_run([entry])]


def _without(packfile: bytes, record: IndexRecord) -> DeleteEntry:
    return DeleteEntry(EntryType.LOCATION, record.resource_type & 0xFF, record.mac, packfile)


def _counts(record: IndexRecord) -> bool:
    return record.resource_type != ResourceType.RANDOM


def _runs(entries: Sequence[Entry]) -> list[Run]:
    """Entries of several kinds as runs, in their order."""
    runs: list[Run] = []
    waiting: list[Entry] = []
    for entry in entries:
        if waiting and type(entry) is not type(waiting[0]):
            runs.append(make_run(waiting))
            waiting = []
        waiting.append(entry)
    return [*runs, make_run(waiting)] if waiting else runs


def uncolour_runs(packfiles: Sequence[bytes]) -> list[Run]:
    """Packfiles that a maintenance marked as unused count again."""
    return _runs([DeleteEntry(EntryType.COLOURED, ResourceType.PACKFILE, packfile) for packfile in packfiles])
