"""What all states of a store together say: where each blob lies, which packfiles count, which snapshots live.

Owns the order in which states are applied and the meaning of their entries (`docs/design/format.md`, "States"). Reads
no files: see `repository`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from caldav_backup.kloset.commits import Commits
from caldav_backup.kloset.locations import Locations, Totals
from caldav_backup.kloset.resources import ZERO_MAC, ResourceType
from caldav_backup.kloset.state import (
    ColouredEntry,
    CommittedEntry,
    DeleteEntry,
    EntryType,
    Location,
    LostEntry,
    PackfileEntry,
    ReissuedEntry,
    Run,
    State,
)

if TYPE_CHECKING:
    from caldav_backup.kloset.columns import Rows


class Index:
    """The merge of the states that were applied so far."""

    def __init__(self) -> None:
        self._locations = Locations()
        self._packfiles: dict[bytes, PackfileEntry] = {}
        self._coloured: dict[tuple[int, bytes], ColouredEntry] = {}
        self._states: dict[bytes, State] = {}
        self._commits = Commits()
        self._lost: AbstractSet[bytes] = frozenset()
        self._damaged: set[bytes] = set()
        self._bereft: set[bytes] = set()
        self.unreachable: tuple[bytes, ...] = ()
        """States that were not applied, for no root leads to them."""

    def apply_all(self, states: Mapping[bytes, State]) -> None:
        """Apply states by their ids, parents first, siblings by time; a parent that is not among them was before."""
        ordered, lost = order_states(states)
        self.unreachable += tuple(lost)
        for identifier in ordered:
            self.apply(identifier, states[identifier])

    def apply(self, identifier: bytes, state: State) -> None:
        """Apply one state behind all others."""
        for run in state.runs:
            if run.type == EntryType.LOCATION:
                for snapshot in self._locations.add(run):
                    self._commits.tell(snapshot, state.timestamp_ns)
            elif run.type == EntryType.MERGED:
                self._commits.merge(run)
            elif run.type != EntryType.DELETE or not self._is_empty:
                self._apply_entries(run)
        # The runs live on in `_locations`; the rest of a state is small.
        self._states[identifier] = State((), state.timestamp_ns, state.parent, state.serial, state.version)

    @property
    def _is_empty(self) -> bool:
        """Whether there is nothing that could be deleted: deletions come first in a merged state, and are many."""
        return not (self._packfiles or self._coloured or self._locations)

    def _apply_entries(self, run: Run) -> None:
        for entry in run.read():
            match entry:
                case ColouredEntry():
                    self._coloured.setdefault((entry.resource_type, entry.identifier), entry)
                case PackfileEntry():
                    self._packfiles.setdefault(entry.packfile, entry)
                case ReissuedEntry() | CommittedEntry():
                    self._commits.apply(entry)
                case LostEntry():
                    self._bereft.add(entry.packfile)
                case _:
                    assert isinstance(entry, DeleteEntry)
                    self._delete(entry)

    def _delete(self, entry: DeleteEntry) -> None:
        if entry.what == EntryType.LOCATION:
            self._locations.remove(entry.resource_type, entry.mac, entry.packfile)
        elif entry.what == EntryType.COLOURED:
            self._coloured.pop((entry.resource_type, entry.mac), None)
        else:
            self._packfiles.pop(entry.packfile, None)
            self._locations.remove_packfile(entry.packfile)

    @property
    def states(self) -> Sequence[bytes]:
        """Ids of the applied states, in the order of applying."""
        return list(self._states)

    @property
    def last_state(self) -> bytes:
        """Id of the state applied last, the parent of the next one to write; all zero when there is none."""
        return next(reversed(self._states), ZERO_MAC)

    @property
    def serial(self) -> bytes | None:
        """Serial of the state applied last."""
        return next((state.serial for state in reversed(self._states.values())), None)

    @property
    def missing_parents(self) -> dict[bytes, bytes]:
        """By state, the parent that it names and that no file holds, nor a state into which it was merged."""
        return {
            identifier: state.parent
            for identifier, state in self._states.items()
            if state.parent != ZERO_MAC
            and state.parent not in self._states
            and state.parent not in self._commits.merged
        }

    @property
    def heads(self) -> Mapping[bytes, State]:
        """The applied states by id, without their entries."""
        return self._states

    @property
    def commits(self) -> Commits:
        """What is known of the order of commits."""
        return self._commits

    @property
    def packfiles(self) -> Mapping[bytes, PackfileEntry]:
        """Packfiles whose blobs count, coloured ones among them."""
        return self._packfiles

    @property
    def colours(self) -> Collection[ColouredEntry]:
        """All that is coloured: snapshots and packfiles, some of them long gone."""
        return self._coloured.values()

    def find_colour(self, resource_type: int, identifier: bytes) -> ColouredEntry | None:
        """The colour that counts, with its time."""
        return self._coloured.get((resource_type, identifier))

    def is_coloured(self, resource_type: ResourceType, identifier: bytes) -> bool:
        """Whether a snapshot was removed, or a packfile is about to be."""
        return (resource_type, identifier) in self._coloured

    def mark_lost(self, present: AbstractSet[bytes]) -> None:
        """Tell which packfiles are in the storage: what lay in the others counts as not stored."""
        self._lost = self._packfiles.keys() - present

    def mark_damaged(self, packfile: bytes) -> None:
        """Tell that something in a packfile could not be read: all that lies in it counts as not stored."""
        self._damaged.add(packfile)

    @property
    def has_lost_packfiles(self) -> bool:
        """Whether a packfile that counts is known to be gone from the storage, or damaged, or was before a repair."""
        return bool(self._lost or self._damaged or self._bereft)

    def is_usable(self, packfile: bytes) -> bool:
        """Whether what lies in a packfile need not be stored again."""
        return (
            packfile in self._packfiles
            and (ResourceType.PACKFILE, packfile) not in self._coloured
            and packfile not in self._lost
            and packfile not in self._damaged
        )

    def contains(self, resource_type: ResourceType, mac: bytes) -> bool:
        """Whether a blob need not be stored again: what lies in a coloured, lost or damaged packfile must."""
        return any(self.is_usable(place.packfile) for place in self._locations.find(resource_type, mac))

    def contains_many(self, resource_type: ResourceType, macs: Sequence[bytes]) -> list[bool]:
        found = self._locations.find_many(resource_type, macs)
        return [any(self.is_usable(place.packfile) for place in places) for places in found]

    def find_location(self, resource_type: ResourceType, mac: bytes) -> Location | None:
        """Where to read a blob first, if it is anywhere."""
        return next(iter(self.find_locations(resource_type, mac)), None)

    def find_locations(self, resource_type: ResourceType, mac: bytes) -> list[Location]:
        """Everywhere a blob can be read, best first: a coloured packfile still holds its blobs until it is deleted."""
        return self._by_use(self._locations.find(resource_type, mac))

    def find_locations_of(self, resource_type: ResourceType, macs: Sequence[bytes]) -> list[list[Location]]:
        """The same for each of `macs`."""
        return [self._by_use(places) for places in self._locations.find_many(resource_type, macs)]

    def location_totals(self) -> dict[bytes, Totals]:
        """What the states place in each packfile that counts, added up."""
        return {name: totals for name, totals in self._locations.totals().items() if name in self._packfiles}

    def each_packfile(self) -> Iterator[tuple[bytes, Rows]]:
        """Every packfile that locations name, counting or not, with the blobs in it."""
        return self._locations.by_packfile()

    def locations_in(self, packfile: bytes) -> dict[bytes, tuple[int, int]]:
        """Offset and length of all that the states place in a packfile, by its type as one byte and its MAC."""
        return self._locations.find_in(packfile)

    def _by_use(self, places: list[Location]) -> list[Location]:
        if len(places) == 1 and self.is_usable(places[0].packfile):
            return places
        known = [place for place in places if place.packfile in self._packfiles]
        return sorted(known, key=lambda place: not self.is_usable(place.packfile))

    def snapshot_ids(self) -> list[bytes]:
        """Snapshots that were not removed, in the order of their commits, whatever their headers say of times.

        Whether their packfile is coloured does not matter. One that was issued again has its old place.
        """
        there = [
            identifier
            for identifier, places in self._locations.snapshots().items()
            if (ResourceType.SNAPSHOT, identifier) not in self._coloured
            and any(place.packfile in self._packfiles for place in places)
        ]
        return sorted(there, key=self._commits.turn)

    def has_snapshot(self, identifier: bytes) -> bool:
        """Whether a snapshot is among them."""
        return (ResourceType.SNAPSHOT, identifier) not in self._coloured and any(
            place.packfile in self._packfiles for place in self._locations.find(ResourceType.SNAPSHOT, identifier)
        )

    def committed_ns(self, snapshot: bytes) -> int:
        """When the first state that tells of a snapshot was written, in nanoseconds since the Unix epoch.

        Of one that was issued again: when its oldest id was committed.
        """
        return self._commits.committed_ns(snapshot)

    def reissued_as(self, snapshot: bytes) -> bytes | None:
        """The id that a snapshot has now, if it was issued again."""
        return self._commits.newest_id(snapshot)


def order_states(states: Mapping[bytes, State]) -> tuple[list[bytes], list[bytes]]:
    """Ids with parents before children and otherwise by time; and those that no root leads to, a cycle of parents.

    A state is a root when its parent is not among the others. Programs fix the parent before they look for new states,
    so it is often one too old, and siblings are common.
    """
    children: dict[bytes, list[bytes]] = {}
    ready: list[tuple[int, bytes]] = []
    for identifier, state in states.items():
        if state.parent in states:
            children.setdefault(state.parent, []).append(identifier)
        else:
            ready.append((state.timestamp_ns, identifier))
    heapify(ready)
    ordered: list[bytes] = []
    while ready:
        _, identifier = heappop(ready)
        ordered.append(identifier)
        for child in children.pop(identifier, ()):
            heappush(ready, (states[child].timestamp_ns, child))
    return ordered, sorted(set(states).difference(ordered))
