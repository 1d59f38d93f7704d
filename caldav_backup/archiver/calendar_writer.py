"""Writing one calendar's directory: kept and fetched records in order, then its attributes.

Runs in the worker thread; every call is a batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from caldav_backup.archiver.parents import ParentCalendar
from caldav_backup.archiver.plan import CalendarPlan, Item
from caldav_backup.connectors import incremental
from caldav_backup.connectors.base import ATTRIBUTE_PREFIX, Failed, Record, Resource
from caldav_backup.kloset import DirectoryBuilder, File, SnapshotBuilder

_HREF = "href"


class CalendarWriter:
    """The store's side of one `CalendarPlan`."""

    def __init__(self, builder: SnapshotBuilder, plan: CalendarPlan, parent: ParentCalendar | None) -> None:
        self._builder = builder
        self._plan = plan
        self._parent = parent
        self._directory: DirectoryBuilder | None = None
        self._states: list[bytes] = []

    def can_keep(self) -> bool:
        """True when the parent's directory can be taken over as it is: nothing is new, and no failure is outlived."""
        return self._plan.is_unchanged and self._parent is not None and not self._parent.has_failures()

    def keep_all(self) -> bool:
        """Take the whole directory from the parent; True when its attributes are new."""
        parent = self._required_parent()
        before = parent.attributes()
        attributes = self._attributes()
        state = before.pop(incremental.ATTRIBUTE, b"")
        if before == attributes:
            self._builder.keep_directory(self._plan.path, parent=parent.snapshot)
            return False
        attributes[incremental.ATTRIBUTE] = state
        self._builder.keep_directory(self._plan.path, parent=parent.snapshot, xattrs=_prefixed(attributes))
        return True

    def open(self) -> None:
        """Begin the directory. Its time is the newest record's, so that it says when the calendar last changed."""
        newest = max((item.version.mtime_ns for item in self._plan.items), default=0)
        parent = self._parent.snapshot if self._parent is not None else None
        self._directory = self._builder.open_directory(self._plan.path, mtime_ns=newest, parent=parent)

    def write(self, span: Sequence[Item], records: Sequence[Record]) -> None:
        """Store a span: `records` belong, in order, to those items that are not kept."""
        directory = self._required_directory()
        fetched = iter(records)
        kept: list[str] = []
        files: list[File] = []
        for item in span:
            if item.keep:
                if files:
                    directory.add(files)
                    files = []
                kept.append(item.name)
                self._states.append(incremental.encode_record(item.name, item.version))
                continue
            if kept:
                directory.keep(kept)
                kept = []
            match next(fetched):
                case Resource(version, content):
                    files.append(File(item.name, content, version.mtime_ns))
                    self._states.append(incremental.encode_record(item.name, version))
                case Failed(_, reason):
                    self._builder.fail(f"{self._plan.path}/{item.name}", reason)
                case _:  # gone: decided when the calendar is through
                    pass
        if kept:
            directory.keep(kept)
        if files:
            directory.add(files)

    def close(self) -> None:
        """End the directory with the calendar's attributes."""
        attributes = self._attributes()
        attributes[incremental.ATTRIBUTE] = incremental.encode(self._states)
        self._required_directory().close(_prefixed(attributes))

    def _attributes(self) -> dict[str, bytes]:
        collection = self._plan.collection
        return {**collection.attributes, _HREF: collection.key.encode("utf-8", "surrogateescape")}

    def _required_parent(self) -> ParentCalendar:
        assert self._parent is not None
        return self._parent

    def _required_directory(self) -> DirectoryBuilder:
        assert self._directory is not None
        return self._directory


def _prefixed(attributes: Mapping[str, bytes]) -> dict[str, bytes]:
    return {ATTRIBUTE_PREFIX + name: value for name, value in attributes.items()}
