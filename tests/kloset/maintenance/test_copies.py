"""What counts as a good copy, and how much of a packfile is read to find out: the same as for every reader."""

from __future__ import annotations

import os

import pytest

from caldav_backup.kloset.blobs import RECORD_LIMIT
from caldav_backup.kloset.live_blobs import LiveBlobs
from caldav_backup.kloset.maintenance.copies import find_dispensable
from caldav_backup.kloset.maintenance.repacking_moves import Mover, Placed
from caldav_backup.kloset.packer import Packer
from caldav_backup.kloset.resources import ResourceType
from caldav_backup.kloset.state import ColouredEntry, Location, make_run
from tests.kloset.stores import WatchedStorage, make_repository, packfiles, put_blobs

OBJECT = ResourceType.OBJECT


@pytest.mark.full
def test_an_object_of_many_chunks_has_a_good_copy_like_any_other() -> None:
    storage, repository = make_repository()
    long = os.urandom(RECORD_LIMIT + 1)
    (mac,) = put_blobs(repository, b"s" * 32, [(OBJECT, long)])
    (old,) = packfiles(storage)
    put_blobs(repository, b"t" * 32, [(OBJECT, long)])
    repository.put_state(b"u" * 32, [make_run([ColouredEntry(ResourceType.PACKFILE, old, 1)])])
    live = LiveBlobs()
    live.add(OBJECT, [mac])
    assert find_dispensable(repository, live, [old]) == {old}


def test_a_blob_that_claims_to_be_longer_than_any_can_be_is_not_read() -> None:
    storage = WatchedStorage()
    _, repository = make_repository(storage=storage)
    (mac,) = put_blobs(repository, b"s" * 32, [(OBJECT, b"content")])
    (packfile,) = packfiles(storage)
    mover = Mover(repository)
    packer = Packer(repository.storage, repository.codec, repository.keyed, 1 << 20)
    storage.reads.clear()
    claimed = Placed(Location(packfile, 0, repository.blobs.most_stored + 1), OBJECT, mac)
    assert list(mover.move([claimed], packer)) == []
    assert mover.damaged.keys() == {packfile}
    assert storage.reads == []
