"""A store of which one record is another one, with all MACs right: what somebody with the passphrase can make.

Owns the forged repository and everything that is then done with it. It believes its records without looking at their
MACs, for the forger would have made all MACs above anew.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from caldav_backup.inspection.calendars import iter_calendars, iter_events
from caldav_backup.kloset import KlosetError, Repository, Snapshot
from caldav_backup.kloset.check import check
from caldav_backup.kloset.index import Index
from caldav_backup.kloset.liveness import find_live_blobs
from caldav_backup.kloset.resources import ResourceType
from tests.fuzz.mutating import mutate
from tests.fuzz.targets import blobs, plain

KINDS = (
    ResourceType.SNAPSHOT,
    ResourceType.OBJECT,
    ResourceType.CHUNK,
    ResourceType.VFS_BTREE,
    ResourceType.VFS_NODE,
    ResourceType.VFS_ENTRY,
    ResourceType.ERROR_NODE,
    ResourceType.ERROR_ENTRY,
    ResourceType.XATTR_NODE,
    ResourceType.XATTR_ENTRY,
    ResourceType.BTREE_ROOT,
    ResourceType.BTREE_NODE,
    ResourceType.VFS_SUMMARY,
)


class Forgery(NamedTuple):
    """The blob that is another one."""

    kind: ResourceType
    mac: bytes
    blob: bytes


class Forged(Repository):
    """Gives the forged blob in the place of the true one."""

    forgery: Forgery

    def get_blob(self, resource_type: ResourceType, mac: bytes) -> bytes:
        if (resource_type, mac) == self.forgery[:2]:
            return self.forgery.blob
        return super().get_blob(resource_type, mac)

    def get_blobs(self, resource_type: ResourceType, macs: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
        for mac, blob in super().get_blobs(resource_type, macs):
            yield mac, self.forgery.blob if (resource_type, mac) == self.forgery[:2] else blob

    def with_index(self, index: Index) -> Repository:
        return forged(self.forgery, index)


def forged(forgery: Forgery, index: Index | None = None) -> Forged:
    small = plain()
    opened = small.open(small.storage)
    repository = Forged(small.storage, opened._unlocked, index)
    repository.forgery = forgery
    return repository


def forge(chance: random.Random) -> Forgery:
    """Some blob, changed, or in its place another one of its kind."""
    kind = chance.choice(KINDS)
    samples = blobs(kind)
    true = chance.choice(samples)
    small = plain()
    opened = small.open(small.storage)
    mac = opened.keyed.mac(true)
    if kind == ResourceType.SNAPSHOT:
        mac = next(each for each, told in small.told.items() if told.header.to_bytes() == true)
    changed = chance.choice(samples) if chance.random() < 0.2 else mutate([true], chance)
    return Forgery(kind, mac, changed)


def use_everything(repository: Repository) -> int:
    """All that commands do to read a store; how much of it ended in an error of the store's family."""
    refused = 0
    headers = []
    for identifier in repository.index.snapshot_ids():
        try:
            headers.append(repository.header(identifier))
        except KlosetError:
            refused += 1
    for header in headers:
        refused += _attempts(lambda header=header: _read(Snapshot(repository, header)))  # type: ignore[misc]
        for part in PARTS:
            refused += _attempts(lambda header=header, part=part: part(Snapshot(repository, header)))  # type: ignore[misc]
    refused += _attempts(lambda: [str(finding) for finding in check(repository, read_data=True)])
    refused += _attempts(lambda: find_live_blobs(repository, headers))
    return refused


PARTS: tuple[Callable[[Snapshot], object], ...] = (
    lambda snapshot: list(snapshot.list_names("/home")),
    lambda snapshot: snapshot.read("/home/a.ics"),
    lambda snapshot: snapshot.read("/work/tea.ics"),
    lambda snapshot: snapshot.resolve("/home"),
    lambda snapshot: snapshot.extended_attributes("/home"),
    lambda snapshot: snapshot.attributes_by_path(),
    lambda snapshot: list(snapshot.errors()),
    lambda snapshot: list(snapshot.failed_paths()),
    lambda snapshot: snapshot.summary("/home"),
    lambda snapshot: snapshot.summaries(),
    lambda snapshot: list(iter_calendars(snapshot)),
    lambda snapshot: list(iter_events(snapshot)),
)


def _read(snapshot: Snapshot) -> None:
    files = [entry for entry in snapshot.walk() if entry.is_file and entry.has_object]
    list(snapshot.read_many(files))


def _attempts(action: Callable[[], object]) -> int:
    try:
        action()
    except KlosetError:
        return 1
    return 0
