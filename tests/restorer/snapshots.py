"""Small snapshots for restores: a plaintext store in memory, made by the store's own builder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldav_backup.connectors.base import ATTRIBUTE_PREFIX
from caldav_backup.kloset import Repository, SnapshotBuilder
from caldav_backup.kloset.configuration import Configuration
from caldav_backup.kloset.directory_writer import File
from caldav_backup.kloset.header import Importer
from caldav_backup.kloset.storage.memory import MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from caldav_backup.kloset.snapshot import Snapshot

#: Calendars by the name of their directory: attributes without prefix, and contents by name.
Tree = dict[str, tuple[dict[str, bytes], dict[str, bytes]]]

ORIGIN = "alice@cloud.example.org/dav"


def snapshot_of(tree: Tree, *, origin: str = ORIGIN) -> Snapshot:
    """The one snapshot of a new store in memory."""
    repository = Repository.create(MemoryStorage(), Configuration.new(encrypted=False))
    builder = SnapshotBuilder(repository, importer=Importer("caldav-backup", origin, "/"))
    for calendar, (attributes, contents) in tree.items():
        directory = builder.open_directory(f"/{calendar}")
        names = sorted(contents, key=lambda name: name.encode("utf-8", "surrogateescape"))
        directory.add([File(name, contents[name], 0) for name in names])
        directory.close(prefixed(attributes))
    header = builder.finish()
    return repository.snapshot(header.identifier)


def prefixed(attributes: Mapping[str, bytes]) -> dict[str, bytes]:
    """Attributes as a directory entry has them."""
    return {ATTRIBUTE_PREFIX + name: value for name, value in attributes.items()}
