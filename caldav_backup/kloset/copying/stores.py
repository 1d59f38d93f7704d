"""Snapshots of one store copied into another, and what became of each.

Owns the run; which of them, and in which order, is told in `planning`. A copy has the identifier of its original, as
plakar's `sync` does it, so it is plain what is there already; only a copy that lacks something has another one, for the
whole may still come. The source is only read; in the destination a shared lock is held.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby

from caldav_backup.kloset.copying.batches import Batch
from caldav_backup.kloset.copying.directories import Loss
from caldav_backup.kloset.copying.known import Known
from caldav_backup.kloset.copying.listings import ListingReader
from caldav_backup.kloset.copying.neighbours import Neighbour
from caldav_backup.kloset.copying.planning import CopyPlan, plan_copy, source_key
from caldav_backup.kloset.copying.snapshots import SnapshotCopier
from caldav_backup.kloset.errors import Damaged, UnsupportedStore
from caldav_backup.kloset.header import UNSIGNED, Header
from caldav_backup.kloset.locks import Tell, silent, take_shared_lock
from caldav_backup.kloset.reissue import require_whole
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import ResourceType, random_identifier
from caldav_backup.kloset.state import DeleteEntry, EntryType, Run, make_run

__all__ = ["COPIED_FROM", "Copied", "CopyPlan", "Progress", "copy_snapshots", "plan_copy"]

COPIED_FROM = "copied-from"
"""Key in the context of a copy that lacks something: the identifier of its original."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What became of one snapshot. `identifier` is the copy's, None when there is none, and then `losses` say why."""

    original: bytes
    identifier: bytes | None
    losses: tuple[Loss, ...] = ()

    @property
    def is_whole(self) -> bool:
        return not self.losses


Progress = Callable[[str, int, int], None]
"""Is told how many things of a kind, a plural, are done, and of how many."""


def _silent(_what: str, _done: int, _total: int) -> None:
    """Nobody watches."""


def _files(header: Header) -> int:
    return header.summary.directory.files + header.summary.below.files


def copy_snapshots(
    source: Repository,
    destination: Repository,
    plan: CopyPlan,
    *,
    partial_tag: str,
    lock_wait: float = 0.0,
    tell: Tell = silent,
    progress: Progress = _silent,
    clock: Callable[[], float] = time.monotonic,
) -> list[Copied]:
    """Copy what the plan says; what becomes of each, in its order. A copy that lacks something gets `partial_tag`.

    What is complete is committed about once a minute, so that an interrupted run can be gone on with. Locked, after
    `lock_wait` seconds, while another program maintains the destination; StorageError.
    """
    copying = _Copying(source, destination, partial_tag, progress, clock)
    lock = take_shared_lock(destination, random_identifier(), wait=lock_wait, tell=tell)
    try:
        destination.refresh()
        destination.look_for_lost_packfiles()
        done: list[Copied] = []
        for _, group in groupby(plan.to_copy, key=source_key):
            for copied in copying.copy_source(list(group)):
                done.append(copied)
                progress("snapshots", len(done), len(plan.to_copy))
                if copying.is_full():
                    lock.confirm()
                    copying.commit()
        lock.confirm()
        copying.commit()
        return done
    except BaseException:
        copying.abort()
        raise
    finally:
        lock.release()


class _Copying:
    """One run, batch by batch."""

    def __init__(
        self,
        source: Repository,
        destination: Repository,
        partial_tag: str,
        progress: Progress,
        clock: Callable[[], float],
    ) -> None:
        self._source = source
        self._destination = destination
        self._partial_tag = partial_tag
        self._progress = progress
        self._clock = clock
        self._listings = ListingReader(source)
        self._begin()

    def _begin(self) -> None:
        self._batch = Batch(self._destination, self._clock())
        self._copier = SnapshotCopier(self._source, self._destination, self._batch.blobs, self._listings)

    def is_full(self) -> bool:
        return self._batch.is_full(self._clock())

    def commit(self) -> None:
        self._batch.commit()
        self._begin()

    def abort(self) -> None:
        self._batch.abort()

    def copy_source(self, headers: Sequence[Header]) -> Iterator[Copied]:
        """Snapshots of one source, each on top of what is known of the one before."""
        self._listings.forget()
        neighbour = self._find_neighbour(headers[0])
        known = Known() if neighbour is None else neighbour.known()
        for header in headers:
            if neighbour is None and not known.directories:
                # The first one of a source is most of the work.
                self._copier.directories.watch(partial(self._progress, "files"), _files(header))
            copy, known, losses = self._translate(header, known, neighbour)
            self._copier.directories.watch(None, 0)
            if losses and self._has_moved():
                # A maintenance of the source may have moved what was not found.
                copy, known, losses = self._translate(header, known, neighbour)
            yield Copied(header.identifier, None, losses) if copy is None else self._store(header, copy, losses)

    def _translate(
        self, header: Header, known: Known, neighbour: Neighbour | None
    ) -> tuple[Header | None, Known, tuple[Loss, ...]]:
        """The header of the copy, what is known from now on, and what could not be read; no header without a tree."""
        try:
            require_whole(self._source, [header])
            copy, now_known, losses = self._copier.copy(header, known, neighbour)
        except (Damaged, UnsupportedStore) as exc:
            return None, known, (Loss("/", str(exc)),)
        return copy, now_known, tuple(losses)

    def _has_moved(self) -> bool:
        before = set(self._source.index.states)
        self._source.refresh()
        return set(self._source.index.states) != before

    def _store(self, original: Header, copy: Header, losses: tuple[Loss, ...]) -> Copied:
        # A signature is over the ids of the source.
        copy = replace(copy, identity=UNSIGNED)
        if losses:
            copy = self._partial(copy, losses)
            if self._destination.index.find_locations(ResourceType.SNAPSHOT, copy.identifier):
                # The same copy was made before.
                return Copied(original.identifier, copy.identifier, losses)
        self._batch.add(copy, *self._unremoval(copy.identifier))
        return Copied(original.identifier, copy.identifier, losses)

    def _unremoval(self, identifier: bytes) -> list[Run]:
        """What takes the removal of a snapshot back, and its old header, of whose trees parts may be gone."""
        index = self._destination.index
        if not index.is_coloured(ResourceType.SNAPSHOT, identifier):
            return []
        places = index.find_locations(ResourceType.SNAPSHOT, identifier)
        return [
            make_run(
                [
                    DeleteEntry(EntryType.COLOURED, ResourceType.SNAPSHOT, identifier),
                    *(
                        DeleteEntry(EntryType.LOCATION, ResourceType.SNAPSHOT, identifier, place.packfile)
                        for place in places
                    ),
                ]
            )
        ]

    def _partial(self, copy: Header, losses: Sequence[Loss]) -> Header:
        """With an id of its own, the same each time that the same is missing: the whole may come another day."""
        missing = "\0".join(sorted({loss.path for loss in losses}))
        content = b"partial copy\0" + copy.identifier + missing.encode("utf-8", "surrogateescape")
        return replace(
            copy,
            identifier=self._destination.keyed.mac(content),
            tags=copy.tags if self._partial_tag in copy.tags else (*copy.tags, self._partial_tag),
            context=(*copy.context, (COPIED_FROM, copy.identifier.hex())),
        )

    def _find_neighbour(self, header: Header) -> Neighbour | None:
        """The newest snapshot of the same source before this one that both stores have, else the first behind it."""
        there = self._destination.index
        if there.has_lost_packfiles:
            # What looks complete may have lost something, so everything is stored again.
            return None
        ids = self._source.index.snapshot_ids()
        place = ids.index(header.identifier)
        for identifier in (*reversed(ids[:place]), *ids[place + 1 :]):
            if there.has_snapshot(identifier) and self._is_like(identifier, header):
                return self._neighbour(identifier)
        return None

    def _is_like(self, identifier: bytes, header: Header) -> bool:
        try:
            return source_key(self._source.header(identifier)) == source_key(header)
        except Damaged:
            return False

    def _neighbour(self, identifier: bytes) -> Neighbour | None:
        try:
            return Neighbour(self._source.snapshot(identifier), self._destination.snapshot(identifier))
        except Damaged:
            return None
