"""Whether anything is left of a damaged snapshot.

Owns the search for the first file that can be read, past all that cannot.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from caldav_backup.kloset import paths
from caldav_backup.kloset.errors import Damaged, PathNotFound

if TYPE_CHECKING:
    from caldav_backup.kloset.entries import Entry
    from caldav_backup.kloset.snapshot import Snapshot


def has_any_file(snapshot: Snapshot) -> bool:
    """True when the content of at least one file can be read."""
    waiting, seen = [paths.ROOT], {paths.ROOT}
    while waiting:
        for entry in _readable(snapshot, waiting.pop()):
            if entry.is_directory and entry.path not in seen:
                seen.add(entry.path)
                waiting.append(entry.path)
            elif entry.is_file and entry.has_object:
                with suppress(Damaged):
                    snapshot.read(entry)
                    return True
    return False


def _readable(snapshot: Snapshot, path: str) -> Iterator[Entry]:
    """Children up to the first damage."""
    with suppress(Damaged, PathNotFound):
        yield from snapshot.list_directory(path)
