"""What whoever can write the storage can make of its states, without the passphrase and with it."""

from __future__ import annotations

import time

import pytest
from blake3 import blake3

from caldav_backup.kloset import Damaged, KlosetError, Locked, Repository
from caldav_backup.kloset.check import Severity, check
from caldav_backup.kloset.lock import Lock
from caldav_backup.kloset.locks import shared_lock
from caldav_backup.kloset.resources import VERSION_1_0_0, ResourceType
from caldav_backup.kloset.state import ColouredEntry, DeleteEntry, EntryType, LocationEntry, State, make_run
from caldav_backup.kloset.storage import Kind, MemoryStorage
from tests.rot.small import NOON, Small, make_small, tell
from tests.rot.variants import changed


@pytest.fixture(scope="module")
def sealed() -> Small:
    return make_small(encrypted=True, compression="LZ4")


@pytest.fixture(scope="module")
def plain() -> Small:
    return make_small(encrypted=False, compression="LZ4")


def states(storage: MemoryStorage) -> list[bytes]:
    """Ids of all states, the oldest first."""
    return list(storage.ids(Kind.STATE))


def damage(small: Small, storage: MemoryStorage) -> list[str]:
    found = check(small.open(storage), read_data=True)
    return [finding.message for finding in found if finding.severity is Severity.DAMAGE]


def all_read(small: Small, storage: MemoryStorage) -> bool:
    repository = small.open(storage)
    return {header.identifier: tell(repository, header) for header in repository.snapshots()} == small.told


# Without the passphrase


def test_states_that_are_played_again_change_nothing(sealed: Small) -> None:
    """Also those that removed something: what was done afterwards is applied afterwards."""
    storage = changed(sealed.storage)
    repository = sealed.open(storage)
    first = repository.snapshots()[0].identifier
    repository.remove_snapshot(first)
    removal = states(storage)[-1]
    repository.put_state(b"u" * 32, [make_run([DeleteEntry(EntryType.COLOURED, ResourceType.SNAPSHOT, first)])])
    assert all_read(sealed, storage)
    for identifier in states(storage):
        again = changed(storage, ((Kind.STATE, blake3(identifier).digest()), storage.files[Kind.STATE, identifier]))
        assert all_read(sealed, again), identifier == removal


def test_the_newest_state_taken_away_with_its_packfile_is_not_noticed(sealed: Small) -> None:
    """A store rolled back is a store as it once was: this is what the threat model says is not defended."""
    newest = states(sealed.storage)[-1]
    packfile = next(packfile for packfile, snapshot in sealed.held.items() if snapshot == newest)
    rolled_back = changed(sealed.storage, ((Kind.STATE, newest), None), ((Kind.PACKFILE, packfile), None))
    assert len(sealed.open(rolled_back).snapshots()) == 2
    assert damage(sealed, rolled_back) == []


def test_a_state_that_another_one_follows_is_missed(sealed: Small) -> None:
    first = states(sealed.storage)[0]
    assert any(
        "it is gone" in message for message in damage(sealed, changed(sealed.storage, ((Kind.STATE, first), None)))
    )


def test_nothing_can_be_forged_without_the_key(sealed: Small) -> None:
    stranger = make_small(encrypted=True, compression="LZ4", number=9)
    for key, content in stranger.storage.files.items():
        if key[0] is Kind.STATE:
            forged = changed(sealed.storage, (key, content))
            with pytest.raises(Damaged):
                sealed.open(forged).index.snapshot_ids()


def test_an_old_exclusive_lock_that_is_played_again_stops_others_for_ten_minutes_only(sealed: Small) -> None:
    """Its file is new, and clocks are not believed alone; whoever can do this could delete everything."""
    storage = changed(sealed.storage)
    repository = sealed.open(storage)
    old = Lock(NOON, "elsewhere", exclusive=True).to_bytes()
    sealed_lock = repository.seal_file(ResourceType.LOCK, VERSION_1_0_0, old)
    storage.write(Kind.LOCK, b"o" * 32, sealed_lock)
    with pytest.raises(Locked), shared_lock(repository, b"m" * 32):
        pass
    storage.clock = lambda: time.time_ns() - 11 * 60 * 10**9
    storage.write(Kind.LOCK, b"o" * 32, sealed_lock)
    storage.clock = time.time_ns
    with shared_lock(repository, b"m" * 32):
        pass


# With the passphrase, or in a plaintext store, whose key is written in CONFIG


def test_whoever_can_write_a_plaintext_store_can_write_what_they_like(plain: Small) -> None:
    """Its MACs find rot, not people: this is what the threat model says of plaintext stores."""
    storage = changed(plain.storage)
    forger = Repository.open(storage)
    forger.remove_snapshots(list(plain.told))
    assert plain.open(storage).snapshots() == []
    assert damage(plain, storage) == []


def attacks(small: Small) -> dict[str, list[object]]:
    repository = small.open(small.storage)
    packfiles = list(repository.index.packfiles)
    places = [
        (name, packfile, place)
        for packfile in packfiles
        for name, place in repository.index.locations_in(packfile).items()
        if name[0] != ResourceType.RANDOM
    ]
    swapped = zip(places, places[1:] + places[:1], strict=True)
    return {
        "coloured snapshots": [ColouredEntry(ResourceType.SNAPSHOT, each, 1) for each in small.told],
        "coloured packfiles": [ColouredEntry(ResourceType.PACKFILE, each, 1) for each in packfiles],
        "deleted packfiles": [DeleteEntry(EntryType.PACKFILE, packfile=each) for each in packfiles],
        "deleted locations": [
            DeleteEntry(EntryType.LOCATION, name[0], name[1:], packfile) for name, packfile, _ in places
        ],
        "blobs elsewhere": [
            LocationEntry(name[0], 0x10000, name[1:], other_packfile, *other)
            for (name, _, _), (_, other_packfile, other) in swapped
        ],
    }


@pytest.mark.parametrize("name", attacks(make_small(encrypted=False, compression="LZ4")))
@pytest.mark.parametrize("is_first", [True, False], ids=["before", "behind"])
def test_states_that_lie_lead_to_errors_and_never_to_other_bytes(plain: Small, name: str, is_first: bool) -> None:
    storage = changed(plain.storage)
    repository = plain.open(storage)
    entries = attacks(plain)[name]
    state = State((make_run(entries),), 1 if is_first else 1 << 62)  # type: ignore[arg-type]
    content = repository.seal_file(ResourceType.STATE, 0x10100, state.to_bytes())
    storage.write(Kind.STATE, b"l" * 32, content)
    opened = plain.open(storage)
    for identifier in opened.index.snapshot_ids():
        try:
            found = tell(opened, opened.header(identifier))
        except KlosetError:
            continue
        assert found == plain.told[identifier]
    for finding in check(plain.open(storage), read_data=True):
        assert finding.message
