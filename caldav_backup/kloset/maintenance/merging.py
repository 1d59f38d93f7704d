"""Merges the many small states of a store into one, so that opening it reads one file instead of thousands.

Owns which states are merged, and the order of writing, proving and removing (`docs/design/format.md`, "States",
"Merging states"). What a merged state says is told in `merged_runs`.

    plan = plan_merging(repository)
    if plan.saved_files:
        merged = apply_merging(repository, confirm=lock.confirm)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from caldav_backup.kloset.checking.findings import Progress, Step, no_progress
from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.index import Index, order_states
from caldav_backup.kloset.maintenance.lost_states import require_all_states
from caldav_backup.kloset.maintenance.merged_runs import MergedRuns
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import random_identifier
from caldav_backup.kloset.state import LOCATION_STRIDE, Run, State
from caldav_backup.kloset.storage import Kind

MOST_LOCATIONS = 2_000_000
"""Locations of one merged state; a store with more gets several, each the parent of the next."""

Confirm = Callable[[], None]
"""Raises unless the exclusive lock is held; asked before everything that cannot be undone."""


@dataclass(frozen=True, slots=True)
class MergingPlan:
    """What merging would come to. Sizes in bytes as stored; `bytes_after` is estimated, rather too large."""

    states: tuple[bytes, ...]
    """States that would be merged, in the order of applying."""
    bytes_before: int
    bytes_after: int
    states_after: int

    @property
    def saved_files(self) -> int:
        """How many files fewer the store would have; 0 when there is nothing to merge."""
        return max(0, len(self.states) - self.states_after)


class Merged(NamedTuple):
    """What merging came to, in files and bytes as stored."""

    states_before: int
    states_after: int
    bytes_before: int
    bytes_after: int


def plan_merging(repository: Repository, *, most_locations: int = MOST_LOCATIONS) -> MergingPlan:
    """What could be merged now: all states that can be read and applied. Changes nothing.

    Damaged, naming the state, when one cannot be read or is missing: what it says would be lost. StorageError.
    """
    repository.refresh()
    require_all_states(repository)
    states = _listed_states(repository)
    locations = sum(totals.blobs for totals in repository.index.location_totals().values())
    return MergingPlan(
        tuple(states),
        sum(repository.storage.size(Kind.STATE, identifier) for identifier in states),
        locations * LOCATION_STRIDE,
        max(1, -(-locations // most_locations)) if states else 0,
    )


def apply_merging(
    repository: Repository,
    *,
    confirm: Confirm,
    progress: Progress = no_progress,
    most_locations: int = MOST_LOCATIONS,
    clock: Callable[[], int] = time.time_ns,
    new_identifier: Callable[[], bytes] = random_identifier,
) -> Merged:
    """Merge all states; under the exclusive lock, which `confirm` asks for before anything is written or removed.

    The merged states are written first, read back and compared with all that was known, and only then the others are
    removed, the oldest first: whatever is left behind by an interruption says the same. States that came meanwhile
    (removals take no lock) stay as they are. Damaged when a state cannot be read or is missing, and nothing is changed;
    or when what was written says something else than what was there, and nothing is removed. StorageError.
    """
    confirm()
    repository.forget_states()
    require_all_states(repository)
    states = _listed_states(repository)
    before = sum(repository.storage.size(Kind.STATE, identifier) for identifier in states)
    if len(states) < 2:
        return Merged(len(states), len(states), before, before)
    written: list[bytes] = []
    for part, is_last in _parts(repository, states, most_locations, progress):
        identifier = new_identifier()
        state = _next_state(repository, written, part.runs(identifier, is_last=is_last), clock())
        confirm()
        repository.write_state(identifier, state)
        written.append(identifier)
    _prove(repository, written)
    for number, identifier in enumerate(states):
        progress(Step("merged states", number, len(states)))
        confirm()
        repository.storage.delete(Kind.STATE, identifier)
    progress(Step("merged states", len(states), len(states)))
    repository.forget_states()
    after = sum(repository.storage.size(Kind.STATE, identifier) for identifier in written)
    return Merged(len(states), len(written), before, after)


def _listed_states(repository: Repository) -> list[bytes]:
    """The states whose files are there and were applied, in the order of applying."""
    heads = repository.index.heads
    there = {identifier: heads[identifier] for identifier in repository.storage.ids(Kind.STATE) if identifier in heads}
    return order_states(there)[0]


def _parts(
    repository: Repository, states: Sequence[bytes], most_locations: int, progress: Progress
) -> Iterator[tuple[MergedRuns, bool]]:
    """What each merged state is to say, and whether it is the last."""
    part = MergedRuns(repository.index)
    for number, identifier in enumerate(states):
        progress(Step("states", number, len(states)))
        if part.locations >= most_locations:
            yield part, False
            part = MergedRuns(repository.index)
        part.add(identifier, repository.read_state(identifier))
    progress(Step("states", len(states), len(states)))
    yield part, True


def _next_state(repository: Repository, written: Sequence[bytes], runs: Sequence[Run], now_ns: int) -> State:
    """Behind all others in every order: by its parent, and by its time if a clock was ahead."""
    index = repository.index
    newest_ns = max(state.timestamp_ns for state in index.heads.values())
    return State(
        tuple(runs),
        max(now_ns, newest_ns + 1) + len(written),
        written[-1] if written else index.last_state,
        index.serial or repository.configuration.repository_id.bytes,
    )


def _prove(repository: Repository, written: Sequence[bytes]) -> None:
    """Damaged, unless the new states say by themselves what all others say together."""
    known, found = repository.index, Index()
    found.apply_all({identifier: repository.read_state(identifier) for identifier in written})
    if _facts(found) != _facts(known) or found.missing_parents:
        raise Damaged(
            f"merging the states of the store at {repository.storage.location} would have changed what they say, so "
            "none was removed; please report this"
        )


def _facts(index: Index) -> tuple[object, ...]:
    return (
        index.packfiles.keys(),
        frozenset(index.colours),
        [(identifier, index.committed_ns(identifier)) for identifier in index.snapshot_ids()],
        index.location_totals(),
    )
