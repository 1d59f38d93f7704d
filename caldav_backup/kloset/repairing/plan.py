"""What a repair would do: a plan that changes nothing, and says everything that `deed` then does.

Owns the order of looking: states, packfiles, those that no state names, and last the snapshots as they would be
afterwards, which tells what is lost for good.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from caldav_backup.kloset.checking.findings import Finding, Findings, Progress, Severity, Step, no_progress
from caldav_backup.kloset.checking.orphans import Orphan, lost_snapshots, read_orphan
from caldav_backup.kloset.checking.snapshots import SnapshotsCheck
from caldav_backup.kloset.errors import StorageFileMissing
from caldav_backup.kloset.header import Header
from caldav_backup.kloset.repairing.examining import DamagedPackfile, claims_of, examine, missing_packfile
from caldav_backup.kloset.repairing.remains import has_any_file
from caldav_backup.kloset.repairing.replacing import replacement_runs
from caldav_backup.kloset.repairing.states import StatesFound, read_states
from caldav_backup.kloset.repairing.witness import WitnessIndex
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.state import State
from caldav_backup.kloset.storage import Kind, PtarStorage

Lost = Callable[[Finding], None]
"""Is told of everything that will still be damaged after the repair."""


def _tell_nobody(finding: Finding) -> None:
    """Nobody wants to know."""


class Torn(NamedTuple):
    """A snapshot that no state names and that cannot come back, for something that it needs is not there."""

    header: Header
    problem: str


@dataclass(frozen=True, slots=True)
class RepairPlan:
    """What is to be repaired; nothing of it was done yet.

    `states` are those that are unreadable, gone or unreachable. `packfiles` are damaged or missing ones that states
    name. `adopted` are packfiles that no state names and that will be named again, `recovered` the headers of the
    snapshots that come back with them, `torn` those that cannot. `left_over` are packfiles of interrupted runs, which
    stay as they are, and `unreadable` those that nobody names and nobody can read. `lost_snapshots` are ids of
    snapshots whose headers are gone, so that nobody can list them any more.
    """

    states: StatesFound
    packfiles: tuple[DamagedPackfile, ...] = ()
    adopted: tuple[Orphan, ...] = ()
    recovered: tuple[Header, ...] = ()
    torn: tuple[Torn, ...] = ()
    left_over: tuple[bytes, ...] = ()
    unreadable: tuple[bytes, ...] = ()
    lost_snapshots: tuple[bytes, ...] = ()
    coloured: tuple[bytes, ...] = ()
    """Those of `adopted` that a maintenance marked as unused."""
    harmed: tuple[DamagedPackfile, ...] = ()
    """Those of `adopted` in which not everything can be read."""
    damage: int = 0
    """Places that stay damaged."""
    store: Repository | None = field(default=None, compare=False, repr=False)
    """The store as it will be, to read what can be read of it."""

    @property
    def is_empty(self) -> bool:
        """Nothing is to be done."""
        return not (self.states.is_any or self.packfiles or self.adopted or self.unreadable)


def plan_repair(repository: Repository, *, lost: Lost = _tell_nobody, progress: Progress = no_progress) -> RepairPlan:
    """Look at every state, at every byte of every packfile, and at the structure of every snapshot. StorageError.

    `repository` may be one that cannot be used at all, for a state of it is damaged: its index is not asked.
    """
    index = WitnessIndex()
    states = read_states(repository, index)
    store = repository.with_index(index)
    present = set(repository.storage.ids(Kind.PACKFILE))
    packfiles = _examine_all(store, present, progress)
    before, unnamed = set(index.snapshot_ids()), present - set(index.packfiles)
    replaced = [run for damaged in packfiles for run in replacement_runs(damaged, index.packfiles, 0)]
    if replaced:
        index.apply(bytes(32), State(tuple(replaced), 0))
    harmed: dict[bytes, DamagedPackfile] = {}
    orphans = [] if isinstance(repository.storage, PtarStorage) else _read_orphans(store, unnamed, harmed)
    found = _Adoption(store, index, orphans, lost, progress)
    coloured = sorted(each for each in found.adopted if index.is_coloured(ResourceType.PACKFILE, each))
    index.forget_packfiles(each.identifier for each in orphans if each.identifier not in found.adopted)
    return RepairPlan(
        states,
        tuple(packfiles),
        adopted=tuple(each for each in orphans if each.identifier in found.adopted),
        recovered=tuple(found.recovered),
        torn=tuple(found.torn),
        left_over=tuple(each.identifier for each in orphans if each.contents and each.identifier not in found.adopted),
        unreadable=tuple(each.identifier for each in orphans if each.contents is None),
        lost_snapshots=tuple(sorted(before - set(index.snapshot_ids()))),
        coloured=tuple(coloured),
        harmed=tuple(harmed[each] for each in sorted(harmed.keys() & found.adopted)),
        damage=found.damage,
        store=store,
    )


def _examine_all(store: Repository, present: set[bytes], progress: Progress) -> list[DamagedPackfile]:
    """Every packfile that the states name, read whole."""
    named = sorted(store.index.packfiles)
    is_archive = isinstance(store.storage, PtarStorage)
    found: list[DamagedPackfile] = []
    for number, identifier in enumerate(named):
        progress(Step("packfiles", number, len(named)))
        claimed = store.index.locations_in(identifier)
        there = is_archive or identifier in present
        damaged = examine(store, identifier, claimed) if there else missing_packfile(identifier, claimed)
        if damaged is not None:
            found.append(damaged)
    progress(Step("packfiles", len(named), len(named)))
    return found


def _read_orphans(store: Repository, unnamed: set[bytes], harmed: dict[bytes, DamagedPackfile]) -> list[Orphan]:
    """Those that can be read, with what is good in them; `harmed` learns of those in which not all is."""
    found: list[Orphan] = []
    for identifier in sorted(unnamed):
        try:
            orphan = read_orphan(store, identifier)
            if orphan.contents is not None:
                damaged = examine(store, identifier, claims_of(orphan.contents))
                if damaged is not None:
                    harmed[identifier] = damaged
                    orphan = orphan._replace(contents=orphan.contents._replace(records=damaged.readable))
            found.append(orphan)
        except StorageFileMissing:
            # Whoever took it away between listing and reading said so in a state that this plan has not seen.
            continue
    return found


class _Adoption:
    """Which of the packfiles that nobody names are needed, and by which snapshots."""

    def __init__(
        self, store: Repository, index: WitnessIndex, orphans: Sequence[Orphan], lost: Lost, progress: Progress
    ) -> None:
        self._store = store
        self._index = index
        self._lost = lost
        self.adopted: set[bytes] = set()
        self.recovered: list[Header] = []
        self.torn: list[Torn] = []
        self.damage = 0
        known = index.snapshot_ids()
        lost_ones = lost_snapshots(store, (header for orphan in orphans for header in orphan.headers))
        index.add_orphans(orphans)
        self._checked = SnapshotsCheck(store, Findings(), progress=progress)
        total = len(known) + len(lost_ones)
        # Those that the states name first: what they need is adopted, whatever becomes of the others.
        for number, identifier in enumerate(known):
            progress(Step("snapshots", number, total))
            for finding in self._checked.check(identifier):
                self._tell(finding)
        self.adopted |= index.needed
        for number, header in enumerate(lost_ones, len(known)):
            progress(Step("snapshots", number, total))
            self._consider(header, orphans)
        progress(Step("snapshots", total, total))

    def _tell(self, finding: Finding) -> None:
        if finding.severity is Severity.DAMAGE:
            self.damage += 1
            self._lost(finding)

    def _consider(self, header: Header, orphans: Sequence[Orphan]) -> None:
        """Bring a snapshot back with the packfiles that it needs, unless its trees have holes or no file is left.

        Single events that are damaged are no reason to leave it away: the others may be nowhere else.
        """
        holders = {each.identifier for each in orphans if header in each.headers}
        found = list(self._checked.check(header.identifier))
        damage = [each for each in found if each.severity is Severity.DAMAGE]
        torn = [each for each in damage if each.what in _TREES]
        if damage and not torn and not has_any_file(self._store.snapshot(header.identifier)):
            torn = damage
        if torn:
            self.torn.append(Torn(header, torn[0].message))
            # What only this one asked for is not needed, and must be asked for again by the next.
            self._index.needed &= self.adopted
            self._checked = SnapshotsCheck(self._store, Findings())
            return
        for finding in found:
            self._tell(finding)
        self.recovered.append(header)
        self.adopted |= self._index.needed | {min(holders)}


# Findings that say that a snapshot cannot be walked through.
_TREES = frozenset({"snapshot", "file tree", "dirpack index"})
