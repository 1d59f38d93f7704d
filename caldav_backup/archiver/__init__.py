"""Backing up, as one straight line: catalogue → survey → plan → fetch → store → commit.

Owns the order of the work and what a run reports. Does not own protocols (`connectors`), bytes on disk (`kloset`) or
how a run is shown (`cli`).
"""

from __future__ import annotations

from caldav_backup.archiver.backup import back_up
from caldav_backup.archiver.guards import Guard, Trip
from caldav_backup.archiver.outcome import BackupOptions, Outcome
from caldav_backup.archiver.selection import NoSuchCalendar, Selection

__all__ = ["BackupOptions", "Guard", "NoSuchCalendar", "Outcome", "Selection", "Trip", "back_up"]
