"""All the states of a store, read while others may be merging them.

Owns what happens when one that was listed is gone before it is read, or was never listed: merging writes the one state
that says it all before it removes the others (`docs/design/format.md`, "States"), so listing again finds it. What the
states say is told in `index`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from caldav_backup.kloset.errors import KlosetError, StorageError, StorageFileMissing
from caldav_backup.kloset.storage import Kind

if TYPE_CHECKING:
    from caldav_backup.kloset.repository import Repository
    from caldav_backup.kloset.state import State

MOST_LISTINGS = 10
"""How often states are listed at most: whoever merges them does so once, but writers may go on and on."""

TellDamaged = Callable[[bytes, KlosetError], None]
"""Is told of a state that cannot be read, by its id, and why."""


def read_new_states(
    repository: Repository, known: Collection[bytes], damaged: TellDamaged | None = None
) -> dict[bytes, State]:
    """All states that are not `known`, by their ids.

    Listed again until nothing new is found: a listing that was made while states were merged may have missed both the
    old ones and the new. Damaged, naming the state, when one cannot be read, unless somebody wants to be told of it.
    """
    found: dict[bytes, State] = {}
    missed: set[bytes] = set()
    given_up: set[bytes] = set()
    for turn in range(MOST_LISTINGS):
        listed = repository.storage.ids(Kind.STATE)
        new = [each for each in listed if each not in known and each not in found and each not in given_up]
        if not new and (turn or known):
            break
        for identifier in new:
            try:
                found[identifier] = repository.read_state(identifier)
            except StorageError:
                raise
            except KlosetError as exc:
                if isinstance(exc.__cause__, StorageFileMissing) and identifier not in missed:
                    # Perhaps it was merged just now; then it is not listed again.
                    missed.add(identifier)
                    continue
                if damaged is None:
                    raise
                given_up.add(identifier)
                damaged(identifier, exc)
    return found
