"""Writing one calendar's directory: kept and fetched records in order, then its attributes.

Runs in the worker thread; every call is a batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from caldav_backup.archiver.last_listing import ATTRIBUTE as LISTED
from caldav_backup.archiver.last_listing import LastListing
from caldav_backup.archiver.parents import ParentCalendar
from caldav_backup.archiver.plan import CalendarPlan, Item
from caldav_backup.connectors import incremental
from caldav_backup.connectors.base import ATTRIBUTE_PREFIX, Collection, Failed, Record, Resource
from caldav_backup.connectors.settling import is_settled
from caldav_backup.kloset import DirectoryBuilder, File, Snapshot, SnapshotBuilder
from caldav_backup.marks import Reason

_HREF = "href"


class CalendarWriter:
    """One directory in the making, from a `CalendarPlan`.

    `begun` is the snapshot that holds what was written of it before the builder was changed for a new one.
    """

    def __init__(
        self,
        builder: SnapshotBuilder,
        plan: CalendarPlan,
        parents: Sequence[ParentCalendar],
        begun: tuple[CalendarWriter, Snapshot] | None = None,
    ) -> None:
        self.plan = plan
        self._builder = builder
        self._parents = parents
        snapshots = [parent.snapshot for parent in parents]
        self._first = 0 if begun is None else 1  # number of the first parent among the directory's
        self._directory: DirectoryBuilder = builder.open_directory(
            plan.path, mtime_ns=self._mtime_ns(), parents=snapshots if begun is None else [begun[1], *snapshots]
        )
        self._names: list[str] = []
        self._states: list[bytes] = []
        self._failures: dict[str, str] = {}
        if begun is not None:
            self._go_on(begun[0])

    def write(self, span: Sequence[Item], records: Sequence[Record]) -> int:
        """Store a span; `records` belong, in order, to those items that are not kept. How many stay as older copies."""
        fetched = iter(records)
        stale = 0
        files: list[File] = []
        kept: list[str] = []
        source = 0
        for item in span:
            record = None if item.keep else next(fetched)
            if isinstance(record, Resource):
                self._keep(kept, source)
                files.append(File(item.name, record.content, record.version.mtime_ns))
                self._note(item.name, self._state_of(item.name, record))
                continue
            if isinstance(record, Failed):
                self._fail(item, record)
                stale += item.before is not None
            if item.before is None or not (item.keep or isinstance(record, Failed)):
                continue  # not there, or deleted since it was listed
            self._add(files)
            if item.source != source:
                self._keep(kept, source)
                source = item.source
            kept.append(item.name)
            self._note(item.name, _state_kept(item))
        self._keep(kept, source)
        self._add(files)
        return stale

    def close(self, listed: LastListing | None) -> None:
        """End the directory with the calendar's attributes; `listed` None: not all of the calendar is in it."""
        attributes = attributes_of(self.plan.collection, listed)
        attributes[incremental.ATTRIBUTE] = incremental.encode(self._states)
        self._directory.close(prefixed(attributes))

    def _mtime_ns(self) -> int:
        """The newest record's time, so that the directory says when the calendar last changed."""
        if any(item.version is None for item in self.plan.items):
            return max(self.plan.newest_ns, self._parents[0].mtime_ns)
        return self.plan.newest_ns

    def _go_on(self, before: CalendarWriter) -> None:
        self._directory.keep(before._names, source=0)
        self._names, self._states = before._names, before._states
        for path, reason in before._failures.items():
            self._builder.fail(path, reason)
        self._failures = before._failures

    def _note(self, name: str, state: bytes) -> None:
        self._names.append(name)
        self._states.append(state)

    def _add(self, files: list[File]) -> None:
        if files:
            self._directory.add(files)
            files.clear()

    def _keep(self, names: list[str], source: int) -> None:
        if names:
            self._directory.keep(names, source=self._first + source)
            names.clear()

    def _fail(self, item: Item, record: Failed) -> None:
        path = f"{self.plan.path}/{item.name}"
        kept_from = self._origin_of(item) if item.before is not None else ""
        self._failures[path] = Reason(record.reason, kept_from).to_message()
        self._builder.fail(path, self._failures[path])

    def _origin_of(self, item: Item) -> str:
        """The snapshot for which the copy that a parent holds was fetched, or had not failed yet."""
        parent = self._parents[item.source]
        before = Reason.from_message(parent.failures.get(item.name, ""))
        return before.kept_from or parent.snapshot.header.identifier.hex()[:8]

    def _state_of(self, name: str, record: Resource) -> bytes:
        settled = is_settled(record.version, self.plan.date_ns)
        return incremental.encode_record(name, record.version, is_settled=settled)


def attributes_of(collection: Collection, listed: LastListing | None) -> dict[str, bytes]:
    """What is kept of a calendar besides its records and their state, names without prefix."""
    attributes = {**collection.attributes, _HREF: collection.key.encode("utf-8", "surrogateescape")}
    return attributes if listed is None else attributes | {LISTED: listed.to_bytes()}


def prefixed(attributes: Mapping[str, bytes]) -> dict[str, bytes]:
    """The extended attributes of a calendar's directory."""
    return {ATTRIBUTE_PREFIX + name: value for name, value in attributes.items()}


def _state_kept(item: Item) -> bytes:
    assert item.before is not None
    if item.keep:
        return incremental.encode_known(item.before)
    return incremental.encode_record(item.name, item.wanted, is_settled=False)
