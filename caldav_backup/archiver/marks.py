"""What marks a snapshot as ours, and what its tags say of it."""

from __future__ import annotations

#: The importer type of our snapshots. No plakar connector uses it, so plakar never builds upon one
#: (docs/design/format.md, "Custom metadata and extended attributes").
IMPORTER_TYPE = "caldav-backup"

#: Some record or calendar could not be read.
PARTIAL = "partial"
#: So much less than before that it looks like a mistake; kept, and never taken for the newest.
SUSPICIOUS = "suspicious"
#: What a run that was stopped had read: the next one builds on it and removes it.
INCOMPLETE = "incomplete"
