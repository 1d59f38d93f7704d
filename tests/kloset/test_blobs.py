"""Reading blobs: verified, together, and from another copy when one is damaged."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caldav_backup.kloset.blobs import MAX_GAP, READ_BYTES, _neighbours, _portions
from caldav_backup.kloset.configuration import ChunkSizes
from caldav_backup.kloset.envelope import HEADER_SIZE
from caldav_backup.kloset.errors import BlobMissing, Damaged
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import VERSION_1_0_0, ZERO_MAC, ResourceType
from caldav_backup.kloset.state import Location, LocationEntry, make_run
from caldav_backup.kloset.storage import Kind
from tests.kloset.stores import WatchedStorage, damage, make_repository, packfiles, put_blobs

CHUNK, OBJECT = ResourceType.CHUNK, ResourceType.OBJECT
BIG_CHUNKS = ChunkSizes(1 << 16, 1 << 17, 1 << 21)
places = st.builds(
    Location,
    st.sampled_from([b"a" * 32, b"b" * 32]),
    st.integers(0, 3 * READ_BYTES),
    st.integers(0, 2 * MAX_GAP) | st.integers(0, 2 * READ_BYTES),
)


def stored(*blobs: bytes, encrypted: bool = False) -> tuple[WatchedStorage, Repository, list[bytes]]:
    storage = WatchedStorage()
    _, repository = make_repository(storage=storage, chunking=BIG_CHUNKS, encrypted=encrypted)
    return storage, repository, put_blobs(repository, b"s" * 32, [(CHUNK, blob) for blob in blobs])


@pytest.mark.parametrize("encrypted", [False, True])
def test_blobs_come_back_in_the_order_asked_for(encrypted: bool) -> None:
    blobs = [os.urandom(100 + number) for number in range(700)]
    _, repository, macs = stored(*blobs, encrypted=encrypted)
    order = [*range(699, -1, -1), 5, 5]
    assert list(repository.get_blobs(CHUNK, (macs[at] for at in order))) == [(macs[at], blobs[at]) for at in order]
    assert repository.get_blob(CHUNK, macs[3]) == blobs[3]


def test_neighbouring_blobs_are_read_at_once() -> None:
    blobs = [os.urandom(1000) for _ in range(200)]
    storage, repository, macs = stored(*blobs)
    storage.reads.clear()
    assert len(list(repository.get_blobs(CHUNK, macs))) == 200
    assert len(storage.reads) == 1


def test_no_read_is_longer_than_the_bound_but_for_a_blob_that_is() -> None:
    blobs = [os.urandom(1 << 20) for _ in range(10)]
    storage, repository, macs = stored(*blobs)
    storage.reads.clear()
    assert [blob for _, blob in repository.get_blobs(CHUNK, macs)] == blobs
    assert max(length for _, length in storage.reads) <= READ_BYTES
    assert len(storage.reads) <= 5


def test_blobs_are_handed_out_before_all_are_read() -> None:
    storage, repository, macs = stored(*[os.urandom(1 << 20) for _ in range(12)])
    storage.reads.clear()
    next(repository.get_blobs(CHUNK, macs))
    assert sum(length for _, length in storage.reads) <= READ_BYTES


@given(st.lists(places, max_size=30))
def test_groups_hold_every_place_once_and_stay_small(found: list[Location]) -> None:
    ordered = sorted(set(found))
    groups = list(_neighbours(ordered))
    assert [place for group in groups for place in group] == ordered
    for group in groups:
        assert len({place.packfile for place in group}) == 1
        end = max(place.offset + place.length for place in group)
        assert len(group) == 1 or end - group[0].offset <= READ_BYTES


@given(st.lists(places | st.none(), max_size=30))
def test_portions_cover_everything_and_stay_small(found: list[Location | None]) -> None:
    spans = list(_portions(found))
    assert [place for start, end in spans for place in found[start:end]] == found
    for start, end in spans:
        assert end > start
        assert end - start == 1 or sum(place.length for place in found[start:end] if place) <= READ_BYTES


@pytest.mark.parametrize("encrypted", [False, True])
def test_changed_blob_is_refused_by_its_name(encrypted: bool) -> None:
    storage, repository, macs = stored(b"one" * 50, b"two" * 50, b"three" * 50, encrypted=encrypted)
    (packfile,) = packfiles(storage)
    place = repository.index.find_location(CHUNK, macs[1])
    assert place is not None
    damage(storage, Kind.PACKFILE, packfile, HEADER_SIZE + place.offset + place.length // 2)
    with pytest.raises(Damaged, match=macs[1].hex()):
        repository.get_blob(CHUNK, macs[1])
    blobs = repository.get_blobs(CHUNK, macs)
    assert next(blobs) == (macs[0], b"one" * 50)
    with pytest.raises(Damaged, match=packfile.hex()):
        next(blobs)


def test_blob_in_the_place_of_another_is_refused() -> None:
    _, repository = make_repository()
    (mac,) = put_blobs(repository, b"s" * 32, [(CHUNK, b"one")])
    place = repository.index.find_location(CHUNK, mac)
    assert place is not None
    other = repository.keyed.mac(b"two")
    repository.put_state(b"t" * 32, [make_run([LocationEntry(CHUNK, VERSION_1_0_0, other, *place)])])
    with pytest.raises(Damaged, match=other.hex()):
        repository.get_blob(CHUNK, other)


def test_damaged_blob_is_read_from_another_packfile() -> None:
    storage, repository, macs = stored(b"one" * 50, b"two" * 50)
    (first,) = packfiles(storage)
    put_blobs(repository, b"t" * 32, [(CHUNK, b"one" * 50)])
    damage(storage, Kind.PACKFILE, first, HEADER_SIZE + 100, 255)
    place = repository.index.find_location(CHUNK, macs[0])
    assert place is not None
    damage(storage, Kind.PACKFILE, first, HEADER_SIZE + place.offset + 20)
    assert repository.get_blob(CHUNK, macs[0]) == b"one" * 50
    assert list(repository.get_blobs(CHUNK, macs[:1])) == [(macs[0], b"one" * 50)]
    del storage.files[Kind.PACKFILE, first]
    assert repository.get_blob(CHUNK, macs[0]) == b"one" * 50
    assert list(repository.get_blobs(CHUNK, macs[:1])) == [(macs[0], b"one" * 50)]


def test_blob_that_no_packfile_holds_is_missing() -> None:
    storage, repository, macs = stored(b"one")
    with pytest.raises(BlobMissing, match="chunk"):
        repository.get_blob(CHUNK, ZERO_MAC)
    with pytest.raises(BlobMissing):
        repository.get_blob(OBJECT, macs[0])
    with pytest.raises(BlobMissing):
        list(repository.get_blobs(CHUNK, [ZERO_MAC]))
    (packfile,) = packfiles(storage)
    del storage.files[Kind.PACKFILE, packfile]
    with pytest.raises(BlobMissing, match=packfile.hex()):
        repository.get_blob(CHUNK, macs[0])


def test_packfile_cut_short_is_damaged() -> None:
    storage, repository, macs = stored(b"one" * 50, b"two" * 50)
    (packfile,) = packfiles(storage)
    place = repository.index.find_location(CHUNK, macs[1])
    assert place is not None
    storage.files[Kind.PACKFILE, packfile] = storage.files[Kind.PACKFILE, packfile][: HEADER_SIZE + place.offset + 1]
    blobs = repository.get_blobs(CHUNK, macs)
    assert next(blobs) == (macs[0], b"one" * 50)
    with pytest.raises(Damaged):
        next(blobs)


def test_chunk_longer_than_the_store_allows_is_refused() -> None:
    _, repository = make_repository()
    (mac,) = put_blobs(repository, b"s" * 32, [(CHUNK, bytes(513))])
    with pytest.raises(Damaged):
        repository.get_blob(CHUNK, mac)
