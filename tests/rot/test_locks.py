"""A rotten lock stops no backup, and whoever wants the store alone is told of it by name."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest

from caldav_backup.kloset import Locked
from caldav_backup.kloset.found_locks import list_locks
from caldav_backup.kloset.locks import exclusive_lock, shared_lock
from caldav_backup.kloset.storage import Kind
from tests.rot.small import LOCK
from tests.rot.test_rot import STORES, small
from tests.rot.variants import flips, lengths


@pytest.mark.full
@pytest.mark.parametrize("name", list(STORES)[:2])
def test_rotten_locks_are_listed_and_stop_no_backup(name: str, chance: random.Random) -> None:
    store = small(name)
    variants = [*flips(store.storage, chance), *lengths(store.storage)]
    rotten = [variant for variant in variants if variant.where == "lock 0"]
    for variant in chance.sample(rotten, 40):
        storage = variant.make()
        repository = store.open(storage)
        (found,) = list_locks(repository)
        assert found.identifier == LOCK, variant
        assert found.lock is None, variant
        with shared_lock(repository, b"m" * 32):
            assert (Kind.LOCK, b"m" * 32) in storage.files
        with suppress(Locked), exclusive_lock(repository):
            pass
        assert set(storage.ids(Kind.LOCK)) <= {LOCK}, variant
