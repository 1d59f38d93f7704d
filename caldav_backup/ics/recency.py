"""Which of two versions of an object is the newer one."""

from __future__ import annotations

from caldav_backup.ics.glance import glance


def is_newer(stored: bytes, there: bytes) -> bool | None:
    """True when `stored` is newer than `there`, False when it is older, None when nothing in them tells."""
    one, other = glance(stored), glance(there)
    if one.sequence != other.sequence:
        return one.sequence > other.sequence
    for mine, theirs in ((one.last_modified, other.last_modified), (one.dtstamp, other.dtstamp)):
        if mine and theirs and mine != theirs:
            return mine > theirs
    return None
