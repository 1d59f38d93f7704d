"""What stops a restore before anything is written."""

from __future__ import annotations


class RestoreError(Exception):
    """The restore cannot be planned; the message says what to change."""


class NoSuchCalendar(RestoreError):
    """What was asked for matches no calendar of the snapshot; the message names those that are there."""


class NoSuchEvent(RestoreError):
    """No selected calendar of the snapshot holds an event of that UID."""


class AmbiguousTarget(RestoreError):
    """More than one calendar could be meant; the message names them, and the option that decides."""


class NotWhole(RestoreError):
    """What is not in the snapshot can be removed only where whole calendars are restored."""


class ConflictFound(RestoreError):
    """An event is there in another version, and that was to end the restore."""
