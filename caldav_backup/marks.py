"""What marks a snapshot as ours, whose it is, what its tags say of it, and which may stand for its source.

Owns words that are stored: the importer's type, the tags, and how a failure says that an older copy is there; and the
identity of a source (its job, else its origin). Those who write snapshots and those who choose among them both need
them. Writes and prints nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from caldav_backup.kloset.header import Header
    from caldav_backup.kloset.repository import Repository

#: The importer type of our snapshots. No plakar connector uses it, so plakar never builds upon one
#: (docs/design/format.md, "Custom metadata and extended attributes").
IMPORTER_TYPE = "caldav-backup"

#: Some record or calendar could not be read.
PARTIAL = "partial"
#: So much less than before that it looks like a mistake; kept, and never taken for the newest.
SUSPICIOUS = "suspicious"
#: What a run that was stopped had read: the next one builds on it and removes it.
INCOMPLETE = "incomplete"

#: What a restore was about to change, as it was before: chosen by nobody who does not name it.
BEFORE_RESTORE = "before-restore"

#: Somebody wants it kept: no retention takes it, and nobody removes it before it is unpinned.
PINNED = "pinned"

#: Tags that are facts, so nobody may give them: a snapshot tagged `incomplete` is removed by the next run.
FACTS = frozenset({PARTIAL, SUSPICIOUS, INCOMPLETE, BEFORE_RESTORE, PINNED})

_NEVER_GOOD = frozenset({SUSPICIOUS, INCOMPLETE, BEFORE_RESTORE})

_KEPT = re.compile(r"; the copy in snapshot ([0-9a-f]{8}) is kept\Z")


def tags_from(texts: Sequence[str]) -> tuple[str, ...]:
    """Each tag once, also where several stand in one text, separated by commas."""
    return tuple(dict.fromkeys(tag.strip() for text in texts for tag in text.split(",") if tag.strip()))


def source_of(header: Header) -> str:
    """The identity of the source: `@job`, else the origin; other programs' snapshots by type, origin and place."""
    if header.job:
        return f"@{header.job}"
    importer = header.importer
    if importer.type == IMPORTER_TYPE:
        return importer.origin
    return f"{importer.type}://{importer.origin}{importer.directory}"


FailedPaths = Callable[["Header"], Iterable[str]]
"""The paths in a snapshot's error index."""


def failed_paths_in(repository: Repository) -> FailedPaths:
    """Reads error indexes of this store, when it is asked; Damaged when one cannot be read."""
    return lambda header: repository.snapshot(header.identifier).failed_paths()


def is_good(header: Header, failed_paths: FailedPaths) -> bool:
    """True when the snapshot may stand for its source: every calendar was listed, and nothing looks lost.

    Single records that failed do not make it bad. `failed_paths` is asked only where the tags leave it open, that is
    for a `partial` one, and what it raises is passed on.
    """
    if not may_be_good(header):
        return False
    return PARTIAL not in header.tags or not any(map(_is_above_records, failed_paths(header)))


def may_be_good(header: Header) -> bool:
    """The same as far as the tags alone tell it."""
    return _NEVER_GOOD.isdisjoint(header.tags)


def _is_above_records(path: str) -> bool:
    """A calendar as a whole, `/work`, or all of them, `/`: records lie inside of calendars."""
    return path.count("/") == 1


class Reason(NamedTuple):
    """Why something could not be read. `kept_from` is the short id of the snapshot whose copy stays, "" for none."""

    text: str
    kept_from: str = ""

    def to_message(self) -> str:
        """As it stands in the error index, for readers of any program."""
        return f"{self.text}; the copy in snapshot {self.kept_from} is kept" if self.kept_from else self.text

    @classmethod
    def from_message(cls, message: str) -> Reason:
        found = _KEPT.search(message)
        return cls(message) if found is None else cls(message[: found.start()], found[1])
