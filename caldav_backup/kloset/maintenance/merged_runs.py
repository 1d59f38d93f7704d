"""What one state says that stands for many.

Owns what is kept of them (`docs/design/format.md`, "Merging states"): every location, packfile and colour that counts,
the order of commits, and the deletions, since a program that merged some of the states long ago must still learn of
them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from caldav_backup.kloset.index import Index
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.state import (
    LOCATION_STRIDE,
    ColouredEntry,
    CommittedEntry,
    DeleteEntry,
    Entry,
    EntryType,
    Location,
    LocationEntry,
    LostEntry,
    MergedEntry,
    PackfileEntry,
    ReissuedEntry,
    Run,
    State,
    make_run,
)

# The packfile of a location entry as it stands in a state.
_ENTRY = np.dtype({"names": ["packfile"], "formats": [("<u8", (4,))], "offsets": [42], "itemsize": LOCATION_STRIDE})
_Rows = npt.NDArray[Any]


class MergedRuns:
    """Gathers what states say, one after the other in the order of applying.

    `truth` is what all states of the store say together: what it does not know is left out.
    """

    def __init__(self, truth: Index) -> None:
        self._truth = truth
        self._merged: list[MergedEntry] = []
        self._deletions: dict[DeleteEntry, None] = {}
        self._locations: list[Run] = []
        self._gathered: dict[type[Entry], dict[Any, None]] = {}
        # By packfile, how many states place something in it; and those of which something was deleted at some time.
        self._placed: dict[bytes, int] = {}
        self._thinned: set[bytes] = set()
        self.locations = 0

    def add(self, identifier: bytes, state: State) -> None:
        """Take up one more state."""
        for run in state.runs:
            if run.type == EntryType.LOCATION:
                self._add_locations(run)
            else:
                for entry in run.read():
                    self._add_entry(entry)
        self._merged.append(MergedEntry(identifier, state.timestamp_ns))

    def runs(self, identifier: bytes, *, is_last: bool) -> list[Run]:
        """The entries of the state with this id; the last of several tells the order of commits.

        Deletions come first: they concern what a reader knows from before, and nothing that follows.
        """
        index = self._truth
        committed = [CommittedEntry(each, index.committed_ns(each)) for each in index.snapshot_ids()] if is_last else []
        packfiles = [entry._replace(state=identifier) for entry in self._gathered.get(PackfileEntry, ())]
        before = (self._merged, self._deletions, self._gathered.get(ReissuedEntry, ()), committed)
        behind = (self._gathered.get(ColouredEntry, ()), packfiles, self._gathered.get(LostEntry, ()))
        return [*_runs(before), *self._distinct_locations(), *_runs(behind)]

    def _add_entry(self, entry: Entry) -> None:
        match entry:
            case DeleteEntry():
                self._add_deletion(entry)
            case MergedEntry():
                self._merged.append(entry)
            case ColouredEntry() | PackfileEntry() | LostEntry() | ReissuedEntry():
                if self._counts(entry):
                    self._gathered.setdefault(type(entry), {})[entry] = None

    def _counts(self, entry: ColouredEntry | PackfileEntry | LostEntry | ReissuedEntry) -> bool:
        index = self._truth
        match entry:
            case ColouredEntry():
                return entry == index.find_colour(entry.resource_type, entry.identifier)
            case PackfileEntry():
                return entry == index.packfiles.get(entry.packfile)
            case LostEntry():
                return entry.packfile in index.packfiles
            case _:
                # All ids that a snapshot ever had: another store may know it by any of them.
                newest = index.reissued_as(entry.old)
                return newest is not None and index.has_snapshot(newest)

    def _add_deletion(self, entry: DeleteEntry) -> None:
        if entry.packfile in self._truth.packfiles:
            self._thinned.add(entry.packfile)
        elif entry.what == EntryType.LOCATION:
            # A location without a packfile counts for nothing, deleted or not.
            return
        self._deletions[entry] = None

    # Locations

    def _add_locations(self, run: Run) -> None:
        """Take up the locations whose packfile counts."""
        rows = np.frombuffer(run.entries, dtype=_ENTRY)
        names, numbers = _packfiles_of(rows)
        counts = [name in self._truth.packfiles for name in names]
        for name, is_there in zip(names, counts, strict=True):
            if is_there:
                self._placed[name] = self._placed.get(name, 0) + 1
        kept = run if all(counts) else Run(run.type, _take(run.entries, np.array(counts, np.bool_)[numbers]))
        if kept.entries:
            self._locations.append(kept)
            self.locations += len(kept.entries) // LOCATION_STRIDE

    def _distinct_locations(self) -> list[Run]:
        """The same, each once, and without those that were deleted."""
        doubtful = {name for name, times in self._placed.items() if times > 1} | self._thinned
        if not doubtful:
            return self._locations
        seen: set[tuple[int, bytes, bytes]] = set()
        return [kept for run in self._locations if (kept := self._settle(run, doubtful, seen)).entries]

    def _settle(self, run: Run, doubtful: set[bytes], seen: set[tuple[int, bytes, bytes]]) -> Run:
        names, numbers = _packfiles_of(np.frombuffer(run.entries, dtype=_ENTRY))
        if doubtful.isdisjoint(names):
            return run
        keep = np.ones(len(numbers), np.bool_)
        for row in np.flatnonzero(np.array([name in doubtful for name in names], np.bool_)[numbers]).tolist():
            entry = run.location(row)
            key = (entry.resource_type, entry.mac, entry.packfile)
            keep[row] = key not in seen and entry.location in self._places(entry)
            if keep[row]:
                seen.add(key)
        return Run(run.type, _take(run.entries, keep))

    def _places(self, entry: LocationEntry) -> Sequence[Location]:
        return self._truth.find_locations(ResourceType(entry.resource_type), entry.mac)


def _packfiles_of(rows: _Rows) -> tuple[list[bytes], npt.NDArray[np.intp]]:
    """The packfiles of location entries, and for each entry which of them is its own."""
    packfiles = rows["packfile"]
    differs = np.ones(len(packfiles), np.bool_)
    differs[1:] = (packfiles[1:] != packfiles[:-1]).any(axis=1)
    names: dict[bytes, int] = {}
    starts = np.flatnonzero(differs)
    numbers = [names.setdefault(packfiles[start].tobytes(), len(names)) for start in starts.tolist()]
    return list(names), np.repeat(np.array(numbers, np.intp), np.diff(np.append(starts, len(packfiles))))


def _take(entries: bytes, keep: npt.NDArray[np.bool_]) -> bytes:
    return np.frombuffer(entries, np.uint8).reshape(-1, LOCATION_STRIDE)[keep].tobytes()


def _runs(groups: Iterable[Iterable[Entry]]) -> list[Run]:
    return [make_run(entries) for group in groups if (entries := list(group))]
