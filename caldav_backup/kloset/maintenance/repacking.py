"""Rewrites packfiles that are mostly dead or small, and gives the snapshots that used them new ids.

Owns the commit (`docs/design/format.md`, "Repacking"): new packfiles, new headers, and the colour of the old ones, in
one state. Which packfiles is told in `repacking_plan`; the old ones go behind the grace period, as all coloured ones.

    plan = plan_repack(repository)
    if not plan.is_empty:
        repacked = apply_repack(repository, plan, confirm=lock.confirm)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import product

from caldav_backup.kloset.checking.findings import Progress, Step, no_progress
from caldav_backup.kloset.errors import Locked, StorageError
from caldav_backup.kloset.header import Header
from caldav_backup.kloset.live_blobs import LiveBlobs
from caldav_backup.kloset.maintenance.merging import Confirm
from caldav_backup.kloset.maintenance.repacking_heads import HeadWriter
from caldav_backup.kloset.maintenance.repacking_moves import Mover, Placed
from caldav_backup.kloset.maintenance.repacking_plan import RepackPlan, plan_repack
from caldav_backup.kloset.packer import Packer, StoredPackfile
from caldav_backup.kloset.placement import placement_runs
from caldav_backup.kloset.reissue import Reissue, exchange_runs, new_headers, require_whole, settle
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import ResourceType, random_identifier
from caldav_backup.kloset.state import ColouredEntry, Location, make_run
from caldav_backup.kloset.storage import Kind

__all__ = ["RepackPlan", "Repacked", "apply_repack", "plan_repack"]

# What is read together lies together: the nodes of all trees, then what they lead to. Attributes are with the headers.
_CONTENTS = (ResourceType.OBJECT, ResourceType.VFS_ENTRY, ResourceType.CHUNK)
# Headers and signatures are never moved, padding is never live.
_NODES = tuple(
    kind for kind in ResourceType if ResourceType.SIGNATURE < kind < ResourceType.RANDOM and kind not in _CONTENTS
)
_TURNS = (_NODES, *((kind,) for kind in _CONTENTS))


@dataclass(frozen=True, slots=True)
class Repacked:
    """What repacking came to."""

    snapshots: Mapping[bytes, bytes]
    """New ids by old ones."""
    coloured: tuple[bytes, ...]
    """Packfiles that nothing needs any more; they are deleted behind the grace period."""
    left: Mapping[bytes, str]
    """Packfiles that were to be rewritten and stay, since something in them is damaged, and what."""
    bytes_written: int
    """Of the new packfiles, as stored."""


def apply_repack(
    repository: Repository,
    plan: RepackPlan,
    *,
    confirm: Confirm,
    progress: Progress = no_progress,
    clock: Callable[[], int] = time.time_ns,
    new_identifier: Callable[[], bytes] = random_identifier,
) -> Repacked:
    """Carry out a plan that was made under the same exclusive lock, which `confirm` asks for before the commit.

    Nothing is deleted here, and a snapshot that was removed meanwhile does not come back. Locked when another program
    wrote a snapshot although the lock is held, UnsupportedStore, StorageError: nothing has changed then.
    """
    if plan.is_empty:
        return Repacked({}, (), {}, 0)
    require_whole(repository, plan.headers)
    headers = new_headers((Reissue(header, header.tags) for header in plan.headers), new_identifier)
    moving = _Moving(repository, plan, progress)
    try:
        stored = moving.move(headers)
        confirm()
        repository.refresh()
        removed = _removed_meanwhile(repository, plan)
    except BaseException:
        # The room may be needed: a full disk is one of the reasons.
        moving.discard()
        raise
    seen = frozenset(repository.index.states)
    kept = {old: header for old, header in headers.items() if old not in removed}
    damaged = moving.mover.damaged
    coloured = tuple(each.identifier for each in plan.packfiles if each.identifier not in damaged)
    # By no clock may the grace period seem to have begun before.
    now_ns = max(clock(), *(head.timestamp_ns for head in repository.index.heads.values()))
    marks = [ColouredEntry(ResourceType.PACKFILE, packfile, now_ns) for packfile in coloured]
    marks += [ColouredEntry(ResourceType.SNAPSHOT, headers[old].identifier, now_ns) for old in sorted(removed)]
    state = new_identifier()
    said = [*exchange_runs(repository, kept, now_ns), *placement_runs(stored, state)]
    repository.put_state(state, [*said, make_run(marks)] if marks else said, timestamp_ns=now_ns)
    lost = settle(repository, kept, seen | {state})
    return Repacked(
        {old: header.identifier for old, header in kept.items() if old not in lost},
        coloured,
        {each.identifier: damaged[each.identifier] for each in plan.packfiles if each.identifier in damaged},
        sum(packfile.size for packfile in stored),
    )


class _Moving:
    """Copies what is live into new packfiles, which no state names yet."""

    def __init__(self, repository: Repository, plan: RepackPlan, progress: Progress) -> None:
        self._repository = repository
        self._plan = plan
        self._leaving = frozenset(each.identifier for each in plan.packfiles)
        self._live = plan.live
        self._moved = LiveBlobs()
        self._progress = progress
        self._packers: list[Packer] = []
        self.mover = Mover(repository)

    def _new_packer(self, max_size: int) -> Packer:
        repository = self._repository
        self._packers.append(Packer(repository.storage, repository.codec, repository.keyed, max_size))
        return self._packers[-1]

    def move(self, headers: Mapping[bytes, Header]) -> tuple[StoredPackfile, ...]:
        """The packfiles of the new headers, given by old id, and of all that is live, complete. StorageError."""
        heads = HeadWriter(
            self._repository,
            self.mover,
            moved=self._moved,
            leaving=self._leaving,
            new_packer=self._new_packer,
        )
        return (*heads.write(headers), *self._move_contents())

    def discard(self) -> None:
        """Remove what was written. Never fails."""
        for packer in self._packers:
            packer.abort()
            for packfile in packer.stored:
                # What cannot be removed is found by a later maintenance as a packfile that no state names.
                with suppress(StorageError):
                    self._repository.storage.delete(Kind.PACKFILE, packfile.identifier)

    def _move_contents(self) -> tuple[StoredPackfile, ...]:
        """Whatever lies in the old packfiles and was not copied with the headers, kind by kind."""
        packfiles = self._plan.packfiles
        packer = self._new_packer(self._repository.configuration.packfile.max_size)
        total = len(_TURNS) * len(packfiles)
        for number, (kinds, packfile) in enumerate(product(_TURNS, packfiles)):
            self._progress(Step("packfiles", number, total))
            self._move_from(packfile.identifier, kinds, packer)
        self._progress(Step("packfiles", total, total))
        return packer.finish()

    def _move_from(self, packfile: bytes, kinds: Sequence[ResourceType], packer: Packer) -> None:
        done: dict[int, list[bytes]] = {}
        for kind, mac in self.mover.move(self._find(packfile, kinds), packer):
            done.setdefault(kind, []).append(mac)
        for kind, macs in done.items():
            self._moved.add(kind, macs)

    def _find(self, packfile: bytes, kinds: Sequence[ResourceType]) -> list[Placed]:
        """What of these kinds lies in a packfile, is live and was not copied yet.

        Also what has a copy in a packfile that stays: whether that one can be read is not known, there are few of them,
        and plakar deletes the old packfile without another look.
        """
        found: dict[int, dict[bytes, Location]] = {}
        for name, (offset, length) in self._repository.index.locations_in(packfile).items():
            if name[0] in kinds:
                found.setdefault(name[0], {})[name[1:]] = Location(packfile, offset, length)
        wanted = []
        for kind, places in found.items():
            macs = list(places)
            is_live, is_moved = self._live.contains_many(kind, macs), self._moved.contains_many(kind, macs)
            wanted += [
                Placed(places[mac], kind, mac)
                for mac, needed, done in zip(macs, is_live, is_moved, strict=True)
                if needed and not done
            ]
        return wanted


def _removed_meanwhile(repository: Repository, plan: RepackPlan) -> frozenset[bytes]:
    """Snapshots of the plan that are not there any more. Locked when there are others."""
    there = set(repository.index.snapshot_ids())
    if there - plan.known:
        raise Locked(
            f"another program wrote a snapshot into the store at {repository.storage.location} while it was repacked, "
            "although the store is locked; nothing was changed, try again when nobody else is at work"
        )
    return frozenset(header.identifier for header in plan.headers) - there
