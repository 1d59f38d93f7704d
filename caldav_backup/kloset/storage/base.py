"""What a storage is: it keeps named bytes, and knows nothing of what they mean.

Owns the contract that every backend fulfils and its tests run (`tests/kloset/storage/test_contract.py`). A name is 32
bytes. Files are never changed in place: they appear whole, under their name, or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from caldav_backup.kloset.resources import BytesLike

# The reference's is about 500 bytes; a .ptar may not have a longer one than this (format.md, ".ptar").
MAX_CONFIGURATION: Final = 32768
MAX_LOCK: Final = 65536
# 30 million locations, and every state has to be held in memory while it is read.
MAX_STATE: Final = 1 << 30


class Kind(Enum):
    """The three kinds of named files; the value is the directory that holds them."""

    PACKFILE = "packfiles"
    STATE = "states"
    LOCK = "locks"

    @property
    def noun(self) -> str:
        """For messages: `packfile`, `state`, `lock`."""
        return self.value[:-1]


class StorageWriter(Protocol):
    """One file on its way into a storage; nobody sees it before `commit`."""

    def write(self, data: BytesLike) -> None:
        """Append. StorageNotWritable, StorageUnavailable."""

    def commit(self, identifier: bytes) -> None:
        """Make the file appear under its name, durably: it survives a power cut once this returns."""

    def abort(self) -> None:
        """Leave no trace. Does nothing after `commit` or another `abort`, and never fails."""


class Storage(Protocol):
    """A place that keeps one store's files.

    Every method may raise StorageUnavailable; the writing ones StorageNotWritable too.
    """

    location: str
    """As the user wrote it; for messages."""

    def read_configuration(self) -> bytes:
        """The file CONFIG. StoreNotFound when there is no store; Damaged when it is far too long."""

    def create(self, configuration: bytes) -> None:
        """Make an empty store with this CONFIG. StoreExists unless nothing, or nothing but an empty place, is there."""

    def ids(self, kind: Kind) -> Iterator[bytes]:
        """Names of all files of a kind, in no order. Foreign and unfinished files are left out."""

    def read(self, kind: Kind, identifier: bytes) -> bytes:
        """A whole file. StorageFileMissing; Damaged for an impossibly long lock or state."""

    def read_range(self, kind: Kind, identifier: bytes, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`. StorageFileMissing; Damaged when the file ends before."""

    def size(self, kind: Kind, identifier: bytes) -> int:
        """Bytes of a file. StorageFileMissing."""

    def modified_ns(self, kind: Kind, identifier: bytes) -> int:
        """When a file was written last, by the storage's own clock: Unix nanoseconds. StorageFileMissing.

        That clock may be another machine's, so it says something only beside the time of another file.
        """

    def write(self, kind: Kind, identifier: bytes, data: BytesLike) -> None:
        """Store a whole file at once and durably, in the place of any other of this name."""

    def open_writer(self, kind: Kind) -> StorageWriter:
        """A new file whose name is known only at its end."""

    def delete(self, kind: Kind, identifier: bytes) -> None:
        """Remove a file; one that is gone already is no error."""

    def keep_aside(self, kind: Kind, identifier: bytes) -> str:
        """Copy a file to where no program looks for files, durably, and leave it as it is; the place, for messages.

        A second copy of the same file does not take the place of the first. StorageFileMissing.
        """
