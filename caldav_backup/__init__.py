"""Backups of CalDAV calendars into Kloset stores, and calendars back from them.

The layers, from top to bottom, are `cli`, `archiver` and `restorer`, `settings`, `connectors`, and the four
packages that know nothing of each other: `dav`, `kloset`, `ics` and `progress`.
"""

from __future__ import annotations

__version__ = "0.1.0"
