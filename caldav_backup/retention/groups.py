"""Which snapshots are counted together: those of one source and selection, and apart from them what restores put aside.

Owns that a backup of some calendars never takes the place of one of all of them, and that snapshots of other programs
are no backups of ours. Works on headers alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from caldav_backup.marks import BEFORE_RESTORE, IMPORTER_TYPE, source_of

if TYPE_CHECKING:
    from caldav_backup.kloset.header import Header


class Lineage(NamedTuple):
    """One source, as one program backs it up. `place` tells sources of other programs apart that share a job's name."""

    source: str
    program: str = IMPORTER_TYPE
    place: str = ""


class Group(NamedTuple):
    """Snapshots that a policy counts together; `selection` is "" where all calendars were asked for."""

    lineage: Lineage
    selection: str = ""
    is_before_restore: bool = False

    @property
    def source(self) -> str:
        return self.lineage.source


def is_ours(header: Header) -> bool:
    """False for snapshots of other programs that share the store."""
    return header.importer.type == IMPORTER_TYPE


def lineage_of(header: Header) -> Lineage:
    """Whose snapshot it is."""
    if is_ours(header):
        return Lineage(source_of(header))
    importer = header.importer
    return Lineage(source_of(header), importer.type, importer.origin + importer.directory)


def group_of(header: Header) -> Group:
    """With which snapshots it is counted. What restores put aside is of some calendars each time, and one group."""
    if BEFORE_RESTORE in header.tags:
        return Group(lineage_of(header), is_before_restore=True)
    return Group(lineage_of(header), header.perimeter)
