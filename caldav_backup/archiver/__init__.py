"""Backing up, as one straight line: catalogue → list → plan → fetch → store → commit.

Owns the order of the work and what a run reports. Does not own protocols (`connectors`), bytes on disk (`kloset`) or
how a run is shown (`cli`).
"""

from __future__ import annotations

from caldav_backup.archiver.backup import back_up
from caldav_backup.archiver.outcome import BackupOptions, Outcome
from caldav_backup.archiver.selection import NoSuchCalendar, Selection

__all__ = ["BackupOptions", "NoSuchCalendar", "Outcome", "Selection", "back_up"]
