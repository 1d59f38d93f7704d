"""Which snapshots of one store are to be copied into another, and in which order.

Owns what counts as being there already, and that nothing is copied between a store and itself. Reads headers, and
changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from caldav_backup.kloset.errors import SameStore
from caldav_backup.kloset.header import Header
from caldav_backup.kloset.identity import StoreIdentity
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import ResourceType


@dataclass(frozen=True, slots=True)
class CopyPlan:
    """What is to be copied, in this order, and what is not: ids of snapshots of the source."""

    to_copy: tuple[Header, ...]
    there: tuple[bytes, ...]
    """In the destination already, under the same id or under one that it was issued as before."""
    removed: tuple[bytes, ...]
    """Removed from the destination, so not wanted there."""


def plan_copy(
    source: Repository, destination: Repository, headers: Sequence[Header], *, again: bool = False
) -> CopyPlan:
    """Which of these snapshots of `source` the `destination` lacks; `again`: removed ones, too. SameStore."""
    require_other_store(source, destination)
    earlier = _earlier_ids(source)
    to_copy: list[Header] = []
    there: list[bytes] = []
    removed: list[bytes] = []
    for header in headers:
        known_as = (header.identifier, *earlier.get(header.identifier, ()))
        if any(_has(destination, identifier) for identifier in known_as):
            there.append(header.identifier)
        elif not again and any(_was_removed(destination, identifier) for identifier in known_as):
            removed.append(header.identifier)
        else:
            to_copy.append(header)
    return CopyPlan(tuple(_by_source(source, to_copy)), tuple(there), tuple(removed))


def _earlier_ids(repository: Repository) -> dict[bytes, list[bytes]]:
    """By the id that a snapshot has now those under which it was issued before."""
    found: dict[bytes, list[bytes]] = {}
    for identifier in repository.index.commits.reissued:
        newest = repository.index.reissued_as(identifier)
        if newest is not None:
            found.setdefault(newest, []).append(identifier)
    return found


def _has(repository: Repository, identifier: bytes) -> bool:
    """Whether a snapshot is there, under this id or under one that it was given since."""
    newest = repository.index.reissued_as(identifier)
    return repository.index.has_snapshot(identifier) or (newest is not None and repository.index.has_snapshot(newest))


def _was_removed(repository: Repository, identifier: bytes) -> bool:
    return repository.index.is_coloured(ResourceType.SNAPSHOT, identifier)


def require_other_store(source: Repository, destination: Repository) -> None:
    """SameStore when both are one, or one is a copy of the other's files."""
    require_other_id(source, destination.storage.location, destination.identity)


def require_other_id(store: Repository, location: str, identity: StoreIdentity) -> None:
    """The same for a store that is not open yet."""
    if store.identity.repository_id != identity.repository_id:
        return
    here = store.storage.location
    if here == location:
        raise SameStore(f"{here} is the store itself; name another one to copy snapshots to or from")
    raise SameStore(
        f"the stores at {here} and {location} have the same id, so one is a copy of the other's files, and nothing can "
        "be copied between them; make a new store with init, and copy the snapshots into that one"
    )


def _by_source(source: Repository, headers: Sequence[Header]) -> list[Header]:
    """The snapshots of each source together, for neighbours differ little; each in the order of their commits."""
    turns = {identifier: turn for turn, identifier in enumerate(source.index.snapshot_ids())}
    ordered = sorted(headers, key=lambda header: turns[header.identifier])
    first = {source_key(header): turns[header.identifier] for header in reversed(ordered)}
    return sorted(ordered, key=lambda header: first[source_key(header)])


def source_key(header: Header) -> object:
    """Equal for snapshots of the same source, of which neighbours differ little."""
    return header.job or header.importer
