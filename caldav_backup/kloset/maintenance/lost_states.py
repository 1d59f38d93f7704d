"""Refuses what must not be done while a state is lost.

Owns the rule: what a lost state said can be found out only as long as the others tell that it is missing, and as long
as nothing is moved or merged that it told of.
"""

from __future__ import annotations

from caldav_backup.kloset.errors import Damaged
from caldav_backup.kloset.repository import Repository


def require_all_states(repository: Repository) -> None:
    """Damaged when a state is missing that another one names, or was never applied."""
    index = repository.index
    lost = sorted(index.missing_parents.values()) or index.unreachable
    if lost:
        raise Damaged(
            f"the state {lost[0].hex()} of the store at {repository.storage.location} is missing or cannot be applied; "
            "packfiles are not rewritten nor states merged as long as it is not known what it said. Run `check`, then "
            "`repair`"
        )
