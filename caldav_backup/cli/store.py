"""`caldav-backup store`: named stores."""

from __future__ import annotations

from caldav_backup.cli.location_group import location_group
from caldav_backup.settings import Kind

group = location_group(Kind.STORE)
