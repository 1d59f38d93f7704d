"""Finds out what a maintenance would do.

Owns the rules of colouring and sweeping (`docs/design/format.md`, "Removing"): what nothing needs is coloured, what
was coloured long enough ago is deleted, what is needed after all loses its colour. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import NamedTuple

from caldav_backup.kloset.checking.findings import Progress, no_progress
from caldav_backup.kloset.errors import Damaged, StorageFileMissing, UnsupportedStore
from caldav_backup.kloset.live_blobs import LiveBlobs
from caldav_backup.kloset.liveness import find_live_blobs, live_headers
from caldav_backup.kloset.maintenance.copies import find_dispensable
from caldav_backup.kloset.maintenance.orphans import Orphans
from caldav_backup.kloset.maintenance.plan import (
    Expired,
    Held,
    MaintenancePlan,
    Needed,
    Room,
    Unneeded,
    Waiting,
    Why,
)
from caldav_backup.kloset.maintenance.usage import Usage, find_usage, lost_blobs
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.storage import Kind, PtarStorage


class Look(NamedTuple):
    """A plan, and what was found out for it: blobs that snapshots need, and what of each packfile that is."""

    plan: MaintenancePlan
    live: LiveBlobs
    usage: Usage


def plan_maintenance(
    repository: Repository, *, grace_ns: int, now_ns: int, progress: Progress = no_progress
) -> MaintenancePlan:
    """What there is to do at `now_ns`, Unix nanoseconds, with this grace period in nanoseconds.

    Reads all structure of all snapshots: Damaged, naming snapshot and place, when what one needs is not known whole,
    or when something that one needs is gone; UnsupportedStore where only a newer program knows, and for an archive in
    one file. StorageError.
    """
    return look_at(repository, grace_ns=grace_ns, now_ns=now_ns, progress=progress).plan


def look_at(repository: Repository, *, grace_ns: int, now_ns: int, progress: Progress = no_progress) -> Look:
    """The same, with what it was concluded from."""
    if isinstance(repository.storage, PtarStorage):
        raise UnsupportedStore(f"{repository.storage.location} is an archive in one file: nothing in it can be deleted")
    repository.refresh()
    _require_all_states(repository)
    headers = live_headers(repository)
    live = find_live_blobs(repository, headers, progress)
    usage = find_usage(repository, live)
    return Look(_Planning(repository, live, usage, grace_ns, now_ns).plan(len(headers)), live, usage)


def _require_all_states(repository: Repository) -> None:
    if repository.index.unreachable:
        raise Damaged(
            f"the parents of {len(repository.index.unreachable)} states of the store at {repository.storage.location} "
            "go round in a circle, so what they say is not known; run `check`, then `repair`"
        )


class _Planning:
    """One look at one store."""

    def __init__(self, repository: Repository, live: LiveBlobs, usage: Usage, grace_ns: int, now_ns: int) -> None:
        self._repository = repository
        self._live = live
        self._usage = usage
        self._grace_ns = grace_ns
        self._now_ns = now_ns
        repository.look_for_lost_packfiles()
        self._present = frozenset(repository.storage.ids(Kind.PACKFILE))
        self._named = repository.index.packfiles.keys()
        self._coloured = {
            entry.identifier: entry.timestamp_ns
            for entry in repository.index.colours
            if entry.resource_type == ResourceType.PACKFILE
        }

    def plan(self, snapshots: int) -> MaintenancePlan:
        self._require_nothing_lost()
        unnamed = self._present - self._named
        orphans = Orphans(self._repository, unnamed, self._now_ns - self._grace_ns)
        expired, needed, waiting = self._of_coloured(orphans)
        unneeded, held = self._of_orphans(orphans, unnamed)
        unused = [
            Unneeded(packfile, self._size(packfile), Why.UNUSED)
            for packfile in sorted(self._named - self._coloured.keys())
            if not self._usage.is_needed(packfile)
        ]
        gone = {each.identifier for each in expired} | {each.identifier for each in waiting}
        return MaintenancePlan(
            now_ns=self._now_ns,
            grace_ns=self._grace_ns,
            snapshots=snapshots,
            colour=(*unused, *unneeded),
            sweep=tuple(expired),
            uncolour=tuple(needed),
            waiting=tuple(waiting),
            held=tuple(held),
            # What a lost state named would be forgotten before a repair has brought it back.
            dangling=() if self._repository.index.missing_parents else self._usage.dangling,
            room=self._room(gone | {each.identifier for each in unused}),
        )

    def _require_nothing_lost(self) -> None:
        lost = sorted(self._named - self._present)
        for packfile, (kind, mac) in lost_blobs(self._repository, self._live, lost):
            raise Damaged(
                f"the packfile {packfile.hex()} of the store at {self._repository.storage.location} is gone, and with "
                f"it the {ResourceType(kind).name.lower().replace('_', ' ')} {mac.hex()}, which a snapshot needs; "
                "nothing is removed from a damaged store. Run `check`, then `repair`"
            )

    def _size(self, packfile: bytes) -> int:
        """Bytes of the file; 0 when it is gone."""
        if packfile not in self._present:
            return 0
        try:
            return self._repository.storage.size(Kind.PACKFILE, packfile)
        except StorageFileMissing:
            return 0

    def _room(self, gone: set[bytes]) -> Room:
        uses = [use for packfile, use in self._usage.uses.items() if packfile not in gone]
        return Room(sum(use.live_bytes for use in uses), sum(use.dead_bytes for use in uses))

    # Packfiles that were coloured before

    def _of_coloured(self, orphans: Orphans) -> tuple[list[Expired], list[Needed], list[Waiting]]:
        expired: list[Expired] = []
        needed: list[Needed] = []
        waiting: list[Waiting] = []
        used = {packfile for packfile in self._coloured if self._usage.is_needed(packfile)}
        used -= find_dispensable(self._repository, self._live, used) if used else set()
        for packfile, coloured_ns in sorted(self._coloured.items()):
            size = self._size(packfile)
            due_ns = coloured_ns + self._grace_ns
            if packfile in used:
                # Whether its time has come or not: plakar cannot read what lies in a coloured packfile.
                needed.append(Needed(packfile, size))
            elif orphans.may_be_missed(packfile):
                needed.append(Needed(packfile, size))
            elif due_ns <= self._now_ns:
                expired.append(Expired(packfile, size, coloured_ns))
            elif packfile in self._present or packfile in self._named:
                waiting.append(Waiting(packfile, size, due_ns))
        return expired, needed, waiting

    # Packfiles that no state names

    def _of_orphans(self, orphans: Orphans, unnamed: AbstractSet[bytes]) -> tuple[list[Unneeded], list[Held]]:
        judged = [orphans.judge(packfile) for packfile in sorted(unnamed - self._coloured.keys())]
        unneeded = [each for each in judged if isinstance(each, Unneeded)]
        return unneeded, [each for each in judged if isinstance(each, Held)]
