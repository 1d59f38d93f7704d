"""What can be wrong with the words that choose a snapshot."""

from __future__ import annotations


class NotASnapshot(Exception):
    """The word is none of the forms that name a snapshot or a moment."""


class SourceNeeded(Exception):
    """The store holds several sources, and the word could mean a snapshot of each."""


class NoSuchSource(Exception):
    """No snapshot in the store is of this source."""


class NotACalendar(Exception):
    """The path is there, and is no calendar or no event."""
