"""What keeps a store small and sound, as its commands do it, with a grace period that is over at once."""

from __future__ import annotations

import time
from collections.abc import Collection

from caldav_backup.kloset.copying.stores import copy_snapshots, plan_copy
from caldav_backup.kloset.locks import exclusive_lock
from caldav_backup.kloset.maintenance.applying import apply_maintenance
from caldav_backup.kloset.maintenance.merging import apply_merging
from caldav_backup.kloset.maintenance.repacking import apply_repack, plan_repack
from caldav_backup.kloset.repairing.deed import apply_repair
from caldav_backup.kloset.repairing.plan import plan_repair
from caldav_backup.kloset.storage import Storage
from caldav_backup.retention.pinning import plan_pins
from caldav_backup.retention.plan import Question, plan_prune
from caldav_backup.retention.policy import Policy
from tests.crash.worlds import World


def all_but_the_last(world: World) -> Collection[int]:
    return sorted(world.held)[:-1]


def prune(world: World, storage: Storage) -> None:
    plan_prune(world.open(storage), Question(Policy(last=1), time.time_ns())).apply()


def pin(world: World, storage: Storage) -> None:
    """Issues the oldest snapshot again, under another id."""
    repository = world.open(storage)
    plan_pins(repository, repository.snapshots()[:1]).apply()


def maintain(world: World, storage: Storage) -> None:
    """Colours what nothing needs, and deletes what was coloured before."""
    repository = world.open(storage)
    with exclusive_lock(repository) as lock:
        apply_maintenance(repository, lock, grace_ns=0)


def repack(world: World, storage: Storage) -> None:
    """Whatever is small, and here everything is."""
    repository = world.open(storage)
    with exclusive_lock(repository) as lock:
        apply_repack(repository, plan_repack(repository, enough_small=2, small_share=9.0), confirm=lock.confirm)


def merge(world: World, storage: Storage) -> None:
    repository = world.open(storage)
    with exclusive_lock(repository) as lock:
        apply_merging(repository, confirm=lock.confirm, most_locations=100)


def maintain_and_repack(world: World, storage: Storage) -> None:
    maintain(world, storage)
    repack(world, storage)
    merge(world, storage)


def repair(world: World, storage: Storage) -> None:
    repository = world.open(storage)
    with exclusive_lock(repository) as lock:
        apply_repair(repository, plan_repair(repository), lock, time.time_ns())


def sync(world: World, storage: Storage, count: int | None = None) -> None:
    """Copies what the other store has more, or the oldest `count` of its snapshots."""
    assert world.source is not None
    source, target = world.open(world.source), world.open(storage)
    copy_snapshots(source, target, plan_copy(source, target, source.snapshots()[:count]), partial_tag="partial")
