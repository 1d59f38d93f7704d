from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from caldav_backup.kloset.errors import (
    Damaged,
    StorageNotWritable,
    StorageUnavailable,
    StoreExists,
    StoreNotFound,
    UnsupportedStore,
)
from caldav_backup.kloset.storage import FilesystemStorage, Kind, PtarStorage, StorageWriter, open_storage
from caldav_backup.kloset.storage.disk import SystemDisk

NAME = bytes(range(32))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def storage(root: Path) -> FilesystemStorage:
    made = FilesystemStorage(root)
    made.create(b"configuration")
    return made


def names_of(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_new_store_has_plakars_layout_and_is_private(storage: FilesystemStorage, root: Path) -> None:
    assert names_of(root) == ["CONFIG", "locks", "packfiles", "states"]
    for kind in ("packfiles", "states"):
        assert names_of(root / kind) == [f"{first:02x}" for first in range(256)]
    for path in [root, *root.rglob("*")]:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_files_lie_where_plakar_looks_for_them(storage: FilesystemStorage, root: Path) -> None:
    for kind in Kind:
        storage.write(kind, NAME, kind.noun.encode())
    assert (root / "packfiles" / "00" / NAME.hex()).read_bytes() == b"packfile"
    assert (root / "states" / "00" / NAME.hex()).read_bytes() == b"state"
    assert (root / "locks" / NAME.hex()).read_bytes() == b"lock"
    assert (root / "locks" / NAME.hex()).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("kind", "directory"), [(Kind.PACKFILE, "packfiles"), (Kind.STATE, "states"), (Kind.LOCK, ".")]
)
def test_unfinished_files_lie_beside_the_buckets_and_vanish_when_aborted(
    storage: FilesystemStorage, root: Path, kind: Kind, directory: str
) -> None:
    before = names_of(root / directory)
    writer = storage.open_writer(kind)
    writer.write(b"x")

    [temporary] = set(names_of(root / directory)) - set(before)
    assert temporary.startswith("tmp.")
    assert temporary[4:].isdigit()
    assert (root / directory / temporary).stat().st_mode & 0o777 == 0o600

    writer.abort()
    assert names_of(root / directory) == before


def test_foreign_files_are_not_listed(storage: FilesystemStorage, root: Path) -> None:
    storage.write(Kind.STATE, NAME, b"state")
    bucket = root / "states" / "00"
    for name in ("tmp.123", "README", "ab" * 31, "xy" * 32, "AB" * 32, " " + "ab" * 31 + "a"):
        (bucket / name).write_bytes(b"")
    (bucket / ("ab" * 32)).mkdir()
    (bucket / ("cd" * 32)).symlink_to(bucket / NAME.hex())
    (root / "states" / ("ef" * 32)).write_bytes(b"not in a bucket")
    (root / "locks" / "tmp.4").write_bytes(b"")
    assert list(storage.ids(Kind.STATE)) == [NAME]
    assert list(storage.ids(Kind.LOCK)) == []


def test_a_copied_bucket_lists_nothing_twice_but_a_misplaced_file_is_not_passed_over(
    storage: FilesystemStorage, root: Path
) -> None:
    storage.write(Kind.STATE, NAME, b"state")
    copy = root / "states" / "00-copy"
    copy.mkdir()
    (copy / NAME.hex()).write_bytes(b"state")
    (copy / ("ab" * 32)).write_bytes(b"elsewhere")
    assert sorted(storage.ids(Kind.STATE)) == [NAME, b"\xab" * 32]


def test_an_empty_directory_becomes_a_store(root: Path) -> None:
    root.mkdir()
    FilesystemStorage(root).create(b"configuration")
    assert FilesystemStorage(root).read_configuration() == b"configuration"


def test_missing_parents_are_made(root: Path) -> None:
    FilesystemStorage(root / "a" / "b").create(b"configuration")
    assert (root / "a" / "b" / "CONFIG").exists()


def test_creation_that_was_killed_can_be_repeated(storage: FilesystemStorage, root: Path) -> None:
    (root / "CONFIG").rename(root / "tmp.0123")
    FilesystemStorage(root).create(b"again")
    assert FilesystemStorage(root).read_configuration() == b"again"


@pytest.mark.parametrize("foreign", ["diary.txt", "packfiles/00/tmp.1", "locks/" + "ab" * 32, "states"])
def test_a_store_is_not_created_among_other_files(root: Path, foreign: str) -> None:
    (root / foreign).parent.mkdir(parents=True)
    (root / foreign).write_text("mine")
    with pytest.raises(StoreExists):
        FilesystemStorage(root).create(b"configuration")
    assert (root / foreign).read_text() == "mine"


def test_a_store_is_not_created_in_the_place_of_a_file(root: Path) -> None:
    root.write_text("mine")
    with pytest.raises(StoreExists):
        FilesystemStorage(root).create(b"configuration")


def test_a_directory_without_configuration_is_no_store(root: Path) -> None:
    root.mkdir()
    with pytest.raises(StoreNotFound, match=str(root)):
        FilesystemStorage(root).read_configuration()


def test_a_file_is_no_store(root: Path) -> None:
    root.write_text("mine")
    with pytest.raises(StoreNotFound):
        FilesystemStorage(root).read_configuration()


def test_an_unreadable_configuration_is_no_missing_store(root: Path) -> None:
    (root / "CONFIG").mkdir(parents=True)
    with pytest.raises(StorageUnavailable):
        FilesystemStorage(root).read_configuration()


def test_huge_configuration_and_locks_are_refused_before_they_are_read_whole(
    storage: FilesystemStorage, root: Path
) -> None:
    for path in (root / "CONFIG", root / "locks" / NAME.hex()):
        with path.open("wb") as file:
            file.truncate(1 << 40)
    with pytest.raises(Damaged):
        storage.read_configuration()
    with pytest.raises(Damaged):
        storage.read(Kind.LOCK, NAME)


def test_lost_empty_directories_come_back_when_something_is_written(storage: FilesystemStorage, root: Path) -> None:
    for directory in sorted((path for path in root.rglob("*") if path.is_dir()), reverse=True):
        directory.rmdir()
    again = FilesystemStorage(root)
    assert list(again.ids(Kind.STATE)) == list(again.ids(Kind.LOCK)) == []

    # What a backup writes first.
    again.write(Kind.LOCK, NAME, b"x")

    assert again.read(Kind.LOCK, NAME) == b"x"
    assert len(names_of(root / "packfiles")) == len(names_of(root / "states")) == 256


def test_nothing_is_written_where_the_store_has_gone(storage: FilesystemStorage, root: Path) -> None:
    (root / "CONFIG").unlink()
    with pytest.raises(StorageUnavailable, match="mounted"):
        FilesystemStorage(root).write(Kind.STATE, NAME, b"x")


def test_a_store_that_has_gone_is_not_listed_as_empty(storage: FilesystemStorage, root: Path) -> None:
    root.rename(root.with_name("moved"))
    for kind in Kind:
        with pytest.raises(StorageUnavailable, match="mounted"):
            list(storage.ids(kind))


def test_a_store_that_goes_while_it_is_written_is_unavailable(storage: FilesystemStorage, root: Path) -> None:
    writer = storage.open_writer(Kind.STATE)
    writer.write(b"x")
    root.rename(root.with_name("moved"))
    with pytest.raises(StorageUnavailable):
        writer.commit(NAME)
    with pytest.raises(StorageUnavailable):
        storage.open_writer(Kind.STATE)


def test_a_failed_write_leaves_no_temporary_file(storage: FilesystemStorage, root: Path) -> None:
    (root / "states" / "00" / NAME.hex()).mkdir()
    before = sorted(root.rglob("*"))
    with pytest.raises(StorageUnavailable):
        storage.write(Kind.STATE, NAME, b"x")
    assert sorted(root.rglob("*")) == before


def test_what_killed_programs_left_unfinished_is_gone_after_a_week_by_the_disks_own_clock(root: Path) -> None:
    FilesystemStorage(root).create(b"configuration")
    week = 7 * 86_400
    now = (root / "CONFIG").stat().st_mtime
    places = [root, root / "packfiles", root / "states"]
    for directory in places:
        for name, age in (("tmp.1", week), ("tmp.2", week - 60), ("tmp.3", -week), ("tmp.x", week), ("README", week)):
            (directory / name).write_bytes(b"x")
            os.utime(directory / name, (now - age, now - age))
        (directory / "tmp.4").symlink_to(directory / "README")
    FilesystemStorage(root).write(Kind.LOCK, NAME, b"x")
    for directory in places:
        left = [name for name in names_of(directory) if name.startswith(("tmp", "READ"))]
        assert left == ["README", "tmp.2", "tmp.3", "tmp.4", "tmp.x"]


def test_unreadable_places_are_unavailable(storage: FilesystemStorage, root: Path) -> None:
    (root / "states" / "00" / NAME.hex()).mkdir()
    (root / "locks").rmdir()
    (root / "locks").write_text("a file in its place")
    with pytest.raises(StorageUnavailable):
        storage.read(Kind.STATE, NAME)
    with pytest.raises(StorageUnavailable):
        list(storage.ids(Kind.LOCK))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc here")
def test_a_directory_that_cannot_be_synced_is_good_enough() -> None:
    # As on many network file systems: EINVAL.
    SystemDisk().sync_directory(Path("/proc/self"))


def test_a_storage_that_cannot_be_reached_is_unavailable(root: Path) -> None:
    root.symlink_to(root)
    storage = FilesystemStorage(root)
    actions: list[Callable[[], object]] = [
        storage.read_configuration,
        lambda: storage.create(b"configuration"),
        lambda: storage.read(Kind.STATE, NAME),
        lambda: storage.read_range(Kind.STATE, NAME, 0, 1),
        lambda: storage.size(Kind.STATE, NAME),
        lambda: storage.delete(Kind.STATE, NAME),
        lambda: storage.write(Kind.STATE, NAME, b"x"),
        lambda: list(storage.ids(Kind.STATE)),
    ]
    for action in actions:
        with pytest.raises(StorageUnavailable, match="store"):
            action()


def test_a_file_in_the_place_of_a_directory_is_no_storage(storage: FilesystemStorage, root: Path) -> None:
    (root / "locks").rmdir()
    (root / "locks").write_text("mine")
    with pytest.raises(StorageUnavailable, match="exists"):
        FilesystemStorage(root).write(Kind.STATE, NAME, b"x")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("size", [1, 1 << 20, 3 << 20])
def test_a_full_disk_says_so(storage: FilesystemStorage, size: int) -> None:
    writer = storage.open_writer(Kind.STATE)
    with open("/dev/full", "wb") as full:
        os.dup2(full.fileno(), writer._file.fileno())
    with pytest.raises(StorageNotWritable, match="full"):
        write_and_commit(writer, bytes(size))
    writer.abort()
    assert list(storage.ids(Kind.STATE)) == []


def write_and_commit(writer: StorageWriter, data: bytes) -> None:
    writer.write(data)
    writer.commit(NAME)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_store_without_permission_says_so(storage: FilesystemStorage, root: Path) -> None:
    (root / "states").chmod(0o500)
    with pytest.raises(StorageNotWritable, match="permission"):
        storage.write(Kind.STATE, NAME, b"x")


def test_a_location_says_which_storage_it_is(tmp_path: Path) -> None:
    (tmp_path / "directory.ptar").mkdir()
    assert isinstance(open_storage("backup"), FilesystemStorage)
    assert isinstance(open_storage("backup.ptar"), PtarStorage)
    assert isinstance(open_storage("ptar://backup"), PtarStorage)
    assert isinstance(open_storage(str(tmp_path / "directory.ptar")), FilesystemStorage)
    assert open_storage("file:///srv/my%20store").location == "/srv/my store"
    assert open_storage("fs:///srv/my%20store").location == "/srv/my%20store"
    with pytest.raises(UnsupportedStore, match="s3://"):
        open_storage("s3://bucket/store")
