"""What every storage promises, run against each of them that can be written to."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from caldav_backup.kloset.errors import Damaged, StorageFileMissing, StoreExists, StoreNotFound
from caldav_backup.kloset.storage import FilesystemStorage, Kind, MemoryStorage, Storage

ONE, TWO = b"\x01" * 32, b"\xff" * 32


@pytest.fixture(params=["filesystem", "memory"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    makers: dict[str, Callable[[], Storage]] = {
        "filesystem": lambda: FilesystemStorage(tmp_path / "store"),
        "memory": MemoryStorage,
    }
    return makers[request.param]()


@pytest.fixture(scope="module", params=["filesystem", "memory"])
def created(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Storage:
    """One for all tests: a store in a directory has 512 more of them."""
    makers: dict[str, Callable[[], Storage]] = {
        "filesystem": lambda: FilesystemStorage(tmp_path_factory.mktemp("contract") / "store"),
        "memory": MemoryStorage,
    }
    storage = makers[request.param]()
    storage.create(b"configuration")
    return storage


@pytest.fixture
def storage(created: Storage) -> Storage:
    for kind in Kind:
        for identifier in list(created.ids(kind)):
            created.delete(kind, identifier)
    return created


def test_no_store_is_there_before_it_is_created(empty: Storage) -> None:
    with pytest.raises(StoreNotFound):
        empty.read_configuration()


def test_configuration_is_read_as_it_was_written(storage: Storage) -> None:
    assert storage.read_configuration() == b"configuration"


def test_a_store_is_not_created_over_another(storage: Storage) -> None:
    with pytest.raises(StoreExists):
        storage.create(b"other")
    assert storage.read_configuration() == b"configuration"


@pytest.mark.parametrize("kind", Kind)
def test_a_new_store_has_no_files(storage: Storage, kind: Kind) -> None:
    assert list(storage.ids(kind)) == []


@pytest.mark.parametrize("kind", Kind)
def test_written_files_are_listed_and_read(storage: Storage, kind: Kind) -> None:
    storage.write(kind, ONE, b"first")
    storage.write(kind, TWO, b"")

    assert sorted(storage.ids(kind)) == [ONE, TWO]
    assert storage.read(kind, ONE) == b"first"
    assert storage.read(kind, TWO) == b""
    assert storage.size(kind, ONE) == 5
    assert all(list(storage.ids(other)) == [] for other in Kind if other is not kind)


def test_writing_again_replaces(storage: Storage) -> None:
    storage.write(Kind.LOCK, ONE, b"longer than the next")
    storage.write(Kind.LOCK, ONE, b"next")
    assert storage.read(Kind.LOCK, ONE) == b"next"


@pytest.mark.parametrize("kind", Kind)
def test_missing_files_are_named_as_missing(storage: Storage, kind: Kind) -> None:
    ranged = lambda kind, name: storage.read_range(kind, name, 0, 1)  # noqa: E731
    for read in (storage.read, storage.size, storage.modified_ns, ranged):
        with pytest.raises(StorageFileMissing, match=f"{kind.noun} {ONE.hex()}"):
            read(kind, ONE)


def test_a_range_is_exact(storage: Storage) -> None:
    storage.write(Kind.PACKFILE, ONE, bytes(range(10)))
    assert storage.read_range(Kind.PACKFILE, ONE, 3, 4) == bytes([3, 4, 5, 6])
    assert storage.read_range(Kind.PACKFILE, ONE, 10, 0) == b""


@pytest.mark.parametrize(
    ("offset", "length"), [(0, 11), (10, 1), (11, 0), (-1, 2), (2, -1), (1 << 62, 1), (0, 1 << 62)]
)
def test_a_range_beyond_the_file_is_damage(storage: Storage, offset: int, length: int) -> None:
    storage.write(Kind.PACKFILE, ONE, bytes(range(10)))
    with pytest.raises(Damaged):
        storage.read_range(Kind.PACKFILE, ONE, offset, length)


@pytest.mark.parametrize("kind", Kind)
def test_a_file_tells_when_it_was_written_last(storage: Storage, kind: Kind) -> None:
    begun = time.time_ns()
    storage.write(kind, ONE, b"x")
    first = storage.modified_ns(kind, ONE)
    storage.write(kind, TWO, b"x")
    storage.write(kind, ONE, b"y")
    # A kernel may date a file by its last tick, some milliseconds ago.
    assert begun - 20_000_000 <= first <= storage.modified_ns(kind, TWO) <= storage.modified_ns(kind, ONE)


@pytest.mark.parametrize("kind", Kind)
def test_a_writer_shows_nothing_before_commit(storage: Storage, kind: Kind) -> None:
    writer = storage.open_writer(kind)
    writer.write(b"one ")
    writer.write(memoryview(bytearray(b"two")))
    assert list(storage.ids(kind)) == []

    writer.commit(TWO)
    writer.abort()

    assert storage.read(kind, TWO) == b"one two"


def test_an_aborted_writer_leaves_nothing(storage: Storage) -> None:
    writer = storage.open_writer(Kind.PACKFILE)
    writer.write(b"lost")
    writer.abort()
    writer.abort()
    assert list(storage.ids(Kind.PACKFILE)) == []


@pytest.mark.parametrize("kind", Kind)
def test_deleted_files_are_gone_and_deleting_again_is_no_error(storage: Storage, kind: Kind) -> None:
    storage.write(kind, ONE, b"x")
    storage.delete(kind, ONE)
    storage.delete(kind, ONE)
    assert list(storage.ids(kind)) == []


def test_a_file_that_is_kept_aside_stays_and_is_listed_once(storage: Storage) -> None:
    storage.write(Kind.STATE, ONE, b"good")
    first = storage.keep_aside(Kind.STATE, ONE)
    second = storage.keep_aside(Kind.STATE, ONE)
    assert list(storage.ids(Kind.STATE)) == [ONE]
    assert storage.read(Kind.STATE, ONE) == b"good"
    if isinstance(storage, FilesystemStorage):
        assert first != second
        assert Path(first).read_bytes() == Path(second).read_bytes() == b"good"
    with pytest.raises(StorageFileMissing):
        storage.keep_aside(Kind.PACKFILE, TWO)
