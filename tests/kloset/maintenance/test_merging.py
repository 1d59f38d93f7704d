"""A merged state says what those say that it stands for: to whoever reads only it, and to whoever knew some of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from caldav_backup.kloset import Damaged, Repository
from caldav_backup.kloset.builder import SnapshotBuilder
from caldav_backup.kloset.index import Index, order_states
from caldav_backup.kloset.maintenance.merging import apply_merging, plan_merging
from caldav_backup.kloset.maintenance.repacking import plan_repack
from caldav_backup.kloset.reissue import Reissue, reissue
from caldav_backup.kloset.resources import ZERO_MAC, ResourceType
from caldav_backup.kloset.snapshot import Snapshot
from caldav_backup.kloset.state import ColouredEntry, DeleteEntry, EntryType, Location, State, make_run
from caldav_backup.kloset.storage import Kind, MemoryStorage
from tests.kloset.builds import assert_sound
from tests.kloset.stores import build, damage, make_repository, some_files
from tests.kloset.test_index import MACS, PACKFILES, TYPES, stores


def held() -> None:
    """The lock is held."""


def small(builder: SnapshotBuilder) -> None:
    directory = builder.open_directory("/work")
    directory.add(some_files(2))
    directory.close({"user.caldav.displayname": b"Work"})


def states(storage: MemoryStorage) -> list[bytes]:
    return list(storage.ids(Kind.STATE))


Facts = tuple[set[bytes], dict[tuple[int, bytes], int], dict[tuple[int, bytes], list[Location]], set[bytes]]


def facts(index: Index) -> Facts:
    """All that can be asked of an index."""
    return (
        set(index.packfiles),
        {(each.resource_type, each.identifier): each.timestamp_ns for each in index.colours},
        {(kind, mac): sorted(index.find_locations(kind, mac)) for kind in TYPES for mac in (*MACS, *PACKFILES)},
        set(index.snapshot_ids()),
    )


def keys(index: Index) -> object:
    """The same but for values of which the first counts, where states differ that nobody writes like that.

    But for times of colours: the earliest may be gone for a while, and packfiles are kept the longer for it.
    """
    packfiles, colours, locations, snapshots = facts(index)
    return (
        packfiles,
        set(colours),
        {key: {each.packfile for each in found} for key, found in locations.items()},
        snapshots,
    )


def index_of(states: Mapping[bytes, State]) -> Index:
    index = Index()
    index.apply_all(states)
    return index


@pytest.mark.full
@settings(max_examples=150, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(stores, st.data())
def test_readers_learn_the_same_whatever_they_knew_before(
    given_states: dict[bytes, State], data: st.DataObject
) -> None:
    # Neither lost parents nor circles: such are not merged.
    given_states = {
        each: replace(state, parent=state.parent if state.parent in given_states and state.parent < each else ZERO_MAC)
        for each, state in given_states.items()
    }
    storage, repository = make_repository()
    for identifier, state in given_states.items():
        repository.write_state(identifier, state)
    order, _ = order_states(given_states)
    expected = facts(index_of(given_states))
    numbers = iter(range(100, 200))
    limit = data.draw(st.sampled_from([1, 3, 1000]))
    apply_merging(
        repository,
        confirm=held,
        clock=lambda: 5,
        most_locations=limit,
        new_identifier=lambda: bytes([next(numbers)]) * 32,
    )
    merged = {identifier: repository.read_state(identifier) for identifier in states(storage)}
    assert facts(index_of(merged)) == expected

    # A long-running reader, or plakar's cache, that merged some of them before.
    warm = Index()
    for identifier in order[: data.draw(st.integers(0, len(order)))]:
        warm.apply(identifier, given_states[identifier])
    warm.apply_all(merged)
    assert facts(warm) == expected

    # Somebody who finds what an interruption left behind, the newest of the old, on whichever side of the new.
    left = order[data.draw(st.integers(0, len(order))) :]
    new = [each for each in order_states(merged)[0] if each not in given_states] or order
    for sequence in (left + new, new + left):
        mixed = Index()
        for identifier in sequence:
            mixed.apply(identifier, merged.get(identifier) or given_states[identifier])
        assert keys(mixed) == keys(index_of(given_states))


def nights(repository: Repository, count: int) -> list[Snapshot]:
    return [build(repository, small, timestamp_ns=number) for number in range(count)]


def test_one_file_takes_the_place_of_all() -> None:
    storage, repository = make_repository()
    snapshots = nights(repository, 6)
    repository.remove_snapshot(snapshots[2].header.identifier)
    reissue(repository, [Reissue(snapshots[1].header, ["pinned"])])
    before = [(header, repository.index.committed_ns(header.identifier)) for header in repository.snapshots()]
    plan = plan_merging(repository)
    assert (len(plan.states), plan.states_after, plan.saved_files) == (8, 1, 7)
    done = apply_merging(repository, confirm=held)
    assert (done.states_before, done.states_after) == (8, 1) and len(states(storage)) == 1
    assert done.bytes_after <= plan.bytes_after + 5000 and done.bytes_before == plan.bytes_before
    for reader in (repository, Repository.open(storage)):
        assert [(each, reader.index.committed_ns(each.identifier)) for each in reader.snapshots()] == before
        assert [header.identifier for header, _ in before] == reader.index.snapshot_ids()
        assert reader.index.reissued_as(snapshots[1].header.identifier) == before[1][0].identifier
        assert reader.index.missing_parents == {}
        assert_sound(reader)


def test_merging_goes_on_over_what_was_merged_and_what_came_later() -> None:
    storage, repository = make_repository()
    nights(repository, 3)
    apply_merging(repository, confirm=held)
    nights(repository, 3)
    order = repository.index.snapshot_ids()
    apply_merging(repository, confirm=held)
    assert len(states(storage)) == 1
    assert Repository.open(storage).index.snapshot_ids() == order
    assert len(Repository.open(storage).index.commits.merged) == 7
    assert_sound(Repository.open(storage))


def test_nothing_is_merged_twice() -> None:
    storage, repository = make_repository()
    nights(repository, 1)
    before = dict(storage.files)
    assert plan_merging(repository).saved_files == 0
    apply_merging(repository, confirm=held)
    assert storage.files == before
    storage, repository = make_repository()
    assert plan_merging(repository).saved_files == 0
    assert apply_merging(repository, confirm=held).states_after == 0


def test_a_large_store_gets_a_chain_of_states() -> None:
    storage, repository = make_repository()
    nights(repository, 6)
    order = repository.index.snapshot_ids()
    assert apply_merging(repository, confirm=held, most_locations=30).states_after > 1
    assert Repository.open(storage).index.snapshot_ids() == order
    assert_sound(Repository.open(storage))


def test_a_state_whose_parent_was_merged_away_is_no_damage() -> None:
    """A program that chose the parent before the merging commits after it."""
    storage, repository = make_repository()
    first, *_ = nights(repository, 3)
    stale = Repository.open(storage)
    assert len(stale.snapshots()) == 3
    apply_merging(repository, confirm=held)
    stale.remove_snapshot(first.header.identifier)
    fresh = Repository.open(storage)
    assert len(fresh.snapshots()) == 2
    assert_sound(fresh)


def test_a_long_running_reader_goes_on() -> None:
    storage, repository = make_repository()
    snapshots = nights(repository, 3)
    reader = Repository.open(storage)
    assert len(reader.snapshots()) == 3
    repository.remove_snapshot(snapshots[0].header.identifier)
    apply_merging(repository, confirm=held)
    reader.refresh()
    assert reader.index.snapshot_ids() == repository.index.snapshot_ids()
    assert_sound(reader)


class Interrupted(Exception):
    """The lock was lost, or the program ended."""


@pytest.mark.full
def test_an_interruption_at_any_moment_leaves_the_same_store() -> None:
    for moment in range(1, 9):
        storage, repository = make_repository()
        snapshots = nights(repository, 4)
        repository.remove_snapshot(snapshots[1].header.identifier)
        order = repository.index.snapshot_ids()
        left = moment

        def ask() -> None:
            nonlocal left
            left -= 1
            if not left:
                raise Interrupted

        try:
            apply_merging(repository, confirm=ask)
        except Interrupted:
            assert len(states(storage)) > 1
        found = Repository.open(storage)
        assert found.index.snapshot_ids() == order
        assert_sound(found)
        apply_merging(found, confirm=held)
        assert Repository.open(storage).index.snapshot_ids() == order
        assert len(states(storage)) == 1


def test_nothing_is_merged_when_a_state_is_damaged() -> None:
    storage, repository = make_repository()
    nights(repository, 3)
    damage(storage, Kind.STATE, states(storage)[1], 60)
    before = dict(storage.files)
    fresh = Repository.open(storage)
    for attempt in (lambda: plan_merging(fresh), lambda: apply_merging(fresh, confirm=held)):
        with pytest.raises(Damaged):
            attempt()
    assert storage.files == before


def test_nothing_is_merged_when_a_state_is_missing() -> None:
    """Only the states that were written after it tell that it is."""
    storage, repository = make_repository()
    nights(repository, 3)
    storage.delete(Kind.STATE, repository.index.states[1])
    before = dict(storage.files)
    fresh = Repository.open(storage)
    for attempt in (
        lambda: plan_merging(fresh),
        lambda: apply_merging(fresh, confirm=held),
        lambda: plan_repack(fresh),
    ):
        with pytest.raises(Damaged, match="missing"):
            attempt()
    assert storage.files == before


def test_deletions_are_kept_for_those_who_do_not_know_them() -> None:
    storage, repository = make_repository()
    (snapshot,) = nights(repository, 1)
    (packfile,) = repository.index.packfiles
    nights(repository, 1)
    stale = Repository.open(storage)
    assert stale.index.is_usable(packfile)
    gone = DeleteEntry(EntryType.PACKFILE, packfile=packfile)
    mark = ColouredEntry(ResourceType.SNAPSHOT, snapshot.header.identifier, 7)
    repository.put_state(b"d" * 32, [make_run([gone]), make_run([mark])])
    apply_merging(repository, confirm=held)
    stale.refresh()
    assert not stale.index.is_usable(packfile)
    assert not stale.index.has_snapshot(snapshot.header.identifier)


class MergingMeanwhile(MemoryStorage):
    """Somebody merges the states between listing and reading them, once."""

    def __init__(self) -> None:
        super().__init__()
        self.merge = False
        self.tear = False

    def ids(self, kind: Kind):  # type: ignore[no-untyped-def]
        listed = list(super().ids(kind))
        if kind is Kind.STATE and self.merge:
            self.merge = False
            apply_merging(Repository.open(self), confirm=held)
            if self.tear:
                # The part of the directory where the new one came was listed before, the others afterwards.
                return iter([])
        return iter(listed)


@pytest.mark.parametrize("tear", [False, True])
def test_reading_while_states_are_merged_finds_everything(tear: bool) -> None:
    storage = MergingMeanwhile()
    _, repository = make_repository(storage=storage)
    nights(repository, 3)
    storage.tear = tear
    storage.merge = True
    assert len(Repository.open(storage).snapshots()) == 3


def test_every_id_that_a_snapshot_ever_had_is_known_after_merging() -> None:
    storage, repository = make_repository()
    ids = [build(repository, small).header.identifier]
    for tags in (["pinned"], [], ["pinned"]):
        ids.append(reissue(repository, [Reissue(repository.snapshot(ids[-1]).header, tags)])[ids[-1]])
    for _ in range(2):
        build(repository, small)
        apply_merging(repository, confirm=held)
        reader = Repository.open(storage)
        assert [reader.index.reissued_as(each) for each in ids] == [ids[-1]] * 3 + [None]
    repository.remove_snapshot(ids[-1])
    apply_merging(repository, confirm=held)
    assert not Repository.open(storage).index.commits.reissued
