"""What can be said of a snapshot and its copy in another store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from caldav_backup.kloset.configuration import Configuration
from caldav_backup.kloset.copying.planning import plan_copy
from caldav_backup.kloset.copying.stores import Copied, copy_snapshots
from caldav_backup.kloset.encryption import make_canary
from caldav_backup.kloset.entries import Entry
from caldav_backup.kloset.header import UNSIGNED, Header
from caldav_backup.kloset.repository import Repository
from caldav_backup.kloset.resources import ZERO_MAC
from caldav_backup.kloset.snapshot import Snapshot
from caldav_backup.kloset.storage import MemoryStorage, Storage
from caldav_backup.kloset.summary import Summary
from caldav_backup.kloset.unlocking import Unlocked, to_file

KEY = bytes(range(32))


def create(configuration: Configuration, storage: Storage | None = None, key: bytes = KEY) -> Repository:
    """An empty store with a known key, for deriving one takes its time."""
    used = None
    if configuration.encryption is not None:
        used = key
        encryption = configuration.encryption._replace(canary=make_canary(key))
        configuration = replace(configuration, encryption=encryption)
    storage = MemoryStorage() if storage is None else storage
    unlocked = Unlocked(configuration, used)
    storage.create(to_file(unlocked))
    return Repository(storage, unlocked)


def reopened(repository: Repository, key: bytes = KEY) -> Repository:
    """The same store, of which nothing is remembered."""
    configuration = repository.configuration
    return Repository(repository.storage, Unlocked(configuration, key if configuration.is_encrypted else None))


def copy_all(source: Repository, destination: Repository, headers: Sequence[Header] | None = None) -> list[Copied]:
    plan = plan_copy(source, destination, source.snapshots() if headers is None else headers)
    return copy_snapshots(source, destination, plan, partial_tag="partial")


def facts(snapshot: Snapshot) -> dict[str, Any]:
    """All that a snapshot holds, but for ids and for how contents are cut."""
    entries = list(snapshot.walk())
    return {
        "header": _without_ids(snapshot.header),
        "entries": [_without_object(entry) for entry in entries],
        "contents": {entry.path: snapshot.read(entry) for entry in entries if entry.is_file and entry.has_object},
        "attributes": snapshot.attributes_by_path(),
        "errors": list(snapshot.errors()),
        "summaries": {path: _without_chunks(summary) for path, summary in snapshot.summaries().items()},
    }


def assert_same(source: Repository, destination: Repository, headers: Iterable[Header]) -> None:
    for header in headers:
        assert facts(destination.snapshot(header.identifier)) == facts(source.snapshot(header.identifier))


def _without_ids(header: Header) -> Header:
    source = header.source._replace(
        root=b"", xattrs=b"", errors=b"", indexes=(), summary=_without_chunks(header.summary)
    )
    return replace(header, source=source, identity=UNSIGNED)


def _without_object(entry: Entry) -> Entry:
    return entry._replace(object=ZERO_MAC, chunks=0)


def _without_chunks(summary: Summary) -> Summary:
    return Summary(summary.directory._replace(chunks=0), summary.below._replace(chunks=0))
