from __future__ import annotations

import pytest

from caldav_backup.kloset import errors
from caldav_backup.kloset.resources import VERSION_1_0_0, VERSION_1_1_0, ResourceType, version_number, version_text


def test_the_numbers_are_those_of_the_format() -> None:
    assert [kind.value for kind in ResourceType] == [*range(1, 8), *range(9, 22), 255]
    assert (VERSION_1_0_0, VERSION_1_1_0) == (0x00010000, 0x00010100)


@pytest.mark.parametrize(("parts", "text"), [((1, 1, 0), "1.1.0"), ((2, 13, 255), "2.13.255")])
def test_versions_are_readable(parts: tuple[int, int, int], text: str) -> None:
    assert version_text(version_number(*parts)) == text


def test_every_error_is_of_one_family() -> None:
    found = [value for value in vars(errors).values() if isinstance(value, type)]
    assert all(issubclass(error, errors.KlosetError) for error in found)
    assert issubclass(errors.BlobMissing, errors.Damaged)
    for error in (errors.StorageFileMissing, errors.StorageUnavailable, errors.StorageNotWritable):
        assert issubclass(error, errors.StorageError)
