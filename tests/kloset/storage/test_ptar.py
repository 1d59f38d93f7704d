from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.kloset.errors import (
    Damaged,
    KlosetError,
    StorageFileMissing,
    StorageNotWritable,
    StorageUnavailable,
    StoreNotFound,
    UnsupportedStore,
)
from caldav_backup.kloset.storage import Kind, PtarStorage
from caldav_backup.kloset.storage.ptar import PACKFILE_ID, STATE_ID
from tests.kloset.conftest import GOLDEN, Golden

ARCHIVE = (GOLDEN / "h-encrypted.ptar").read_bytes()


@pytest.fixture
def archive(golden: Golden) -> PtarStorage:
    return PtarStorage(golden("h-encrypted.ptar")[0])


def test_the_parts_are_envelopes(archive: PtarStorage) -> None:
    assert archive.read_configuration()[:12] == b"_KLOSET_\x01\0\0\0"
    assert archive.read(Kind.PACKFILE, PACKFILE_ID)[:12] == b"_KLOSET_\x04\0\0\0"
    assert archive.read(Kind.STATE, STATE_ID)[:12] == b"_KLOSET_\x03\0\0\0"
    assert 12 + len(archive.read_configuration()) + sum(
        archive.size(kind, name) for kind, name in ((Kind.PACKFILE, PACKFILE_ID), (Kind.STATE, STATE_ID))
    ) + 48 == len(ARCHIVE)


def test_one_packfile_and_one_state_are_listed(archive: PtarStorage) -> None:
    assert list(archive.ids(Kind.PACKFILE)) == [PACKFILE_ID]
    assert list(archive.ids(Kind.STATE)) == [STATE_ID]
    assert list(archive.ids(Kind.LOCK)) == []


def test_every_packfile_id_reads_the_same_packfile(archive: PtarStorage) -> None:
    whole = archive.read(Kind.PACKFILE, bytes(32))
    assert archive.read_range(Kind.PACKFILE, b"\x77" * 32, 16, 100) == whole[16:116]


def test_ranges_stay_inside_the_part(archive: PtarStorage) -> None:
    size = archive.size(Kind.PACKFILE, PACKFILE_ID)
    for offset, length in ((0, size + 1), (-1, 1), (size, 1), (0, 1 << 60), (5, -1)):
        with pytest.raises(Damaged):
            archive.read_range(Kind.PACKFILE, PACKFILE_ID, offset, length)


def test_every_part_is_as_old_as_the_archive(archive: PtarStorage) -> None:
    when = Path(archive.location).stat().st_mtime_ns
    assert archive.modified_ns(Kind.STATE, STATE_ID) == archive.modified_ns(Kind.PACKFILE, PACKFILE_ID) == when


def test_an_archive_that_has_gone_has_no_time_any_more(archive: PtarStorage) -> None:
    archive.read_configuration()
    Path(archive.location).unlink()
    with pytest.raises(StorageUnavailable):
        archive.modified_ns(Kind.STATE, STATE_ID)


def test_other_files_are_missing(archive: PtarStorage) -> None:
    for kind in (Kind.STATE, Kind.LOCK):
        with pytest.raises(StorageFileMissing):
            archive.read(kind, bytes(32))
        with pytest.raises(StorageFileMissing):
            archive.modified_ns(kind, bytes(32))


def test_nothing_can_be_written(archive: PtarStorage) -> None:
    with pytest.raises(StorageNotWritable):
        archive.create(b"")
    with pytest.raises(StorageNotWritable):
        archive.open_writer(Kind.PACKFILE)
    with pytest.raises(StorageNotWritable):
        archive.write(Kind.LOCK, bytes(32), b"")
    with pytest.raises(StorageNotWritable):
        archive.delete(Kind.STATE, STATE_ID)
    with pytest.raises(StorageNotWritable):
        archive.keep_aside(Kind.STATE, STATE_ID)


def test_a_missing_archive_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreNotFound):
        PtarStorage(tmp_path / "none.ptar").read_configuration()


def test_something_else_is_no_archive(tmp_path: Path) -> None:
    path = tmp_path / "other.ptar"
    path.write_bytes(bytes(500))
    with pytest.raises(Damaged, match="begin"):
        PtarStorage(path).read_configuration()


def test_an_archive_that_cannot_be_reached_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "loop.ptar"
    path.symlink_to(path)
    with pytest.raises(StorageUnavailable):
        PtarStorage(path).read_configuration()


def test_an_archive_that_goes_while_it_is_read_is_unavailable(golden: Golden) -> None:
    path, _ = golden("h-encrypted.ptar")
    archive = PtarStorage(path)
    archive.read_configuration()
    path.rename(path.with_name("moved"))
    with pytest.raises(StorageUnavailable, match="gone"):
        archive.read(Kind.STATE, STATE_ID)
    path.mkdir()
    with pytest.raises(StorageUnavailable):
        archive.read(Kind.STATE, STATE_ID)


def test_a_newer_archive_is_not_supported(tmp_path: Path) -> None:
    path = tmp_path / "newer.ptar"
    path.write_bytes(ARCHIVE[:8] + b"\x00\x00\x02\x00" + ARCHIVE[12:])
    with pytest.raises(UnsupportedStore, match=r"2\.0\.0"):
        PtarStorage(path).read_configuration()


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("broken") / "broken.ptar"


@given(keep=st.integers(0, len(ARCHIVE) - 1))
def test_an_archive_cut_short_is_damaged(broken: Path, keep: int) -> None:
    broken.write_bytes(ARCHIVE[:keep])
    with pytest.raises(KlosetError):
        PtarStorage(broken).read_configuration()


@given(numbers=st.lists(st.integers(-(1 << 63), (1 << 63) - 1) | st.integers(0, 200), min_size=6, max_size=6))
def test_no_trailer_leads_out_of_the_archive(broken: Path, numbers: list[int]) -> None:
    trailer = b"".join(number.to_bytes(8, "little", signed=True) for number in numbers)
    broken.write_bytes(ARCHIVE[:500] + trailer)
    archive = PtarStorage(broken)
    with suppress(Damaged):
        assert archive.read_configuration() in ARCHIVE[:500]
        assert archive.read(Kind.PACKFILE, PACKFILE_ID) in ARCHIVE[:500]


@pytest.mark.parametrize("numbers", [(11, 9, 50, 9, 90, 9), (12, 0, 50, 9, 90, 9), (12, 9, 50, -9, 90, 9)])
def test_a_senseless_trailer_is_damage(broken: Path, numbers: tuple[int, ...]) -> None:
    broken.write_bytes(ARCHIVE[:-48] + b"".join(number.to_bytes(8, "little", signed=True) for number in numbers))
    with pytest.raises(Damaged):
        PtarStorage(broken).read_configuration()


def test_an_oversized_configuration_is_damage(broken: Path) -> None:
    broken.write_bytes(ARCHIVE[:-40] + (32769).to_bytes(8, "little") + ARCHIVE[-32:])
    with pytest.raises(Damaged, match="configuration"):
        PtarStorage(broken).read_configuration()
