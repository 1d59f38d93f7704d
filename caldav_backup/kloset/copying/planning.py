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
    issued_as = {source.index.reissued_as(each): each for each in destination.index.snapshot_ids()}
    to_copy: list[Header] = []
    there: list[bytes] = []
    removed: list[bytes] = []
    for header in headers:
        identifier = header.identifier
        if destination.index.has_snapshot(identifier) or identifier in issued_as:
            there.append(identifier)
        elif destination.index.is_coloured(ResourceType.SNAPSHOT, identifier) and not again:
            removed.append(identifier)
        else:
            to_copy.append(header)
    return CopyPlan(tuple(_by_source(source, to_copy)), tuple(there), tuple(removed))


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
