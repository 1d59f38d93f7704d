"""Nothing of a snapshot is visible before the end, and everything after."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from caldav_backup.kloset import (
    Configuration,
    Damaged,
    Locked,
    Repository,
    SnapshotBuilder,
    StorageNotWritable,
    StorageUnavailable,
    open_storage,
)
from caldav_backup.kloset.check import check
from caldav_backup.kloset.configuration import PackfileSizes
from caldav_backup.kloset.errors import LockLost
from caldav_backup.kloset.locks import Lock
from caldav_backup.kloset.resources import VERSION_1_0_0, BytesLike, ResourceType
from caldav_backup.kloset.state import ColouredEntry, make_run
from caldav_backup.kloset.storage import Kind, MemoryStorage
from caldav_backup.kloset.storage.memory import MemoryWriter
from tests.kloset.builds import (
    MTIME_NS,
    add_directory,
    added_bytes,
    assert_nothing_lost,
    assert_sound,
    make_store,
    some_files,
    two_calendars,
)
from tests.kloset.stores import IMPORTER, build


def test_nothing_is_visible_before_the_end_and_everything_after() -> None:
    storage, repository = make_store(packfile_size=20_000)
    builder = SnapshotBuilder(repository, importer=IMPORTER)
    two_calendars(builder)
    assert len(list(storage.ids(Kind.PACKFILE))) > 2
    assert Repository.open(storage).snapshots() == []
    identifier = builder.finish().identifier
    assert [header.identifier for header in Repository.open(storage).snapshots()] == [identifier]
    assert list(storage.ids(Kind.STATE)) == [identifier]
    assert list(storage.ids(Kind.LOCK)) == []
    assert_sound(repository)


def test_a_lock_is_held_until_the_end() -> None:
    storage, repository = make_store()
    builder = SnapshotBuilder(repository, importer=IMPORTER)
    assert list(storage.ids(Kind.LOCK)) == [builder.identifier]
    builder.abort()
    assert list(storage.ids(Kind.LOCK)) == []
    builder.abort()


def test_a_store_under_maintenance_is_locked() -> None:
    storage, repository = make_store()
    lock = Lock(time.time_ns(), "elsewhere", exclusive=True)
    storage.write(Kind.LOCK, bytes(32), repository.seal_file(ResourceType.LOCK, VERSION_1_0_0, lock.to_bytes()))
    with pytest.raises(Locked, match="elsewhere"):
        SnapshotBuilder(repository, importer=IMPORTER)
    assert list(storage.ids(Kind.LOCK)) == [bytes(32)]


def test_a_store_that_cannot_be_read_is_unlocked_again() -> None:
    storage, repository = make_store()
    storage.write(Kind.STATE, bytes(32), b"no state")
    with pytest.raises(Damaged):
        SnapshotBuilder(repository, importer=IMPORTER)
    assert list(storage.ids(Kind.LOCK)) == []


def test_an_aborted_snapshot_leaves_no_file_but_finished_packfiles(tmp_path: Path) -> None:
    configuration = Configuration.new(encrypted=False, packfile=PackfileSizes(max_size=20_000))
    repository = Repository.create(open_storage(str(tmp_path / "store")), configuration)
    with SnapshotBuilder(repository, importer=IMPORTER) as builder:
        builder.open_directory("/work").add(some_files(100))
    left = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert len(left) > 2
    assert {path.parts[-3] for path in left if path.name != "CONFIG"} == {"packfiles"}
    assert repository.snapshots() == []
    assert_nothing_lost(repository)


class FullStorage(MemoryStorage):
    """Takes `room` writes and no more."""

    room = 1 << 60

    def open_writer(self, kind: Kind) -> MemoryWriter:
        return FullWriter(self, kind)

    def write(self, kind: Kind, identifier: bytes, data: BytesLike) -> None:
        self.use()
        super().write(kind, identifier, data)

    def use(self) -> None:
        if self.room == 0:
            raise StorageNotWritable("the disk is full")
        self.room -= 1


class FullWriter(MemoryWriter):
    def __init__(self, storage: FullStorage, kind: Kind) -> None:
        super().__init__(storage, kind)
        self._full = storage

    def write(self, data: BytesLike) -> None:
        self._full.use()
        super().write(data)


def test_wherever_the_disk_fills_up_the_previous_snapshot_stays_and_the_next_one_works() -> None:
    storage = FullStorage()
    configuration = Configuration.new(encrypted=False, packfile=PackfileSizes(max_size=20_000))
    repository = Repository.create(storage, configuration)
    first = build(repository, two_calendars)
    room = 0
    while not fits(storage, room):
        storage.room = 1 << 60
        assert list(storage.ids(Kind.LOCK)) == []
        assert Repository.open(storage).snapshots() == [first.header]
        room += 1
    assert room > 5
    storage.room = 1 << 60
    assert len(Repository.open(storage).snapshots()) == 2
    assert_nothing_lost(Repository.open(storage))


def fits(storage: FullStorage, room: int) -> bool:
    """Whether a snapshot is done when the storage takes `room` more writes."""
    storage.room = room
    try:
        with SnapshotBuilder(Repository.open(storage), importer=IMPORTER) as builder:
            add_directory(builder, "/work", some_files(60, "new"))
            builder.finish()
    except StorageNotWritable:
        return False
    return True


def test_a_lock_that_cannot_be_removed_does_not_undo_a_commit() -> None:
    class Sticky(MemoryStorage):
        def delete(self, kind: Kind, identifier: bytes) -> None:
            raise StorageNotWritable(f"{kind.noun} {identifier.hex()} cannot be deleted")

    storage = Sticky()
    repository = Repository.create(storage, Configuration.new(encrypted=False))
    header = build(repository, two_calendars).header
    assert Repository.open(storage).snapshots() == [header]


def test_the_store_is_looked_at_again_once_the_lock_is_held() -> None:
    storage, repository = make_store()
    assert repository.snapshots() == []
    other = build(Repository.open(storage), two_calendars)
    assert added_bytes(storage, lambda: build(repository, two_calendars)) < 8000
    assert repository.snapshots()[0] == other.header


def test_what_lay_in_a_lost_packfile_is_stored_again() -> None:
    """Also the trees that a parent seems to have, for a run that reads everything anew has a parent too."""
    storage, repository = make_store()
    parent = build(repository, lambda builder: add_directory(builder, "/work", some_files(300), displayname=b"Work"))
    for identifier in list(storage.ids(Kind.PACKFILE)):
        storage.delete(Kind.PACKFILE, identifier)

    def everything(builder: SnapshotBuilder) -> None:
        directory = builder.open_directory("/work", mtime_ns=MTIME_NS, parents=[parent])
        directory.add(some_files(300))
        directory.close({"user.caldav.displayname": b"Work"})

    again = build(repository, everything).header
    assert list(check(Repository.open(storage), read_data=True, snapshots=[again.identifier])) == []


def test_a_lock_that_stays_behind_hides_neither_success_nor_the_reason_of_a_failure() -> None:
    class Sticky(MemoryStorage):
        is_full = False

        def open_writer(self, kind: Kind) -> MemoryWriter:
            if self.is_full and kind is Kind.STATE:
                raise StorageNotWritable("the disk is full")
            return super().open_writer(kind)

        def delete(self, kind: Kind, identifier: bytes) -> None:
            raise StorageUnavailable(f"{kind.noun} {identifier.hex()} cannot be deleted")

    storage = Sticky()
    repository = Repository.create(storage, Configuration.new(encrypted=False))
    snapshot = build(repository, two_calendars)
    assert repository.snapshots() == [snapshot.header]
    storage.is_full = True
    with pytest.raises(StorageNotWritable, match="full"):
        build(repository, two_calendars)


def test_states_name_the_one_before_as_their_parent() -> None:
    _, repository = make_store()
    first = build(repository, two_calendars)
    second = build(repository, two_calendars)
    assert repository.read_state(second.header.identifier).parent == first.header.identifier
    assert repository.read_state(first.header.identifier).parent == bytes(32)


def test_a_snapshot_whose_lock_was_removed_is_committed_if_nothing_was_taken_away_meanwhile() -> None:
    storage, repository = make_store()
    build(repository, two_calendars)
    builder = SnapshotBuilder(repository, importer=IMPORTER)
    two_calendars(builder)
    storage.delete(Kind.LOCK, builder.identifier)
    build(Repository.open(storage), two_calendars)
    builder.finish()
    assert len(Repository.open(storage).snapshots()) == 3
    assert list(storage.ids(Kind.LOCK)) == []
    assert_nothing_lost(repository)


@pytest.mark.parametrize("is_deleted", [False, True])
def test_a_snapshot_whose_lock_was_removed_is_given_up_if_the_store_was_maintained_meanwhile(is_deleted: bool) -> None:
    storage, repository = make_store()
    before = build(repository, two_calendars).header
    builder = SnapshotBuilder(repository, importer=IMPORTER)
    two_calendars(builder)
    storage.delete(Kind.LOCK, builder.identifier)
    elsewhere = Repository.open(storage)
    (packfile,) = elsewhere.index.packfiles
    if is_deleted:
        storage.delete(Kind.PACKFILE, packfile)
    else:
        elsewhere.put_state(b"\x07" * 32, [make_run([ColouredEntry(ResourceType.PACKFILE, packfile, 1)])])
    with pytest.raises(LockLost, match=r"maintained meanwhile. Nothing was committed"):
        builder.finish()
    assert Repository.open(storage).index.snapshot_ids() == [before.identifier]
    assert list(storage.ids(Kind.LOCK)) == []
