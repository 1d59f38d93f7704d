"""A snapshot that is issued again is the same but for its id and its tags, and nobody ever sees two of it, or none."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from caldav_backup.kloset import (
    InvalidArgument,
    Locked,
    Repository,
    Snapshot,
    SnapshotBuilder,
    SnapshotNotFound,
    StorageNotWritable,
    UnsupportedStore,
    records,
)
from caldav_backup.kloset.header import Identity
from caldav_backup.kloset.locks import Lock
from caldav_backup.kloset.packer import Packer
from caldav_backup.kloset.placement import placement_runs
from caldav_backup.kloset.reissue import Reissue, reissue
from caldav_backup.kloset.resources import VERSION_1_0_0, BytesLike, ResourceType
from caldav_backup.kloset.storage import Kind, MemoryStorage
from caldav_backup.kloset.storage.memory import MemoryWriter
from tests.kloset.builds import assert_sound
from tests.kloset.stores import build, make_repository, some_files, two_calendars


def small(builder: SnapshotBuilder) -> None:
    directory = builder.open_directory("/work")
    directory.add(some_files(2))
    directory.close({})


def contents(snapshot: Snapshot) -> dict[str, bytes]:
    return {entry.path: snapshot.read(entry) for entry in snapshot.walk() if entry.is_file}


def ids(repository: Repository) -> list[bytes]:
    return [header.identifier for header in repository.snapshots()]


def test_everything_but_id_and_tags_stays() -> None:
    storage, repository = make_repository(encrypted=True)
    before = build(repository, two_calendars, timestamp_ns=7)
    found = reissue(repository, [Reissue(before.header, ["pinned", "kept"])])
    (header,) = repository.snapshots()
    assert found == {before.header.identifier: header.identifier}
    assert header == replace(before.header, identifier=header.identifier, tags=("pinned", "kept"))
    assert contents(repository.snapshot(header.identifier)) == contents(before)
    assert list(storage.ids(Kind.LOCK)) == []
    assert_sound(repository)


def test_one_state_and_one_packfile_are_written_for_many() -> None:
    storage, repository = make_repository()
    headers = [build(repository, small, timestamp_ns=number).header for number in range(5)]
    states, packfiles = (len(list(storage.ids(kind))) for kind in (Kind.STATE, Kind.PACKFILE))
    found = reissue(repository, [Reissue(header, ["x"]) for header in headers])
    assert [len(list(storage.ids(kind))) for kind in (Kind.STATE, Kind.PACKFILE)] == [states + 1, packfiles + 1]
    assert ids(repository) == [found[header.identifier] for header in headers]


def test_the_order_of_commits_is_kept_by_all_readers() -> None:
    storage, repository = make_repository()
    headers = [build(repository, small, timestamp_ns=number).header for number in range(4)]
    committed = [repository.index.committed_ns(header.identifier) for header in headers]
    found = reissue(repository, [Reissue(headers[number], ()) for number in (2, 0)])
    expected = [found.get(header.identifier, header.identifier) for header in headers]
    for reader in (repository, Repository.open(storage)):
        assert reader.index.snapshot_ids() == expected
        assert [reader.index.committed_ns(identifier) for identifier in expected] == committed
        assert reader.index.reissued_as(headers[0].identifier) == expected[0]
        assert reader.index.reissued_as(headers[1].identifier) is None


def test_ids_can_be_followed_over_several_times() -> None:
    _, repository = make_repository()
    first = build(repository, small).header
    for _ in range(3):
        reissue(repository, [Reissue(header, ()) for header in repository.snapshots()])
    assert [repository.index.reissued_as(first.identifier)] == ids(repository)


def test_a_snapshot_is_found_by_the_id_that_it_had() -> None:
    _, repository = make_repository()
    header = build(repository, small).header
    (new,) = reissue(repository, [Reissue(header, ["pinned"])]).values()
    old = header.identifier.hex()
    assert repository.find_snapshot(old[:8]).identifier == new
    assert repository.current_id(old[:8]) == new.hex()
    for word in (new.hex()[:6], "latest", "@2026-05-01", "", old[:3]):
        assert repository.current_id(word) == word
    repository.remove_snapshot(new)
    assert repository.current_id(old) == old


def test_what_was_removed_meanwhile_does_not_come_back() -> None:
    storage, repository = make_repository()
    headers = [build(repository, small).header for _ in range(2)]
    other = Repository.open(storage)
    other.remove_snapshot(headers[1].identifier)
    before = dict(storage.files)
    with pytest.raises(SnapshotNotFound):
        reissue(repository, [Reissue(header, ()) for header in headers])
    assert storage.files == before


class MeddlingStorage(MemoryStorage):
    """Lets another program do something right before a state is written."""

    def __init__(self) -> None:
        super().__init__()
        self.meddle: list[object] = []

    def open_writer(self, kind: Kind) -> MemoryWriter:
        if kind is Kind.STATE and self.meddle:
            action = self.meddle.pop()
            assert callable(action)
            action()
        return super().open_writer(kind)


def test_what_is_removed_right_before_the_commit_does_not_come_back() -> None:
    storage = MeddlingStorage()
    _, repository = make_repository(storage=storage)
    headers = [build(repository, small).header for _ in range(2)]
    other = Repository.open(storage)
    other.snapshots()
    storage.meddle.append(lambda: other.remove_snapshot(headers[0].identifier))
    with pytest.raises(SnapshotNotFound, match="at the same time"):
        reissue(repository, [Reissue(header, ()) for header in headers])
    (left,) = Repository.open(storage).snapshots()
    assert left.root == headers[1].root and left.identifier != headers[1].identifier


@pytest.mark.parametrize("smaller", [True, False])
def test_of_two_new_ids_given_at_once_one_stays(smaller: bool) -> None:
    storage = MeddlingStorage()
    _, repository = make_repository(storage=storage)
    header = build(repository, small).header
    other = Repository.open(storage)
    other.snapshots()
    ours, theirs = (iter([bytes([state]) * 32, bytes([new]) * 32]) for state, new in ((1, 11), (2, 10 + 2 * smaller)))

    def meddle() -> None:
        reissue(other, [Reissue(header, ["theirs"])], new_identifier=lambda: next(theirs))

    storage.meddle.append(meddle)
    change = [Reissue(header, ["ours"])]
    if smaller:
        assert reissue(repository, change, new_identifier=lambda: next(ours)) == {header.identifier: bytes([11]) * 32}
    else:
        with pytest.raises(SnapshotNotFound):
            reissue(repository, change, new_identifier=lambda: next(ours))
    (left,) = Repository.open(storage).snapshots()
    assert left.tags == (("ours",) if smaller else ("theirs",))


def test_a_signature_is_dropped_and_told() -> None:
    _, repository = make_repository()
    plain = build(repository, small).header
    signed = replace(plain, identifier=b"s" * 32, identity=Identity(UUID(int=5).bytes, b"k" * 32))
    packer = Packer(repository.storage, repository.codec, repository.keyed, 1 << 26)
    packer.add(ResourceType.SNAPSHOT, signed.identifier, signed.to_bytes())
    repository.put_state(b"t" * 32, placement_runs(packer.finish(), b"t" * 32))
    told: list[bytes] = []
    found = reissue(
        repository, [Reissue(repository.header(b"s" * 32), ()), Reissue(plain, ())], signature_lost=told.append
    )
    assert told == [b"s" * 32]
    assert repository.header(found[b"s" * 32]).identity.public_key is None


def test_a_header_that_a_newer_program_made_is_left_alone() -> None:
    storage, repository = make_repository()
    known = replace(build(repository, small).header, identifier=b"n" * 32).to_bytes()
    # One field more, behind all others.
    newer = b"\xde\x00\x12" + known[3:] + records.string("novelty") + records.string("kept")
    packer = Packer(repository.storage, repository.codec, repository.keyed, 1 << 26)
    packer.add(ResourceType.SNAPSHOT, b"n" * 32, newer)
    repository.put_state(b"t" * 32, placement_runs(packer.finish(), b"t" * 32))
    before = dict(storage.files)
    with pytest.raises(UnsupportedStore):
        reissue(repository, [Reissue(repository.header(b"n" * 32), ())])
    assert storage.files == before


def test_nothing_to_do_writes_nothing_and_twice_the_same_is_refused() -> None:
    storage, repository = make_repository()
    header = build(repository, small).header
    before = dict(storage.files)
    assert reissue(repository, []) == {}
    with pytest.raises(InvalidArgument):
        reissue(repository, [Reissue(header, ()), Reissue(header, ("x",))])
    assert storage.files == before


def test_maintenance_is_waited_for() -> None:
    storage, repository = make_repository()
    header = build(repository, small).header
    lock = repository.seal_file(ResourceType.LOCK, VERSION_1_0_0, Lock(2**63 - 1, "host", exclusive=True).to_bytes())
    storage.write(Kind.LOCK, b"l" * 32, lock)
    with pytest.raises(Locked):
        reissue(repository, [Reissue(header, ())])


class FullStorage(MemoryStorage):
    """Takes no packfile any more once it is told so."""

    is_full = False

    def open_writer(self, kind: Kind) -> MemoryWriter:
        if self.is_full and kind is Kind.PACKFILE:
            return _FullWriter(self, kind)
        return super().open_writer(kind)


class _FullWriter(MemoryWriter):
    def write(self, data: BytesLike) -> None:
        raise StorageNotWritable(f"no room for {len(data)} bytes")


def test_a_full_storage_leaves_the_old_ids() -> None:
    storage = FullStorage()
    _, repository = make_repository(storage=storage)
    header = build(repository, small).header
    before = dict(storage.files)
    storage.is_full = True
    with pytest.raises(StorageNotWritable):
        reissue(repository, [Reissue(header, ())])
    assert storage.files == before
    assert ids(Repository.open(storage)) == [header.identifier]
