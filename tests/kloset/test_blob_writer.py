"""Every blob is stored once, and where it has company."""

from __future__ import annotations

from caldav_backup.kloset.blob_writer import BlobWriter
from caldav_backup.kloset.packer import Packer
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import ResourceType
from tests.kloset.stores import make_repository, put_blobs

CHUNK, ENTRY = ResourceType.CHUNK, ResourceType.VFS_ENTRY


class Writing:
    """A writer, and what it had to store."""

    def __init__(self, repository: Repository) -> None:
        self.mac_of = repository.keyed.mac
        self.packer = Packer(repository.storage, repository.codec, repository.keyed, 1 << 20)
        self.blobs = BlobWriter(repository.keyed, repository.index, self.packer)

    def pairs(self, *records: bytes) -> list[tuple[bytes, bytes]]:
        return [(self.mac_of(record), record) for record in records]

    def stored(self) -> int:
        """How many blobs, without padding."""
        return max(0, sum(packfile.count for packfile in self.packer.finish()) - 2)


def packfile_of(repository: Repository, record: bytes) -> set[bytes]:
    return {place.packfile for place in repository.index.find_locations(CHUNK, repository.keyed.mac(record))}


def test_a_blob_is_stored_once_whichever_way_it_comes() -> None:
    writing = Writing(make_repository()[1])
    for _ in range(2):
        assert writing.blobs.put(CHUNK, b"one") == writing.mac_of(b"one")
        writing.blobs.put_all(CHUNK, writing.pairs(b"one", b"two", b"two"))
        writing.blobs.put_beside(CHUNK, *writing.pairs(b"two")[0], set())
        writing.blobs.put_kept(CHUNK, writing.pairs(b"two", b"three"))
    assert writing.stored() == 3


def test_a_type_is_part_of_a_blobs_name() -> None:
    writing = Writing(make_repository()[1])
    writing.blobs.put(CHUNK, b"one")
    writing.blobs.put(ENTRY, b"one")
    assert writing.stored() == 2


def test_what_the_store_has_is_not_stored_again() -> None:
    _, repository = make_repository()
    put_blobs(repository, b"s" * 32, [(CHUNK, b"one"), (ENTRY, b"two")])
    writing = Writing(repository)
    writing.blobs.put(CHUNK, b"one")
    writing.blobs.put_all(CHUNK, writing.pairs(b"one"))
    writing.blobs.put_unique(ENTRY, writing.pairs(b"two"))
    assert writing.blobs.has(CHUNK, writing.mac_of(b"one"))
    assert not writing.blobs.has(CHUNK, writing.mac_of(b"two"))
    assert writing.stored() == 0


def test_a_blob_is_stored_again_where_it_would_have_no_company() -> None:
    _, repository = make_repository()
    put_blobs(repository, b"s" * 32, [(CHUNK, b"one")])
    company = packfile_of(repository, b"one")
    writing = Writing(repository)
    pair = writing.pairs(b"one")[0]
    writing.blobs.put_beside(CHUNK, *pair, company | {b"another"})
    assert writing.stored() == 0
    writing.blobs.put_beside(CHUNK, *pair, {b"another"})
    assert writing.stored() == 1


def test_kept_blobs_tell_the_packfiles_that_alone_hold_them() -> None:
    _, repository = make_repository()
    put_blobs(repository, b"s" * 32, [(CHUNK, b"one"), (CHUNK, b"both")])
    put_blobs(repository, b"t" * 32, [(CHUNK, b"two"), (CHUNK, b"both")])
    writing = Writing(repository)
    assert writing.blobs.put_kept(CHUNK, writing.pairs(b"one", b"both")) == packfile_of(repository, b"one")
    assert writing.blobs.put_kept(CHUNK, writing.pairs(b"both")) == set()
    assert writing.stored() == 0
