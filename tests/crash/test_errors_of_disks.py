"""What a disk may answer to a system call: the error says what to do, nothing half written stays, and all goes on."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import BinaryIO

import pytest

from caldav_backup.kloset.errors import StorageError, StorageNotWritable, StorageUnavailable
from caldav_backup.kloset.storage import FilesystemStorage, Kind
from caldav_backup.kloset.storage.disk import SystemDisk

ONE, TWO = b"\x01" * 32, b"\x02" * 32
CALLS = ("create_file", "write", "sync_file", "rename", "sync_directory")


class StubbornDisk(SystemDisk):
    """Answers one kind of call with an error."""

    def __init__(self) -> None:
        self.refused = ""
        self.error = 0

    def create_file(self, path: Path) -> BinaryIO:
        self._answer("create_file", path)
        return super().create_file(path)

    def sync_file(self, file: BinaryIO) -> None:
        self._answer("write", file.name)
        super().sync_file(file)
        self._answer("sync_file", file.name)

    def rename(self, old: Path, new: Path) -> None:
        self._answer("rename", new)
        super().rename(old, new)

    def remove_file(self, path: Path) -> None:
        self._answer("remove_file", path)
        super().remove_file(path)

    def make_directory(self, path: Path, mode: int) -> None:
        self._answer("make_directory", path)
        super().make_directory(path, mode)

    def sync_directory(self, path: Path) -> None:
        self._answer("sync_directory", path)
        super().sync_directory(path)

    def _answer(self, call: str, name: object) -> None:
        if call == self.refused:
            raise OSError(self.error, os.strerror(self.error), str(name))


@pytest.fixture(scope="module")
def disk() -> StubbornDisk:
    return StubbornDisk()


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory, disk: StubbornDisk) -> FilesystemStorage:
    made = FilesystemStorage(tmp_path_factory.mktemp("disk") / "store", disk)
    made.create(b"configuration")
    return made


@pytest.mark.parametrize(
    ("error", "expected", "advice"),
    [
        (errno.ENOSPC, StorageNotWritable, "the disk is full; free some space"),
        pytest.param(errno.EDQUOT, StorageNotWritable, "quota is used up; free some space", marks=pytest.mark.full),
        pytest.param(errno.EROFS, StorageNotWritable, "read-only; mount it writable", marks=pytest.mark.full),
        pytest.param(errno.EACCES, StorageNotWritable, "permission denied; let this user", marks=pytest.mark.full),
        pytest.param(errno.EPERM, StorageNotWritable, "not permitted; let this user write", marks=pytest.mark.full),
        pytest.param(errno.EFBIG, StorageNotWritable, "no file of this size", marks=pytest.mark.full),
        (errno.EIO, StorageUnavailable, "Input/output error"),
        pytest.param(errno.ESTALE, StorageUnavailable, "Stale file handle", marks=pytest.mark.full),
    ],
    ids=lambda value: errno.errorcode.get(value, "") if isinstance(value, int) else "",
)
@pytest.mark.parametrize("call", CALLS)
def test_whatever_a_disk_answers_is_told_and_leaves_nothing_half_done(
    storage: FilesystemStorage, disk: StubbornDisk, call: str, error: int, expected: type[StorageError], advice: str
) -> None:
    storage.write(Kind.STATE, ONE, b"as before")
    storage.delete(Kind.STATE, TWO)
    disk.refused, disk.error = call, error
    try:
        with pytest.raises(expected, match=advice) as told:
            storage.write(Kind.STATE, TWO, b"new")
    finally:
        disk.refused = ""
    assert storage.location in str(told.value) and "Errno" not in str(told.value)
    assert list(Path(storage.location).glob("**/tmp.*")) == []
    assert storage.read(Kind.STATE, ONE) == b"as before"
    # Where only its name could not be made safe the file is there, whole.
    assert set(storage.ids(Kind.STATE)) == {ONE, TWO} if call == "sync_directory" else {ONE}
    storage.write(Kind.STATE, TWO, b"again")
    assert storage.read(Kind.STATE, TWO) == b"again"


def test_a_file_that_cannot_be_removed_is_told(storage: FilesystemStorage, disk: StubbornDisk) -> None:
    storage.write(Kind.PACKFILE, ONE, b"as before")
    disk.refused, disk.error = "remove_file", errno.EROFS
    try:
        with pytest.raises(StorageNotWritable, match="read-only"):
            storage.delete(Kind.PACKFILE, ONE)
    finally:
        disk.refused = ""
    assert storage.read(Kind.PACKFILE, ONE) == b"as before"


@pytest.mark.parametrize("call", ["make_directory", "sync_directory", "create_file", "rename"])
def test_a_store_that_could_not_be_made_can_be_made_again(tmp_path: Path, call: str) -> None:
    disk = StubbornDisk()
    storage = FilesystemStorage(tmp_path / "below" / "store", disk)
    disk.refused, disk.error = call, errno.EIO
    with pytest.raises(StorageUnavailable, match=r"cannot write .*: Input/output error"):
        storage.create(b"configuration")
    assert not (tmp_path / "below" / "store" / "CONFIG").exists()
    disk.refused = ""
    storage.create(b"configuration")
    assert FilesystemStorage(tmp_path / "below" / "store").read_configuration() == b"configuration"


class UnsyncingDisk(SystemDisk):
    """As SMB and some FUSE file systems: directories cannot be synced."""

    def sync_directory(self, path: Path) -> None:
        assert path.is_dir()
        super().sync_directory(Path("/proc/self"))


@pytest.mark.skipif(
    not Path("/proc/self").exists(), reason="there is no /proc here, whose directories cannot be synced"
)
def test_a_file_system_that_cannot_sync_directories_will_do(tmp_path: Path) -> None:
    storage = FilesystemStorage(tmp_path / "store", UnsyncingDisk())
    storage.create(b"configuration")
    storage.write(Kind.PACKFILE, ONE, b"x")
    storage.write(Kind.STATE, ONE, b"x")
    storage.delete(Kind.STATE, ONE)
    assert storage.read(Kind.PACKFILE, ONE) == b"x"
    assert list(storage.ids(Kind.STATE)) == []
