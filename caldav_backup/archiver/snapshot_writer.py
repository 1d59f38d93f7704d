"""The store's side of a run: calendars one after the other into a snapshot, which can be put away half done.

Runs in the worker thread. Owns how a run's work becomes an incomplete snapshot, and how it goes on from that one.
"""

from __future__ import annotations

from collections.abc import Sequence

from caldav_backup.archiver.calendar_writer import CalendarWriter, attributes_of, prefixed
from caldav_backup.archiver.last_listing import LastListing
from caldav_backup.archiver.parents import ParentCalendar
from caldav_backup.archiver.plan import CalendarPlan, Item
from caldav_backup.connectors import incremental
from caldav_backup.connectors.base import Collection, Record
from caldav_backup.kloset import Header, Repository, Snapshot, SnapshotBuilder
from caldav_backup.marks import INCOMPLETE


class SnapshotWriter:
    """Writes through `builder`. One calendar is open at a time."""

    def __init__(self, repository: Repository, builder: SnapshotBuilder) -> None:
        self._repository = repository
        self._builder = builder
        self._done: list[str] = []
        self._failures: dict[str, str] = {}
        self._calendar: CalendarWriter | None = None
        self._parents: Sequence[ParentCalendar] = ()
        self._ended: Header | None = None

    def keep(self, path: str, collection: Collection, parent: ParentCalendar, listed: LastListing | None) -> bool:
        """Take over a parent's whole directory; True when its attributes are new, but for the time of the listing."""
        attributes = attributes_of(collection, listed)
        if attributes == parent.attributes:
            self._builder.keep_directory(path, parent=parent.snapshot)
        else:
            state = {incremental.ATTRIBUTE: parent.state}
            self._builder.keep_directory(path, parent=parent.snapshot, xattrs=prefixed(attributes | state))
        self._done.append(path)
        without_time = attributes_of(collection, parent.last_listing)
        return without_time != parent.attributes

    def open(self, plan: CalendarPlan, parents: Sequence[ParentCalendar]) -> None:
        """Begin a calendar that is not the same as before."""
        self._calendar = CalendarWriter(self._builder, plan, parents)
        self._parents = parents

    def write(self, span: Sequence[Item], records: Sequence[Record]) -> int:
        """As in `CalendarWriter`."""
        return self._open_calendar.write(span, records)

    def close(self, listed: LastListing | None) -> None:
        """End the calendar."""
        self._open_calendar.close(listed)
        self._done.append(self._open_calendar.plan.path)
        self._calendar = None

    def fail(self, path: str, reason: str) -> None:
        """Note that a calendar as a whole could not be read."""
        self._failures[path] = reason
        self._builder.fail(path, reason)

    def finish(self, tags: Sequence[str]) -> Header:
        """Commit the snapshot."""
        self._ended = self._builder.finish(tags=tags)
        return self._ended

    @property
    def lock_troubles(self) -> Sequence[str]:
        """What a person should know of the store's locks."""
        return self._builder.lock_troubles

    def suspend(self, tags: Sequence[str]) -> Header:
        """Commit what there is as an incomplete snapshot, in the middle of a calendar too.

        What was committed already, by a call whose end nobody waited for, is not committed again.
        """
        if self._ended is None:
            if self._calendar is not None:
                self._calendar.close(None)
            self._ended = self._builder.finish(tags=(*tags, INCOMPLETE))
        return self._ended

    def go_on(self, builder: SnapshotBuilder, suspended: Header) -> None:
        """Begin a new snapshot with what the suspended one holds; nothing of it is stored again."""
        self._builder = builder  # at once, so that it is this one that is aborted when the rest fails
        self._ended = None
        # Not looked up: a run of the same source on another machine may have removed it, as superseded by its own.
        snapshot = Snapshot(self._repository, suspended)
        for path, reason in self._failures.items():
            builder.fail(path, reason)
        for path in self._done:
            builder.keep_directory(path, parent=snapshot)
        if self._calendar is not None:
            before = self._calendar
            self._calendar = CalendarWriter(builder, before.plan, self._parents, begun=(before, snapshot))

    def abort(self) -> None:
        """Leave nothing that can be seen."""
        self._builder.abort()

    @property
    def _open_calendar(self) -> CalendarWriter:
        assert self._calendar is not None
        return self._calendar
