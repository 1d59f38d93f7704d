"""A repair brings back what can be brought back, throws nothing away, and leaves a store that a check finds whole."""

from __future__ import annotations

import pytest

from caldav_backup.kloset.check import check
from caldav_backup.kloset.errors import Damaged, UnsupportedStore
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.state import ColouredEntry, State, make_run
from caldav_backup.kloset.storage import Kind
from tests.kloset.repairing.repairs import damage_of, planned, repaired
from tests.kloset.stores import build, damage, make_repository, packfiles, put_blobs, two_calendars


def content_of(repository: Repository, identifier: bytes) -> dict[str, bytes]:
    snapshot = repository.snapshot(identifier)
    return {entry.path: snapshot.read(entry) for entry in snapshot.walk() if entry.is_file}


def test_nothing_is_done_to_a_store_that_is_whole() -> None:
    storage, repository = make_repository()
    build(repository, two_calendars)
    before = dict(storage.files)
    assert planned(storage).is_empty
    repaired(storage)
    assert storage.files == before


@pytest.mark.full
@pytest.mark.parametrize("harm", ["removed", "damaged", "cut", "of no version"])
def test_lost_state_is_made_again(harm: str) -> None:
    storage, repository = make_repository()
    first = build(repository, two_calendars).header.identifier
    second = build(repository, lambda builder: builder.open_directory("/new").close({})).header.identifier
    before = content_of(repository, first)
    if harm == "removed":
        del storage.files[Kind.STATE, first]
    elif harm == "cut":
        storage.files[Kind.STATE, first] = storage.files[Kind.STATE, first][:50]
    else:
        damage(storage, Kind.STATE, first, 12 if harm == "of no version" else 90)
    plan = planned(storage)
    assert [header.identifier for header in plan.recovered] == [first]
    assert plan.states.is_any
    after = repaired(storage)
    assert list(check(after, read_data=True)) == []
    assert {header.identifier for header in after.snapshots()} == {first, second}
    assert content_of(after, first) == before


def test_all_states_lost_is_not_all_lost() -> None:
    storage, repository = make_repository(encrypted=False)
    ids = {build(repository, two_calendars, timestamp_ns=number).header.identifier for number in range(1, 4)}
    for identifier in list(storage.ids(Kind.STATE)):
        del storage.files[Kind.STATE, identifier]
    after = repaired(storage)
    assert {header.identifier for header in after.snapshots()} == ids
    assert damage_of(after) == []


def test_state_of_a_newer_program_is_left_alone() -> None:
    storage, repository = make_repository()
    storage.files[Kind.STATE, b"n" * 32] = repository.seal_file(ResourceType.STATE, 9 << 16, b"whatever")
    with pytest.raises(UnsupportedStore):
        planned(storage)


def test_states_in_a_circle_are_told_by_a_new_one() -> None:
    storage, repository = make_repository()
    snapshot = build(repository, two_calendars).header.identifier
    state = repository.read_state(snapshot)
    del storage.files[Kind.STATE, snapshot]
    for one, other, runs in ((b"a" * 32, b"b" * 32, state.runs), (b"b" * 32, b"a" * 32, ())):
        stream = State(runs, 5, other).to_bytes()
        storage.files[Kind.STATE, one] = repository.seal_file(ResourceType.STATE, 0x10100, stream)
    assert len(planned(storage).states.unreachable) == 2
    after = repaired(storage)
    assert [header.identifier for header in after.snapshots()] == [snapshot]
    assert list(check(after, read_data=True)) == []


@pytest.mark.full
def test_removed_snapshot_does_not_come_back() -> None:
    storage, repository = make_repository()
    first = build(repository, two_calendars).header.identifier
    build(repository, two_calendars)
    repository.remove_snapshot(first)
    del storage.files[Kind.STATE, first]
    after = repaired(storage)
    assert first not in after.index.snapshot_ids()
    assert damage_of(after) == []


def test_missing_packfile_is_dropped_so_that_the_next_backup_stores_its_content_again() -> None:
    storage, repository = make_repository()
    snapshot = build(repository, two_calendars)
    (packfile,) = packfiles(storage)
    del storage.files[Kind.PACKFILE, packfile]
    plan = planned(storage)
    assert plan.lost_snapshots == (snapshot.header.identifier,)
    after = repaired(storage)
    assert damage_of(after) == []
    assert after.snapshots() == []
    build(after, two_calendars)
    assert damage_of(Repository.open(storage)) == []


@pytest.mark.parametrize("encrypted", [False])
def test_packfile_keeps_everything_that_can_be_read(encrypted: bool) -> None:
    storage, repository = make_repository(encrypted=encrypted)
    mac_good, mac_bad = put_blobs(
        repository, b"s" * 32, [(ResourceType.CHUNK, b"good" * 30), (ResourceType.CHUNK, b"bad" * 30)]
    )
    (packfile,) = packfiles(storage)
    place = repository.index.find_location(ResourceType.CHUNK, mac_bad)
    assert place is not None
    damage(storage, Kind.PACKFILE, packfile, 16 + place.offset + 20)
    after = repaired(storage)
    assert after.get_blob(ResourceType.CHUNK, mac_good) == b"good" * 30
    assert not after.has_blob(ResourceType.CHUNK, mac_bad)
    assert after.index.has_lost_packfiles
    assert damage_of(after) == []


@pytest.mark.full
@pytest.mark.parametrize("length", [0, 1, 15, 60, 2000, 3000])
def test_packfile_that_was_cut_short_keeps_its_beginning(length: int) -> None:
    storage, repository = make_repository()
    build(repository, two_calendars)
    (packfile,) = packfiles(storage)
    storage.files[Kind.PACKFILE, packfile] = storage.files[Kind.PACKFILE, packfile][:length]
    repaired(storage)


@pytest.mark.full
def test_packfile_whose_end_is_damaged_loses_nothing() -> None:
    storage, repository = make_repository()
    identifier = build(repository, two_calendars).header.identifier
    before = content_of(repository, identifier)
    (packfile,) = packfiles(storage)
    size = len(storage.files[Kind.PACKFILE, packfile])
    for place in (size - 1, size - 33, size - 40, size - 100, 5):
        damage(storage, Kind.PACKFILE, packfile, place)
        after = repaired(storage)
        assert content_of(after, identifier) == before
        assert damage_of(after) == []


def test_packfile_in_which_nothing_can_be_read_is_put_aside() -> None:
    storage, repository = make_repository()
    build(repository, two_calendars)
    (packfile,) = packfiles(storage)
    storage.files[Kind.PACKFILE, packfile] = b"\0" * 3000
    assert damage_of(repaired(storage)) == []
    assert list(packfiles(storage)) == []


def test_what_an_interrupted_run_left_stays_as_it_is() -> None:
    storage, repository = make_repository()
    build(repository, two_calendars)
    put_blobs(repository, b"s" * 32, [(ResourceType.CHUNK, b"of nobody")])
    del storage.files[Kind.STATE, b"s" * 32]
    plan = planned(storage)
    assert plan.is_empty
    assert len(plan.left_over) == 1


def test_packfile_that_no_state_names_is_adopted_for_the_snapshots_that_need_it() -> None:
    storage, repository = make_repository()
    snapshot = build(repository, two_calendars)
    entry = snapshot.entry("/work/event-0003.ics")
    (mac,) = put_blobs(
        repository, b"s" * 32, [(ResourceType.OBJECT, repository.get_blob(ResourceType.OBJECT, entry.object))]
    )
    (first,) = (
        each
        for each in packfiles(storage)
        if repository.index.locations_in(each).get(b"\x05" + snapshot.header.identifier)
    )
    assert mac == entry.object
    place = repository.index.locations_in(first)[b"\x07" + mac]
    damage(storage, Kind.PACKFILE, first, 16 + place[0] + 3)
    del storage.files[Kind.STATE, b"s" * 32]
    assert len(planned(storage).adopted) == 1
    assert damage_of(repaired(storage)) == []


def test_packfile_marked_as_unused_counts_again_when_a_snapshot_in_it_comes_back() -> None:
    storage, repository = make_repository()
    identifier = build(repository, two_calendars).header.identifier
    (packfile,) = packfiles(storage)
    repository.put_state(b"c" * 32, [make_run([ColouredEntry(ResourceType.PACKFILE, packfile, 5)])])
    del storage.files[Kind.STATE, identifier]
    after = repaired(storage)
    assert not after.index.is_coloured(ResourceType.PACKFILE, packfile)
    assert [header.identifier for header in after.snapshots()] == [identifier]


@pytest.mark.full
def test_torn_snapshot_is_told_and_stays_away() -> None:
    storage, repository = make_repository()
    first = build(repository, two_calendars)
    (old,) = packfiles(storage)
    second = build(repository, lambda builder: builder.keep_directory("/work", parent=first)).header.identifier
    for identifier in (first.header.identifier, second):
        del storage.files[Kind.STATE, identifier]
    del storage.files[Kind.PACKFILE, old]
    plan = planned(storage)
    assert [torn.header.identifier for torn in plan.torn] == [second]
    assert plan.adopted == ()


def test_damaged_header_is_not_forgotten() -> None:
    storage, repository = make_repository()
    identifier = build(repository, two_calendars).header.identifier
    (packfile,) = packfiles(storage)
    place = repository.index.locations_in(packfile)[b"\x05" + identifier]
    damage(storage, Kind.PACKFILE, packfile, 16 + place[0] + 40)
    after = repaired(storage)
    assert after.index.snapshot_ids() == [identifier]
    with pytest.raises(Damaged):
        after.header(identifier)


def test_snapshot_without_a_state_comes_back_although_it_has_lost_an_event() -> None:
    storage, repository = make_repository()
    snapshot = build(repository, two_calendars)
    place = repository.index.find_location(
        ResourceType.CHUNK, repository.keyed.mac(snapshot.read("/work/event-0003.ics"))
    )
    assert place is not None
    damage(storage, Kind.PACKFILE, place.packfile, 16 + place.offset + place.length // 2)
    del storage.files[Kind.STATE, snapshot.header.identifier]
    after = repaired(storage)
    assert [header.identifier for header in after.snapshots()] == [snapshot.header.identifier]
    assert {each.path for each in damage_of(after) if each.path} == {"/work/event-0003.ics"}
