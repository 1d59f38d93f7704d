"""What rot did to states a repair mends whole; what it did to packfiles costs no more than it took."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import pytest

from caldav_backup.kloset import KlosetError
from caldav_backup.kloset.check import Severity, check
from caldav_backup.kloset.locks import exclusive_lock
from caldav_backup.kloset.repairing.deed import apply_repair
from caldav_backup.kloset.repairing.plan import plan_repair
from caldav_backup.kloset.storage import Kind, MemoryStorage
from tests.rot.small import LOCK, Small, Told, tell
from tests.rot.test_rot import STORES, other, small
from tests.rot.variants import Variant, flips, lengths, wholes


def repair(store: Small, storage: MemoryStorage) -> None:
    storage.files.pop((Kind.LOCK, LOCK), None)
    repository = store.open(storage)
    with exclusive_lock(repository) as lock:
        apply_repair(repository, plan_repair(repository), lock, time.time_ns())


def told_by(store: Small, storage: MemoryStorage) -> dict[bytes, Told]:
    """What every snapshot tells that can be read whole."""
    repository = store.open(storage)
    found = {}
    for identifier in repository.index.snapshot_ids():
        try:
            found[identifier] = tell(repository, repository.header(identifier))
        except KlosetError:
            continue
    return found


def damage_in(store: Small, storage: MemoryStorage) -> list[str]:
    findings = check(store.open(storage), read_data=True)
    return [str(finding) for finding in findings if finding.severity is Severity.DAMAGE]


def rot_in(store: Small, chance: random.Random, where: str, count: int) -> Iterator[Variant]:
    for variants in (flips(store.storage, chance), lengths(store.storage)):
        chosen = [variant for variant in variants if variant.where.startswith(where)]
        yield from chance.sample(chosen, count)
    whole = [each for each in wholes(store.storage, other().storage) if each.where.startswith(where)]
    yield from chance.sample(whole, 2 * count)


@pytest.mark.full
@pytest.mark.parametrize("name", list(STORES)[:2])
def test_a_repair_brings_back_all_that_lost_states_told_of(name: str, chance: random.Random) -> None:
    store = small(name)
    for variant in rot_in(store, chance, "state", 4):
        if "is packfile" in variant.what or "and packfile" in variant.what:
            continue
        storage = variant.make()
        repair(store, storage)
        assert told_by(store, storage) == store.told, variant
        assert damage_in(store, storage) == [], variant


@pytest.mark.full
@pytest.mark.parametrize("name", list(STORES)[:2])
def test_a_repair_loses_nothing_that_can_be_read(name: str, chance: random.Random) -> None:
    store = small(name)
    for variant in rot_in(store, chance, "packfile", 4):
        storage = variant.make()
        try:
            before = told_by(store, storage)
        except KlosetError:
            before = {}
        repair(store, storage)
        after = told_by(store, storage)
        assert before.items() <= after.items(), variant
        assert after.items() <= store.told.items(), variant


def test_a_lost_state_is_repaired(chance: random.Random) -> None:
    store = small("sealed, LZ4")
    (gone, *_) = (each for each in wholes(store.storage, other().storage) if str(each) == "state 1: gone")
    storage = gone.make()
    assert len(told_by(store, storage)) < len(store.told)
    repair(store, storage)
    assert told_by(store, storage) == store.told
