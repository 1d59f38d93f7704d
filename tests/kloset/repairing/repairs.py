"""Repairs in tests, and what must hold after each."""

from __future__ import annotations

from caldav_backup.kloset.check import Finding, Severity, check
from caldav_backup.kloset.locks import exclusive_lock
from caldav_backup.kloset.repairing.deed import apply_repair
from caldav_backup.kloset.repairing.plan import RepairPlan, plan_repair
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.storage import Kind, MemoryStorage

NOW_NS = 1_800_000_000_000_000_000


def planned(storage: MemoryStorage, passphrase: bytes | None = None) -> RepairPlan:
    """The plan alone; it changes nothing."""
    before = dict(storage.files)
    plan = plan_repair(Repository.open(storage, passphrase=passphrase))
    assert storage.files == before
    return plan


def repaired(storage: MemoryStorage, passphrase: bytes | None = None) -> Repository:
    """The store after a repair, opened anew. A second repair would find nothing to do, and nothing was thrown away."""
    before = dict(storage.files)
    repository = Repository.open(storage, passphrase=passphrase)
    with exclusive_lock(repository) as lock:
        apply_repair(repository, plan_repair(repository), lock, NOW_NS)
    kept = {content for _, _, content in storage.kept_aside}
    assert all(storage.files.get(name) == content or content in kept for name, content in before.items())
    assert planned(storage, passphrase).is_empty
    assert list(storage.ids(Kind.LOCK)) == []
    return Repository.open(storage, passphrase=passphrase)


def damage_of(repository: Repository) -> list[Finding]:
    return [each for each in check(repository, read_data=True) if each.severity is Severity.DAMAGE]
