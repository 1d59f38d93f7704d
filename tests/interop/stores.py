"""Directories of events, and backups of them, for the tests with the real plakar."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from caldav_backup.archiver import BackupOptions, back_up
from caldav_backup.connectors.directory import DirectorySource
from caldav_backup.kloset import Repository
from tests.events import event


def write_events(calendars: Path, count: int, *, first: int = 0) -> None:
    """A calendar `work` with a name and events from `first` on."""
    (calendars / "work").mkdir(parents=True, exist_ok=True)
    (calendars / "work" / "displayname").write_text("The work one", "utf-8")
    for number in range(first, first + count):
        (calendars / "work" / f"event-{number:03}.ics").write_bytes(event(number).content)


def back_up_directory(repository: Repository, calendars: Path) -> str:
    """One backup; the snapshot's id in hexadecimal."""
    # A minute later: the version of a file that was written just now proves nothing.
    source = DirectorySource(calendars, clock=lambda: time.time_ns() + 60_000_000_000)
    outcome = asyncio.run(back_up(source, repository, BackupOptions(job="home")))
    assert outcome.snapshot is not None
    return outcome.snapshot


def tree(root: Path) -> dict[str, bytes]:
    """Contents of all events by path."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*.ics"))}
