"""Checks the state files, and merges those that are good.

Owns what can be wrong with states as such; whether what they say is true is checked elsewhere.
"""

from __future__ import annotations

from caldav_backup.kloset.checking.findings import Findings
from caldav_backup.kloset.index import Index
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.states import read_new_states


def check_states(repository: Repository, findings: Findings) -> Index:
    """The index of all states that can be read."""
    states = read_new_states(repository, (), lambda identifier, exc: findings.damage("state", identifier.hex(), exc))
    index = Index()
    index.apply_all(states)
    for identifier in index.unreachable:
        findings.damage("state", identifier.hex(), "its parents go round in a circle, so no program applies it")
    for identifier, parent in index.missing_parents.items():
        findings.damage(
            "state",
            parent.hex(),
            f"the state {identifier.hex()} was written after it, and it is gone; snapshots may be missing with it",
        )
    return index
