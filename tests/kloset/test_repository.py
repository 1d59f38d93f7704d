"""Opening, listing, committing and removing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import pytest

from caldav_backup.kloset import unlocking
from caldav_backup.kloset.configuration import Configuration
from caldav_backup.kloset.errors import (
    AmbiguousSnapshot,
    Damaged,
    InvalidArgument,
    PassphraseNotExpected,
    PassphraseRequired,
    SnapshotNotFound,
    StorageNotWritable,
    StorageUnavailable,
    StoreExists,
    StoreIdentityChanged,
    StoreNotFound,
    WrongPassphrase,
)
from caldav_backup.kloset.identity import StoreIdentity
from caldav_backup.kloset.keys import Argon2id
from caldav_backup.kloset.repository import Repository, read_configuration
from caldav_backup.kloset.resources import VERSION_1_1_0, ZERO_MAC, ResourceType
from caldav_backup.kloset.snapshot import Snapshot
from caldav_backup.kloset.state import ColouredEntry, State, make_run
from caldav_backup.kloset.storage import Kind, MemoryStorage
from caldav_backup.kloset.storage.memory import MemoryWriter
from tests.kloset.conftest import Golden
from tests.kloset.stores import PASSPHRASE, build, damage, make_repository, two_calendars


@pytest.mark.parametrize("encrypted", [False, True])
def test_created_store_opens_again(encrypted: bool) -> None:
    storage, created = make_repository(encrypted=encrypted)
    opened = Repository.open(storage, passphrase=PASSPHRASE if encrypted else None, expected=created.identity)
    assert opened.configuration == created.configuration
    assert opened.identity == StoreIdentity(created.configuration.repository_id, encrypted)
    assert opened.keyed.mac(b"x") == created.keyed.mac(b"x")
    assert opened.snapshots() == []
    assert read_configuration(storage) == created.configuration


def test_store_is_not_created_twice_nor_opened_before() -> None:
    storage, _ = make_repository()
    with pytest.raises(StoreExists):
        Repository.create(storage, Configuration.new(encrypted=False))
    with pytest.raises(StoreNotFound):
        Repository.open(MemoryStorage())


def test_passphrase_must_fit_the_store() -> None:
    encrypted, _ = make_repository(encrypted=True)
    plaintext, _ = make_repository()
    with pytest.raises(PassphraseRequired):
        Repository.open(encrypted)
    with pytest.raises(WrongPassphrase):
        Repository.open(encrypted, passphrase=b"another")
    with pytest.raises(PassphraseNotExpected):
        Repository.open(plaintext, passphrase=PASSPHRASE)


def test_store_that_became_another_is_refused_before_the_passphrase_is_tried() -> None:
    storage, repository = make_repository(encrypted=True)
    with pytest.raises(StoreIdentityChanged, match="was there before"):
        Repository.open(storage, passphrase=PASSPHRASE, expected=StoreIdentity(uuid4(), encrypted=True))
    # Whoever can write the storage must not be able to turn encryption off.
    configuration = replace(repository.configuration, encryption=None)
    storage.configuration = unlocking.to_file(unlocking.Unlocked(configuration, None))
    with pytest.raises(StoreIdentityChanged, match="plaintext now"):
        Repository.open(storage, passphrase=PASSPHRASE, expected=repository.identity)


def test_changed_configuration_is_refused() -> None:
    for encrypted in (False, True):
        storage, _ = make_repository(encrypted=encrypted)
        assert storage.configuration is not None
        storage.configuration = storage.configuration[:-1] + bytes([storage.configuration[-1] ^ 1])
        with pytest.raises(Damaged):
            Repository.open(storage, passphrase=PASSPHRASE if encrypted else None)


def test_snapshots_are_listed_oldest_first_and_ties_by_id() -> None:
    storage, repository = make_repository()
    made = [build(repository, two_calendars, timestamp_ns=at).header for at in (5, 3, 5, 4)]
    expected = sorted(made, key=lambda header: (header.timestamp_ns, header.identifier))
    assert repository.snapshots() == expected
    assert Repository.open(storage).snapshots() == expected


def test_a_damaged_header_ends_the_listing_unless_somebody_is_told() -> None:
    storage, repository = make_repository()
    lost, left = (build(repository, two_calendars, timestamp_ns=at).header for at in (1, 2))
    place = repository.index.find_location(ResourceType.SNAPSHOT, lost.identifier)
    assert place is not None
    storage.delete(Kind.PACKFILE, place.packfile)
    with pytest.raises(Damaged):
        Repository.open(storage).snapshots()
    told: list[bytes] = []
    opened = Repository.open(storage, unreadable=lambda identifier, _: told.append(identifier))
    for _ in range(2):
        assert opened.snapshots() == [left]
    assert told == [lost.identifier]


def test_snapshot_is_found_by_the_beginning_of_its_id() -> None:
    _, repository = make_repository()
    one, two = (build(repository, two_calendars).header for _ in range(2))
    assert repository.find_snapshot(one.identifier.hex()[:12].upper()) == one
    assert repository.find_snapshot(two.identifier.hex()) == two
    with pytest.raises(SnapshotNotFound):
        repository.find_snapshot("00000000")
    for prefix in ("", "abc", "latest", one.identifier.hex() + "\N{FULLWIDTH DIGIT ONE}"):
        with pytest.raises(InvalidArgument):
            repository.find_snapshot(prefix)


def test_beginning_that_two_snapshots_share_is_ambiguous() -> None:
    from caldav_backup.kloset.builder import SnapshotBuilder
    from tests.kloset.stores import IMPORTER

    _, repository = make_repository()
    for last in (b"\x01", b"\x02"):
        SnapshotBuilder(repository, importer=IMPORTER, identifier=b"\xab" * 31 + last).finish()
    with pytest.raises(AmbiguousSnapshot, match="ab" * 6):
        repository.find_snapshot("abab")
    assert repository.find_snapshot("ab" * 31 + "02").identifier[-1] == 2


def test_unknown_snapshot_is_not_found() -> None:
    _, repository = make_repository()
    with pytest.raises(SnapshotNotFound, match="00" * 32):
        repository.header(ZERO_MAC)
    with pytest.raises(SnapshotNotFound):
        repository.snapshot(ZERO_MAC)


def test_state_that_cannot_be_written_is_not_applied() -> None:
    class Full(MemoryStorage):
        def open_writer(self, kind: Kind) -> MemoryWriter:
            if kind is Kind.STATE:
                raise StorageNotWritable("the disk is full")
            return super().open_writer(kind)

    storage, repository = make_repository(storage=Full())
    with pytest.raises(StorageNotWritable):
        repository.put_state(b"1" * 32, [make_run([ColouredEntry(4, b"p" * 32, 5)])])
    assert not repository.index.states
    assert not storage.files


def test_state_whose_writing_fails_midway_leaves_nothing() -> None:
    class Failing(MemoryWriter):
        def commit(self, identifier: bytes) -> None:
            raise StorageUnavailable(f"the storage went away before {identifier.hex()} was there")

    class Unsteady(MemoryStorage):
        def open_writer(self, kind: Kind) -> MemoryWriter:
            return Failing(self, kind)

    storage, repository = make_repository(storage=Unsteady())
    with pytest.raises(StorageUnavailable):
        repository.put_state(b"1" * 32, [])
    assert not repository.index.states
    assert not storage.files


def test_removed_snapshot_is_gone_for_everybody() -> None:
    storage, repository = make_repository()
    one, two = (build(repository, two_calendars, timestamp_ns=at) for at in (1, 2))
    repository.remove_snapshot(one.header.identifier)
    for seen in (repository, Repository.open(storage)):
        assert [header.identifier for header in seen.snapshots()] == [two.header.identifier]
        with pytest.raises(SnapshotNotFound):
            seen.snapshot(one.header.identifier)
        with pytest.raises(SnapshotNotFound):
            seen.remove_snapshot(one.header.identifier)
        assert list(seen.snapshot(two.header.identifier).walk())


def test_several_snapshots_are_removed_in_one_commit_or_none_of_them() -> None:
    storage, repository = make_repository()
    made = [build(repository, two_calendars, timestamp_ns=at) for at in range(5)]
    identifiers = [snapshot.header.identifier for snapshot in made]
    reader = Repository.open(storage)
    read_meanwhile = reader.snapshot(identifiers[0])
    states = len(list(storage.ids(Kind.STATE)))
    with pytest.raises(SnapshotNotFound):
        repository.remove_snapshots([identifiers[0], b"n" * 32])
    repository.remove_snapshots([])
    assert len(list(storage.ids(Kind.STATE))) == states
    repository.remove_snapshots(iter([*identifiers[:3], identifiers[0]]))
    assert len(list(storage.ids(Kind.STATE))) == states + 1
    assert contents(read_meanwhile) == contents(made[4])
    # Somebody who has not seen it yet removes one of them, too.
    reader.remove_snapshots(identifiers[2:4])
    for seen in (reader, repository, Repository.open(storage)):
        seen.refresh()
        assert [header.identifier for header in seen.snapshots()] == [identifiers[4]]
        assert list(seen.check()) == []


def contents(snapshot: Snapshot) -> dict[str, bytes]:
    return {entry.path: snapshot.read(entry) for entry in snapshot.walk() if entry.is_file}


def test_removal_is_a_state_named_by_its_content_behind_the_last_one() -> None:
    storage, repository = make_repository()
    header = build(repository, two_calendars).header
    repository.remove_snapshot(header.identifier)
    last = repository.index.last_state
    _, stream = repository.open_file(ResourceType.STATE, storage.read(Kind.STATE, last), "it")
    assert last == repository.keyed.mac(stream)
    state = State.from_bytes(stream, VERSION_1_1_0)
    assert (state.parent, state.serial) == (header.identifier, repository.configuration.repository_id.bytes)
    ((coloured,),) = (list(run.read()) for run in state.runs)
    assert isinstance(coloured, ColouredEntry)
    assert (coloured.resource_type, coloured.identifier) == (ResourceType.SNAPSHOT, header.identifier)


def test_removal_from_a_store_of_plakar_takes_its_serial(golden: Golden) -> None:
    from caldav_backup.kloset.storage import open_storage

    path, facts = golden("a-plain")
    repository = Repository.open(open_storage(str(path)))
    before = repository.index.serial
    repository.remove_snapshot(bytes.fromhex(facts["snapshots"][0]["id"]))
    again = Repository.open(open_storage(str(path)))
    assert again.index.serial == before
    assert again.snapshots() == []


def test_states_of_others_are_seen_after_a_refresh() -> None:
    storage, repository = make_repository()
    assert repository.snapshots() == []
    other = Repository.open(storage)
    snapshot = build(other, two_calendars)
    assert repository.snapshots() == []
    repository.refresh()
    repository.refresh()
    assert repository.snapshots() == [snapshot.header]
    other.remove_snapshot(snapshot.header.identifier)
    repository.refresh()
    assert repository.snapshots() == []


def test_first_state_has_no_parent_and_the_next_one_has_it() -> None:
    _, repository = make_repository()
    coloured = make_run([ColouredEntry(4, b"p" * 32, 5)])
    first = repository.put_state(b"1" * 32, [coloured], timestamp_ns=7)
    second = repository.put_state(b"2" * 32, [])
    assert (first.parent, first.timestamp_ns, second.parent) == (ZERO_MAC, 7, b"1" * 32)
    assert first.serial == second.serial == repository.configuration.repository_id.bytes


def cut(content: bytes) -> bytes:
    return content[:-1]


def change(content: bytes) -> bytes:
    return content[:-40] + bytes([content[-40] ^ 1]) + content[-39:]


def empty(content: bytes) -> bytes:
    return b""


@pytest.mark.parametrize("spoil", [cut, change, empty])
def test_spoilt_state_is_named(spoil: Callable[[bytes], bytes]) -> None:
    storage, repository = make_repository()
    identifier = build(repository, two_calendars).header.identifier
    storage.files[Kind.STATE, identifier] = spoil(storage.files[Kind.STATE, identifier])
    with pytest.raises(Damaged, match=identifier.hex()):
        Repository.open(storage).snapshots()


def test_sealed_garbage_in_a_state_is_named() -> None:
    storage, repository = make_repository()
    storage.files[Kind.STATE, b"g" * 32] = repository.seal_file(ResourceType.STATE, VERSION_1_1_0, b"garbage")
    with pytest.raises(Damaged, match=(b"g" * 32).hex()):
        Repository.open(storage).snapshots()


def test_spoilt_header_is_named() -> None:
    storage, repository = make_repository()
    identifier = build(repository, two_calendars).header.identifier
    place = repository.index.find_location(ResourceType.SNAPSHOT, identifier)
    assert place is not None
    damage(storage, Kind.PACKFILE, place.packfile, 16 + place.offset + place.length // 2)
    with pytest.raises(Damaged, match=identifier.hex()):
        Repository.open(storage).snapshots()


def test_costly_key_derivation_is_refused_without_consent() -> None:
    from caldav_backup.kloset.errors import ExcessiveKDFCost

    storage = MemoryStorage()
    configuration = Configuration.new(encrypted=True, kdf=Argon2id(time=17, memory=8))
    with pytest.raises(ExcessiveKDFCost):
        Repository.create(storage, configuration, passphrase=PASSPHRASE)
    _, repository = make_repository(encrypted=True, storage=storage)
    costly = replace(
        repository.configuration,
        encryption=configuration.encryption,
    )
    storage.configuration = unlocking.to_file(unlocking.Unlocked(costly, bytes(32)))
    with pytest.raises(ExcessiveKDFCost):
        Repository.open(storage, passphrase=PASSPHRASE)
    with pytest.raises(Damaged):
        # With consent it is tried, and finds that the store has no canary.
        Repository.open(storage, passphrase=PASSPHRASE, allow_kdf_cost=True)


def test_opened_things_name_themselves_without_secrets() -> None:
    _, repository = make_repository(encrypted=True)
    snapshot = build(repository, two_calendars)
    assert repr(repository) == f"<Repository {repository.configuration.repository_id} at memory>"
    assert repr(snapshot) == f"<Snapshot {snapshot.header.identifier.hex()[:8]}>"


def test_listing_and_reading_one_file_need_no_numpy(golden: Golden) -> None:
    path, _ = golden("a-plain")
    script = """
import sys
from caldav_backup.kloset import Repository, open_storage
repository = Repository.open(open_storage(sys.argv[1]))
(header,) = repository.snapshots()
snapshot = repository.snapshot(header.identifier)
entry = next(entry for entry in snapshot.walk() if entry.is_file and entry.size)
assert len(snapshot.read(entry)) == entry.size
assert "numpy" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)


def test_check_of_a_sound_store_finds_nothing() -> None:
    _, repository = make_repository()
    build(repository, two_calendars)
    assert list(repository.check(read_data=True)) == []
