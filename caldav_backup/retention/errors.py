"""What can keep snapshots from being removed or marked."""

from __future__ import annotations


class NoRule(Exception):
    """Nothing says which snapshots to keep, and that never means none."""


class SnapshotProtected(Exception):
    """A snapshot that was named is pinned, or the last good one of its source; nothing was done."""


class NotToBePinned(Exception):
    """A snapshot that the next run removes."""
