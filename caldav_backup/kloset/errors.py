"""Everything that can go wrong with a store, as one family.

Owns the names only. A message says what was tried, on what, and what to do about it; it never holds a key or a
passphrase.
"""

from __future__ import annotations


class KlosetError(Exception):
    """The root of the family: every error that this package raises on purpose."""


class StoreNotFound(KlosetError):
    """There is no store at the location: nothing there, or no CONFIG in it."""


class StoreExists(KlosetError):
    """A store cannot be created where something already is."""


class UnsupportedStore(KlosetError):
    """The store was written by newer or other software: an unknown version or algorithm. Nothing is damaged."""


class StoreIdentityChanged(KlosetError):
    """The store at this location is not the one that was there before."""


class SameStore(KlosetError):
    """Two stores that should be different have the same identifier."""


class ExcessiveKDFCost(KlosetError):
    """Unlocking the store would take more memory or time than is allowed without consent."""


class PassphraseRequired(KlosetError):
    """The store is encrypted and no passphrase was given."""


class WrongPassphrase(KlosetError):
    """The passphrase does not open the store."""


class PassphraseNotExpected(KlosetError):
    """A passphrase was given for a store that is not encrypted."""


class Damaged(KlosetError):
    """Bytes of the store are not what was once written: cut short, changed, or impossible."""


class BlobMissing(Damaged):
    """The store refers to a blob that none of its packfiles holds."""


class Locked(KlosetError):
    """Another program holds a lock that excludes this work; `holder` says which, for whoever waits and tries again."""

    def __init__(self, message: str, holder: str = "") -> None:
        super().__init__(message)
        self.holder = holder


class LockLost(Locked):
    """A lock that was held is held no more, so that what was to be done under it must not be done."""


class SnapshotNotFound(KlosetError):
    """No snapshot has this identifier."""


class AmbiguousSnapshot(KlosetError):
    """More than one snapshot's identifier begins like this."""


class PathNotFound(KlosetError):
    """The snapshot has nothing at this path."""


class InvalidArgument(KlosetError):
    """A value that was to be stored cannot be stored; the caller has to pass another."""


class StorageError(KlosetError):
    """The place that keeps the store's files did not do what it was asked."""


class StorageFileMissing(StorageError):
    """A file of the store that should be there is not."""


class StorageUnavailable(StorageError):
    """The storage cannot be reached, or reading or writing failed; perhaps only for now."""


class StorageNotWritable(StorageError):
    """The storage takes no more bytes: full, over quota, read-only, or not permitted."""
