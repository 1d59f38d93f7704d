"""The states of a store that a repair begins with: those that can be read, and those that are missing something.

Owns what is wrong with states as files. Which packfiles they named is found out elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from hmac import compare_digest

from caldav_backup.kloset.errors import KlosetError, StorageFileMissing, UnsupportedStore
from caldav_backup.kloset.index import Index
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import MAC_SIZE
from caldav_backup.kloset.state import State
from caldav_backup.kloset.states import read_new_states
from caldav_backup.kloset.storage import Kind


@dataclass(frozen=True, slots=True)
class StatesFound:
    """`unreadable` by id with the reason; `missing` are ids that others name as their parents and no file has.

    `unreachable` are good ones that no program applies, since their parents go round in a circle; by time.
    """

    unreadable: tuple[tuple[bytes, str], ...] = ()
    missing: tuple[bytes, ...] = ()
    unreachable: tuple[tuple[bytes, State], ...] = ()

    @property
    def is_any(self) -> bool:
        """Whether there are any of these."""
        return bool(self.unreadable or self.missing or self.unreachable)


def read_states(repository: Repository, index: Index) -> StatesFound:
    """Apply all states that can be read to `index`, also those that nothing leads to. StorageError."""
    states, unreadable = _read_all(repository)
    index.apply_all(states)
    circle = sorted(((each, states[each]) for each in index.unreachable), key=lambda pair: pair[1].timestamp_ns)
    missing = set(index.missing_parents.values()) - set(unreadable) - set(index.unreachable)
    # Last, as the new state will be that tells the same.
    for identifier, state in circle:
        index.apply(identifier, state)
    return StatesFound(tuple(sorted(unreadable.items())), tuple(sorted(missing)), tuple(circle))


def read_good_states(repository: Repository) -> dict[bytes, State]:
    """Those that can be read. StorageError."""
    return _read_all(repository)[0]


def _read_all(repository: Repository) -> tuple[dict[bytes, State], dict[bytes, str]]:
    """Those that can be read, and why the others cannot. UnsupportedStore for one of a newer program."""
    unreadable: dict[bytes, str] = {}

    def damaged(identifier: bytes, error: KlosetError) -> None:
        if isinstance(error, UnsupportedStore) and _is_as_written(repository, identifier):
            # Nobody but a newer program may touch it.
            raise error
        unreadable[identifier] = str(error)

    states = read_new_states(repository, (), damaged)
    return states, unreadable


def _is_as_written(repository: Repository, identifier: bytes) -> bool:
    """Whether a state's checksum is right, which is at its end in any version that is known so far."""
    try:
        content = repository.storage.read(Kind.STATE, identifier)
    except StorageFileMissing:
        return False
    return compare_digest(repository.keyed.mac(content[:-MAC_SIZE]), content[-MAC_SIZE:])
