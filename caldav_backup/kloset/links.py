"""Where symbolic links in a snapshot lead.

Owns following them, as Linux does it, and the bounds: a store may hold links that go round in a circle, or on and on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from caldav_backup.kloset import paths

if TYPE_CHECKING:
    from caldav_backup.kloset.entries import Entry
    from caldav_backup.kloset.snapshot import Snapshot

MAX_LINKS: Final = 40
"""Symbolic links that may be followed for one path, as in Linux."""

MAX_PATH: Final = 1 << 16
"""Characters of a path that symbolic links lead to; file systems end at 4096 bytes."""


def follow_links(snapshot: Snapshot, path: str) -> Entry | None:
    """The entry that a clean path leads to; None where its links lead on and on. PathNotFound, Damaged."""
    wanted = path
    for _ in range(MAX_LINKS + 1):
        if len(wanted) > MAX_PATH or wanted.count("/") > paths.MAX_DEPTH:
            break
        link = _first_link(snapshot, wanted)
        if link is None:
            return snapshot.entry(wanted)
        directory = "" if link.symlink_target.startswith("/") else link.parent_path
        wanted = paths.clean(f"{directory}/{link.symlink_target}{wanted[len(link.path) :]}")
    return None


def _first_link(snapshot: Snapshot, path: str) -> Entry | None:
    """The first symbolic link on the way to `path`, itself included."""
    on_the_way = (snapshot.entry(place) for place in (*paths.ancestors(path)[1:], path))
    return next((entry for entry in on_the_way if entry.is_symlink), None)
