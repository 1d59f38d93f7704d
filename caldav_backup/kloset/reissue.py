"""Gives snapshots new ids, and other tags with them: a header cannot be changed in place.

Owns the commit that does it (`docs/design/format.md`, "Removing"): new headers for the same trees and the same times,
and the removal of the old ids, in one state, so that nobody ever sees both or neither. Which snapshots, and why, is
the caller's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from caldav_backup.kloset.errors import InvalidArgument, SnapshotNotFound, UnsupportedStore
from caldav_backup.kloset.header import UNSIGNED, Header
from caldav_backup.kloset.locks import Tell, shared_lock, silent
from caldav_backup.kloset.packer import Packer
from caldav_backup.kloset.placement import placement_runs
from caldav_backup.kloset.records import decode
from caldav_backup.kloset.resources import ResourceType, random_identifier
from caldav_backup.kloset.state import ColouredEntry, EntryType, ReissuedEntry, Run, make_run

if TYPE_CHECKING:
    from caldav_backup.kloset.repository import Repository

NewIdentifier = Callable[[], bytes]
"""Gives 32 bytes that nobody else has."""


class Reissue(NamedTuple):
    """The snapshot of `header` is to have these tags."""

    header: Header
    tags: Sequence[str]


def _nobody_asks(identifier: bytes) -> None:
    """Nobody wants to know of signatures."""


def reissue(
    repository: Repository,
    changes: Sequence[Reissue],
    *,
    lock_wait: float = 0.0,
    tell: Tell = silent,
    signature_lost: Callable[[bytes], None] = _nobody_asks,
    clock: Callable[[], int] = time.time_ns,
    new_identifier: NewIdentifier = random_identifier,
) -> dict[bytes, bytes]:
    """Issue snapshots again, all in one commit under the shared lock; by old id the new one.

    Tree, time, and all else of a header stay. A signature covers the id, so it cannot be kept: `signature_lost` is told
    of each old id that had one.

    SnapshotNotFound when one of them was removed meanwhile, and nothing was written; or, behind the commit, when
    another program issued the same snapshot again at the same time and its header is the one that stays.
    UnsupportedStore for a header with something in it that only a newer program knows; Locked after `lock_wait`
    seconds; InvalidArgument for a snapshot that is named twice; StorageError.
    """
    if not changes:
        return {}
    require_named_once(changes, "issued again")
    old = [change.header.identifier for change in changes]
    state = new_identifier()
    with shared_lock(repository, state, wait=lock_wait, tell=tell) as lock:
        # What was removed before the lock was taken must not come back.
        look_again(repository, [change.header for change in changes])
        headers = new_headers(changes, new_identifier, signature_lost)
        placed = store_headers(repository, headers.values(), state)
        lock.confirm()
        repository.refresh()
        require_snapshots(repository, old)
        seen = frozenset(repository.index.states)
        now_ns = clock()
        repository.put_state(state, [*exchange_runs(repository, headers, now_ns), *placed], timestamp_ns=now_ns)
        if lost := settle(repository, headers, seen | {state}):
            raise SnapshotNotFound(
                f"the snapshot {lost[0].hex()} of the store at {repository.storage.location} was changed or removed by "
                "another program at the same time; list them and try again"
            )
    return {identifier: header.identifier for identifier, header in headers.items()}


def require_named_once(changes: Sequence[Reissue], deed: str) -> None:
    """InvalidArgument for a snapshot that stands twice among those that something is done to."""
    if len({change.header.identifier for change in changes}) < len(changes):
        raise InvalidArgument(f"a snapshot cannot be {deed} twice at once; name it once")


def look_again(repository: Repository, headers: Sequence[Header]) -> None:
    """Refresh under the lock, and find these snapshots as they were. SnapshotNotFound, UnsupportedStore, Damaged."""
    repository.refresh()
    repository.look_for_lost_packfiles()
    require_snapshots(repository, (header.identifier for header in headers))
    require_whole(repository, headers)


def require_snapshots(repository: Repository, identifiers: Iterable[bytes]) -> None:
    """SnapshotNotFound, unless all of them are there."""
    for identifier in identifiers:
        if not repository.index.has_snapshot(identifier):
            raise SnapshotNotFound(
                f"the store at {repository.storage.location} no longer has the snapshot {identifier.hex()}; "
                "list them and try again"
            )


def require_whole(repository: Repository, headers: Iterable[Header]) -> None:
    """UnsupportedStore when a newer program put something into a header that would be lost. Damaged."""
    for header in headers:
        stored = repository.get_blob(ResourceType.SNAPSHOT, header.identifier)
        if decode(stored) != decode(header.to_bytes()):
            raise UnsupportedStore(
                f"the header of snapshot {header.identifier.hex()} holds something that this version does not know and "
                "would lose; a newer version may know it"
            )


def new_headers(
    changes: Iterable[Reissue], new_identifier: NewIdentifier, signature_lost: Callable[[bytes], None] = _nobody_asks
) -> dict[bytes, Header]:
    """By old id the header that takes its place."""
    headers = {}
    for header, tags in changes:
        if header.identity != UNSIGNED:
            signature_lost(header.identifier)
        headers[header.identifier] = replace(header, identifier=new_identifier(), tags=tuple(tags), identity=UNSIGNED)
    return headers


def add_headers(packer: Packer, headers: Iterable[Header]) -> None:
    """Pack headers, in this order. StorageError."""
    for header in headers:
        packer.add(ResourceType.SNAPSHOT, header.identifier, header.to_bytes())


def store_headers(repository: Repository, headers: Iterable[Header], state: bytes) -> list[Run]:
    """Store headers in packfiles of their own; what the state of this id is to say of them. StorageError."""
    packer = Packer(repository.storage, repository.codec, repository.keyed, repository.configuration.packfile.max_size)
    try:
        add_headers(packer, headers)
        return placement_runs(packer.finish(), state)
    except BaseException:
        packer.abort()
        raise


def exchange_runs(repository: Repository, headers: Mapping[bytes, Header], now_ns: int) -> list[Run]:
    """What a state says of snapshots that are issued again: which is which, and that the old ids are removed."""
    if not headers:
        return []
    committed_ns = repository.index.committed_ns
    known = [ReissuedEntry(old, header.identifier, committed_ns(old)) for old, header in headers.items()]
    removed = [ColouredEntry(ResourceType.SNAPSHOT, old, now_ns) for old in headers]
    return [make_run(known), make_run(removed)]


def settle(repository: Repository, headers: Mapping[bytes, Header], seen: frozenset[bytes]) -> list[bytes]:
    """See to it that what others did at the same time still holds.

    Removals take no lock: a snapshot that was removed between the look and the commit must not come back under its new
    id. Of several new ids for one snapshot the smallest stays; whoever commits last sees all of them. `seen` are the
    states that were known before the commit, and that of the commit. The old ids whose new header did not stay.
    """
    removed, rivals = _find_others(repository, seen)
    superfluous: set[bytes] = set()
    lost: list[bytes] = []
    for old, header in headers.items():
        others = [rival for rival in rivals.get(old, ()) if repository.index.has_snapshot(rival)]
        stays = min([header.identifier, *others])
        superfluous.update({header.identifier, *others} - {stays})
        if old in removed and not rivals.get(old):
            superfluous.add(header.identifier)
        if header.identifier in superfluous:
            lost.append(old)
    repository.remove_snapshots(each for each in sorted(superfluous) if repository.index.has_snapshot(each))
    return lost


def _find_others(repository: Repository, seen: frozenset[bytes]) -> tuple[set[bytes], dict[bytes, list[bytes]]]:
    """Of the states that came meanwhile: which snapshots they removed, and new ids by old one."""
    removed: set[bytes] = set()
    rivals: dict[bytes, list[bytes]] = {}
    repository.refresh()
    for identifier in repository.index.states:
        if identifier in seen:
            continue
        for run in repository.read_state(identifier).runs:
            for entry in run.read() if run.type in (EntryType.COLOURED, EntryType.REISSUED) else ():
                if isinstance(entry, ColouredEntry) and entry.resource_type == ResourceType.SNAPSHOT:
                    removed.add(entry.identifier)
                elif isinstance(entry, ReissuedEntry):
                    rivals.setdefault(entry.old, []).append(entry.new)
    return removed, rivals
