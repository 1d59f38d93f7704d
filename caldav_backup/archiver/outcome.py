"""What a backup is asked to do, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from caldav_backup.archiver.guards import Guard, Trip
from caldav_backup.archiver.selection import Selection
from caldav_backup.archiver.survey import SYNC_FROM


@dataclass(frozen=True, slots=True)
class BackupOptions:
    """One source's run. `job` is the source's name in the settings, "" for a bare location.

    What was read is safe at least every `checkpoint_every` seconds; `clock` gives Unix seconds, `snapshot_clock` Unix
    nanoseconds, with which snapshots are dated. A calendar of `sync_from` records or more is asked for what changed,
    where its server can tell.
    """

    job: str = ""
    name: str = "default"
    tags: Sequence[str] = ()
    context: Sequence[tuple[str, str]] = ()
    selection: Selection = field(default_factory=Selection)
    full: bool = False
    dry_run: bool = False
    skip_if_unchanged: bool = False
    lock_wait: float = 900.0
    guard: Guard = field(default_factory=Guard)
    checkpoint_every: float = 300.0
    sync_from: int = SYNC_FROM
    clock: Callable[[], float] = time.time
    snapshot_clock: Callable[[], int] = time.time_ns


@dataclass(frozen=True, slots=True)
class Outcome:
    """One source's run, done. `snapshot` is the new snapshot's id in hex, None when none was written.

    `failures` and `warnings` are (path, reason): failures are records or calendars that could not be read, warnings are
    records that the server lists and does not have. Of some an older copy is in the snapshot (`stale`). `trips` is what
    looks as if it had been lost; `accepted` are (old id, new id) of suspicious snapshots that hold the same as what was
    accepted now, and are suspicious no more. `size` counts bytes received. Of the calendars, `listed` were listed in
    full, `due` of them only since that is done every week, and `unmoved` were not asked, since their signals are those
    of before.
    """

    source: str
    snapshot: str | None
    calendars: int
    records: int
    fetched: int
    unchanged: int
    deleted: int
    size: int
    stale: int = 0
    requests: int = 0
    listed: int = 0
    due: int = 0
    unmoved: int = 0
    trips: Sequence[Trip] = ()
    failures: Sequence[tuple[str, str]] = ()
    warnings: Sequence[tuple[str, str]] = ()
    left_out: Sequence[tuple[str, str]] = ()
    tags: Sequence[str] = ()
    accepted: Sequence[tuple[str, str]] = ()

    @property
    def is_partial(self) -> bool:
        """True when something that was asked for is missing (exit code 3)."""
        return bool(self.failures)
