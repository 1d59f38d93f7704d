"""Exit codes: what they mean, which error has which, and the worst of several.

Owns the one table. Errors are looked up by their qualified name, so that nothing heavy is imported for those that did
not happen; a test holds the names against the classes.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping
from enum import IntEnum


class Exit(IntEnum):
    """What the process ends with."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    PARTIAL = 3
    GUARD = 4
    DIFFERENT = 5
    DAMAGED = 65
    NOT_FOUND = 66
    UNAVAILABLE = 69
    NOT_WRITABLE = 73
    TRY_LATER = 75
    REFUSED = 77
    UNACCEPTABLE = 78
    INTERRUPTED = 130
    TERMINATED = 143


MEANINGS: Mapping[Exit, str] = {
    Exit.DONE: "done, nothing missing",
    Exit.FAILED: "failed",
    Exit.USAGE: "the command line is not understood, or not clear",
    Exit.PARTIAL: "partial: done, but some records could not be read or written, or were left aside by a default",
    Exit.GUARD: "a guard stopped it, before anything was lost",
    Exit.DIFFERENT: "differences were found, where they were asked for",
    Exit.DAMAGED: "damaged data",
    Exit.NOT_FOUND: "store, snapshot, source or calendar not found, or no CalDAV there",
    Exit.UNAVAILABLE: "server or storage unreachable, or its answers unusable, after retries",
    Exit.NOT_WRITABLE: "cannot write: read-only, full, or not permitted",
    Exit.TRY_LATER: "locked or rate limited; try later",
    Exit.REFUSED: "passphrase or login refused",
    Exit.UNACCEPTABLE: "settings, store version or store identity not acceptable",
    Exit.INTERRUPTED: "interrupted (SIGINT, Ctrl-C)",
    Exit.TERMINATED: "terminated (SIGTERM)",
}

#: Several sources in one run end with the first of these that any of them ended with.
WORST_FIRST = (
    Exit.TERMINATED,
    Exit.INTERRUPTED,
    Exit.UNACCEPTABLE,
    Exit.USAGE,
    Exit.DAMAGED,
    Exit.NOT_FOUND,
    Exit.REFUSED,
    Exit.NOT_WRITABLE,
    Exit.FAILED,
    Exit.UNAVAILABLE,
    Exit.TRY_LATER,
    Exit.GUARD,
    Exit.DIFFERENT,
    Exit.PARTIAL,
    Exit.DONE,
)


class Usage(Exception):
    """The command line cannot be followed as it is; the message says how it could."""


class Guarded(Exception):
    """Something was about to happen that needs a person's consent; nothing was done."""


class Terminated(BaseException):
    """SIGTERM arrived."""


CODES: Mapping[str, Exit] = {
    "builtins.KeyboardInterrupt": Exit.INTERRUPTED,
    "caldav_backup.cli.exits.Terminated": Exit.TERMINATED,
    "caldav_backup.cli.exits.Usage": Exit.USAGE,
    "caldav_backup.cli.exits.Guarded": Exit.GUARD,
    "caldav_backup.cli.demo_round.DemoFailed": Exit.FAILED,
    "caldav_backup.cli.loopback.ServerDidNotStart": Exit.FAILED,
    "caldav_backup.cli.plain_dav.RefusedRequest": Exit.FAILED,
    # settings
    "caldav_backup.settings.errors.SettingsError": Exit.UNACCEPTABLE,
    "caldav_backup.settings.errors.UnknownName": Exit.NOT_FOUND,
    "caldav_backup.settings.errors.NameTaken": Exit.USAGE,
    "caldav_backup.settings.errors.PassphraseMissing": Exit.REFUSED,
    # store
    "caldav_backup.kloset.errors.KlosetError": Exit.FAILED,
    "caldav_backup.kloset.errors.StoreNotFound": Exit.NOT_FOUND,
    "caldav_backup.kloset.errors.StoreExists": Exit.NOT_WRITABLE,
    "caldav_backup.kloset.errors.UnsupportedStore": Exit.UNACCEPTABLE,
    "caldav_backup.kloset.errors.StoreIdentityChanged": Exit.UNACCEPTABLE,
    "caldav_backup.kloset.errors.SameStore": Exit.UNACCEPTABLE,
    "caldav_backup.kloset.errors.ExcessiveKDFCost": Exit.UNACCEPTABLE,
    "caldav_backup.kloset.errors.PassphraseRequired": Exit.REFUSED,
    "caldav_backup.kloset.errors.WrongPassphrase": Exit.REFUSED,
    "caldav_backup.kloset.errors.PassphraseNotExpected": Exit.UNACCEPTABLE,
    "caldav_backup.kloset.errors.Damaged": Exit.DAMAGED,
    "caldav_backup.kloset.errors.Locked": Exit.TRY_LATER,
    "caldav_backup.kloset.errors.SnapshotNotFound": Exit.NOT_FOUND,
    "caldav_backup.kloset.errors.AmbiguousSnapshot": Exit.USAGE,
    "caldav_backup.kloset.errors.PathNotFound": Exit.NOT_FOUND,
    "caldav_backup.kloset.errors.StorageError": Exit.UNAVAILABLE,
    "caldav_backup.kloset.errors.StorageFileMissing": Exit.DAMAGED,
    "caldav_backup.kloset.errors.StorageNotWritable": Exit.NOT_WRITABLE,
    # server
    "caldav_backup.dav.errors.DavError": Exit.UNAVAILABLE,
    "caldav_backup.dav.errors.Unauthorized": Exit.REFUSED,
    "caldav_backup.dav.errors.Forbidden": Exit.REFUSED,
    "caldav_backup.dav.errors.NotFound": Exit.NOT_FOUND,
    "caldav_backup.dav.errors.NotCalDAV": Exit.NOT_FOUND,
    "caldav_backup.dav.errors.TooManyRequests": Exit.TRY_LATER,
    "caldav_backup.dav.errors.PreconditionFailed": Exit.FAILED,
    "caldav_backup.dav.errors.InvalidLocation": Exit.UNACCEPTABLE,
    # connectors
    "caldav_backup.connectors.base.CollectionUnreadable": Exit.UNAVAILABLE,
    "caldav_backup.connectors.directory.DirectoryUnreadable": Exit.NOT_FOUND,
    "caldav_backup.connectors.destination.DestinationError": Exit.FAILED,
    "caldav_backup.connectors.destination.DestinationNotWritable": Exit.NOT_WRITABLE,
    "caldav_backup.connectors.destination.DestinationUnreachable": Exit.UNAVAILABLE,
    "caldav_backup.connectors.destination.DestinationBusy": Exit.TRY_LATER,
    "caldav_backup.connectors.destination.LoginRefused": Exit.REFUSED,
    "caldav_backup.connectors.destination.CalendarNotMade": Exit.FAILED,
    # archiver, restorer, inspection
    "caldav_backup.archiver.selection.NoSuchCalendar": Exit.NOT_FOUND,
    "caldav_backup.restorer.errors.RestoreError": Exit.FAILED,
    "caldav_backup.restorer.errors.NoSuchCalendar": Exit.NOT_FOUND,
    "caldav_backup.restorer.errors.NoSuchEvent": Exit.NOT_FOUND,
    "caldav_backup.restorer.errors.AmbiguousTarget": Exit.USAGE,
    "caldav_backup.restorer.errors.NotWhole": Exit.USAGE,
    "caldav_backup.restorer.errors.ConflictFound": Exit.GUARD,
    "caldav_backup.inspection.errors.SourceNeeded": Exit.USAGE,
    "caldav_backup.inspection.errors.NotASnapshot": Exit.USAGE,
    "caldav_backup.inspection.errors.NotACalendar": Exit.USAGE,
    "caldav_backup.inspection.errors.NoSuchSource": Exit.NOT_FOUND,
    # retention
    "caldav_backup.retention.errors.NoRule": Exit.USAGE,
    "caldav_backup.retention.errors.NotToBePinned": Exit.USAGE,
    "caldav_backup.retention.errors.SnapshotProtected": Exit.GUARD,
}

_NOT_WRITABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM})
_MISSING = frozenset({errno.ENOENT, errno.ENOTDIR})


def exit_of(error: BaseException) -> Exit:
    """The code for `error`: its own entry, else the nearest base class's, else FAILED."""
    if isinstance(error, BaseExceptionGroup):
        return worst(exit_of(each) for each in error.exceptions)
    for kind in type(error).__mro__:
        code = CODES.get(qualified_name(kind))
        if code is not None:
            return code
    if isinstance(error, OSError):
        if error.errno in _NOT_WRITABLE:
            return Exit.NOT_WRITABLE
        if error.errno in _MISSING:
            return Exit.NOT_FOUND
    return Exit.FAILED


def is_expected(error: BaseException) -> bool:
    """True for errors that are no defect of this program: their message is the whole story."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_expected(each) for each in error.exceptions)
    return isinstance(error, OSError) or any(qualified_name(kind) in CODES for kind in type(error).__mro__)


def worst(codes: Iterable[Exit]) -> Exit:
    """The code that several results end with together; DONE when there are none."""
    return min(codes, key=WORST_FIRST.index, default=Exit.DONE)


def qualified_name(kind: type) -> str:
    """`module.Class`, as the table writes it."""
    return f"{kind.__module__}.{kind.__qualname__}"
