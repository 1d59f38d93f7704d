"""Which calendars of a snapshot are meant, and what they are called.

Owns what counts as a calendar in a snapshot's tree: a directory that holds `.ics` files or our attributes, at any
depth, so that snapshots of other programs are restored too. Reads directories only, no content.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from caldav_backup.connectors.base import ATTRIBUTE_PREFIX, PRINCIPAL
from caldav_backup.restorer.errors import NoSuchCalendar

if TYPE_CHECKING:
    from caldav_backup.kloset.entries import Entry
    from caldav_backup.kloset.snapshot import Snapshot

EXTENSION = ".ics"

#: State of the calendar where it was backed up, which says nothing about the one to restore.
_NOT_READ = frozenset({"resources", "ctag", "sync-token"})
#: How deep calendars are looked for: plakar's own file importer keeps whole paths.
_MAX_DEPTH = 64


@dataclass(frozen=True, slots=True)
class StoredCalendar:
    """A calendar in a snapshot. `only` is the one record that was asked for, "" for all; attributes have no prefix."""

    path: str
    name: str
    only: str = ""
    attributes: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def displayname(self) -> str:
        """What people call it; the directory's name where nothing else is known."""
        return self.attributes.get("displayname", b"").decode("utf-8", "replace") or self.name

    @property
    def href(self) -> str:
        """Its key where it was backed up; "" when that is not known."""
        return self.attributes.get("href", b"").decode("utf-8", "surrogateescape")

    @property
    def is_own(self) -> bool:
        """True when it was read by its owner, so that nothing in it was hidden."""
        owner, reader = (self.attributes.get(name, b"").rstrip(b"/") for name in ("owner", PRINCIPAL))
        # One is a path, the other a URL.
        return owner != b"" and reader.endswith(owner)

    def is_called(self, pattern: str) -> bool:
        """True when the glob `pattern` matches the directory's or the display name; letter case does not matter."""
        folded = pattern.casefold()
        return any(fnmatchcase(name.casefold(), folded) for name in (self.name, self.displayname))


def select_calendars(snapshot: Snapshot, path: str, patterns: Sequence[str]) -> list[StoredCalendar]:
    """The calendars at or below `path` that match one of `patterns` (all, if there are none), in the tree's order.

    Raises `PathNotFound` for a path that is not there and `NoSuchCalendar` where nothing matches.
    """
    found = list(_calendars_at(snapshot, path))
    for pattern in patterns:
        if not any(calendar.is_called(pattern) for calendar in found):
            there = ", ".join(sorted(calendar.name for calendar in found)) or "none"
            raise NoSuchCalendar(f"no calendar matches '{pattern}'; the snapshot has: {there}")
    if not found:
        raise NoSuchCalendar(f"there is no calendar at {path} in the snapshot")
    return [one for one in found if not patterns or any(one.is_called(pattern) for pattern in patterns)]


def is_record(entry: Entry) -> bool:
    """True for a file that holds a calendar object by its name."""
    return entry.is_file and entry.name.lower().endswith(EXTENSION)


def _calendars_at(snapshot: Snapshot, path: str) -> Iterator[StoredCalendar]:
    entry = snapshot.entry(path)
    if not entry.is_directory:
        parent = path.rpartition("/")[0] or "/"
        yield _calendar(snapshot, snapshot.entry(parent), only=entry.name)
        return
    yield from _calendars_below(snapshot, entry, _MAX_DEPTH)


def _calendars_below(snapshot: Snapshot, directory: Entry, depth: int) -> Iterator[StoredCalendar]:
    is_calendar = any(name.startswith(ATTRIBUTE_PREFIX) for name in directory.extended_attributes)
    below: list[Entry] = []
    for entry in snapshot.list_directory(directory.path):
        is_calendar = is_calendar or is_record(entry)
        if entry.is_directory:
            below.append(entry)
    if is_calendar:
        yield _calendar(snapshot, directory)
    if depth:
        for entry in below:
            yield from _calendars_below(snapshot, entry, depth - 1)


def _calendar(snapshot: Snapshot, directory: Entry, only: str = "") -> StoredCalendar:
    attributes: dict[str, bytes] = {}
    for qualified in directory.extended_attributes:
        name = qualified.removeprefix(ATTRIBUTE_PREFIX)
        if name != qualified and name not in _NOT_READ:
            value = snapshot.extended_attribute(directory.path, qualified)
            attributes.update({} if value is None else {name: value})
    return StoredCalendar(directory.path, directory.name.strip("/") or "calendar", only, attributes)
