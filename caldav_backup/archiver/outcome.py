"""What a backup is asked to do, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from caldav_backup.archiver.selection import Selection

#: The importer type of our snapshots. No plakar connector uses it, so plakar never builds upon one
#: (docs/design/format.md, "Custom metadata and extended attributes").
IMPORTER_TYPE = "caldav-backup"

#: Tag of a snapshot in which some record or calendar is missing.
PARTIAL = "partial"


@dataclass(frozen=True, slots=True)
class BackupOptions:
    """One source's run. `job` is the source's name in the settings, "" for a bare location."""

    job: str = ""
    name: str = "default"
    tags: Sequence[str] = ()
    context: Sequence[tuple[str, str]] = ()
    selection: Selection = field(default_factory=Selection)
    full: bool = False
    dry_run: bool = False
    skip_if_unchanged: bool = False
    lock_wait: float = 900.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """One source's run, done. `snapshot` is the new snapshot's id in hex, None when none was written.

    `failures` and `warnings` are (path, reason): failures are records or calendars that are missing from the snapshot,
    warnings are records that the server lists and does not have. `size` counts bytes received.
    """

    source: str
    snapshot: str | None
    calendars: int
    records: int
    fetched: int
    unchanged: int
    deleted: int
    size: int
    failures: Sequence[tuple[str, str]] = ()
    warnings: Sequence[tuple[str, str]] = ()
    left_out: Sequence[tuple[str, str]] = ()
    tags: Sequence[str] = ()

    @property
    def is_partial(self) -> bool:
        """True when something that was asked for is missing (exit code 3)."""
        return bool(self.failures)
