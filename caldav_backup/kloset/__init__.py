"""The Kloset store: reading and writing the on-disk format that plakar uses.

    repository = Repository.open(open_storage("/backup"), passphrase=b"…")
    for header in repository.snapshots():
        for entry in repository.snapshot(header.identifier).walk():
            …

Usable alone and synchronous; knows nothing of calendars, networks or terminals. From the bottom up: `storage` keeps
named bytes; `envelope`, `codec` and what they are made of turn bytes into stored bytes and back; `packfile` and
`packer` gather blobs; states and the index say where each blob lies; snapshots are trees of blobs.
`docs/design/format.md` describes the bytes. The names below are the public ones; each is loaded when it is first used,
so that looking costs little.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from caldav_backup.kloset.errors import (
    AmbiguousSnapshot,
    BlobMissing,
    Damaged,
    ExcessiveKDFCost,
    InvalidArgument,
    KlosetError,
    Locked,
    PassphraseNotExpected,
    PassphraseRequired,
    PathNotFound,
    SameStore,
    SnapshotNotFound,
    StorageError,
    StorageFileMissing,
    StorageNotWritable,
    StorageUnavailable,
    StoreExists,
    StoreIdentityChanged,
    StoreNotFound,
    UnsupportedStore,
    WrongPassphrase,
)

if TYPE_CHECKING:
    from caldav_backup.kloset.builder import SnapshotBuilder
    from caldav_backup.kloset.configuration import Configuration
    from caldav_backup.kloset.directory_writer import DirectoryBuilder, File
    from caldav_backup.kloset.entries import Entry
    from caldav_backup.kloset.header import Header, Importer
    from caldav_backup.kloset.identity import StoreIdentity
    from caldav_backup.kloset.repository import Repository, read_configuration
    from caldav_backup.kloset.snapshot import Snapshot
    from caldav_backup.kloset.storage import open_storage

_LOADED_LATER = {
    "Configuration": "configuration",
    "DirectoryBuilder": "directory_writer",
    "Entry": "entries",
    "File": "directory_writer",
    "Header": "header",
    "Importer": "header",
    "Repository": "repository",
    "Snapshot": "snapshot",
    "SnapshotBuilder": "builder",
    "StoreIdentity": "identity",
    "open_storage": "storage",
    "read_configuration": "repository",
}

__all__ = [
    "AmbiguousSnapshot",
    "BlobMissing",
    "Configuration",
    "Damaged",
    "DirectoryBuilder",
    "Entry",
    "ExcessiveKDFCost",
    "File",
    "Header",
    "Importer",
    "InvalidArgument",
    "KlosetError",
    "Locked",
    "PassphraseNotExpected",
    "PassphraseRequired",
    "PathNotFound",
    "Repository",
    "SameStore",
    "Snapshot",
    "SnapshotBuilder",
    "SnapshotNotFound",
    "StorageError",
    "StorageFileMissing",
    "StorageNotWritable",
    "StorageUnavailable",
    "StoreExists",
    "StoreIdentity",
    "StoreIdentityChanged",
    "StoreNotFound",
    "UnsupportedStore",
    "WrongPassphrase",
    "open_storage",
    "read_configuration",
]


def __getattr__(name: str) -> object:
    if name not in _LOADED_LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_LOADED_LATER[name]}"), name)
    globals()[name] = value
    return value
