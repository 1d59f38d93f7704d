"""The search for what has vanished: which source's snapshots, compared with what.

Owns the choice between the two measures: what the destination has at this moment, where the snapshots are of that very
account, else the last backup. The search itself is `inspection`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from caldav_backup.cli.endpoints import open_source
from caldav_backup.cli.invocation import Invocation
from caldav_backup.cli.listings import SHORT
from caldav_backup.cli.progress_view import watched
from caldav_backup.cli.render import about
from caldav_backup.inspection.errors import SourceNeeded
from caldav_backup.inspection.moments import local_text
from caldav_backup.inspection.snapshots import of_source, sources_of
from caldav_backup.kloset.errors import Damaged, SnapshotNotFound
from caldav_backup.marks import BEFORE_RESTORE, INCOMPLETE, source_of
from caldav_backup.settings import Kind

if TYPE_CHECKING:
    from caldav_backup.cli.running import RunAsync
    from caldav_backup.inspection.vanished_events import Stored, Unread, Vanished
    from caldav_backup.inspection.vanished_present import Present
    from caldav_backup.kloset.header import Header
    from caldav_backup.kloset.repository import Repository


@dataclass(frozen=True, slots=True)
class Found:
    """The events, what vanished last first; `moved` more are merely in another place.

    `as_of_ns` is the time of the backup that was the measure, None where the destination itself was. `trouble` is what
    could not be looked at, a line each; `is_damaged` where the store is to blame.
    """

    events: Sequence[Vanished]
    moved: int
    as_of_ns: int | None
    trouble: Sequence[str]
    is_damaged: bool = False


@dataclass(frozen=True, slots=True)
class Search:
    """For events that have `text` in their words, or as their UID, and vanished since `since_ns`."""

    run: Invocation
    repository: Repository
    source: str | None
    text: str
    since_ns: int | None

    def find(self, run_async: RunAsync, origin: str, to: str) -> Found:
        """What is to be put back to the destination of `origin`, which is `to` on the command line."""
        from caldav_backup.inspection.vanished_present import AS_OF_THE_LAST_BACKUP, Look
        from caldav_backup.restorer.accounts import is_same_account

        headers = self._headers(origin)
        newest = next(header for header in headers if BEFORE_RESTORE not in header.tags)
        if not is_same_account(newest.importer.origin, origin):
            when = local_text(newest.timestamp_ns)
            self.run.note(
                f"{origin} is not the account that was backed up ({newest.importer.origin}):"
                f" what counts is what was gone there at the backup of {when}"
            )
            return self._compared(headers, AS_OF_THE_LAST_BACKUP, _nothing_new, newest.timestamp_ns)
        source = open_source(self.run, self.run.settings.given_location(Kind.DESTINATION, to))
        look = Look(source)
        try:
            with about(origin):
                present = run_async(look.present())

            def uids_of_new(stored: Stored) -> frozenset[str]:
                with about(origin):
                    return run_async(look.uids_of_new(stored.names))

            return self._compared(headers, present, uids_of_new, None)
        finally:
            run_async(source.close())

    def _compared(
        self,
        headers: Sequence[Header],
        present: Present,
        uids_of_new: Callable[[Stored], frozenset[str]],
        as_of_ns: int | None,
    ) -> Found:
        from caldav_backup.inspection.vanished import Walk
        from caldav_backup.inspection.vanished_events import newest_versions, stored, without

        trouble = [f"{key} cannot be listed, so its last backup counts: {why}" for key, why in present.unread.items()]
        damage: list[str] = []

        def leave_out(header: Header, error: Damaged) -> None:
            damage.append(f"snapshot {header.identifier.hex()[:SHORT]} is left out: {error}")

        with watched(self.run, "snapshots") as progress:
            walk = Walk(self.repository, headers, present, self.since_ns, leave_out, progress)
            contents = newest_versions(self.repository, walk.missing(), self._is_wanted)
        damage += [_unread(each) for each in contents.unread]
        events: Sequence[Vanished] = contents.events
        if events:
            held = stored(self.repository, walk.newest, present)
            events = without(events, held.uids)
            events = without(events, uids_of_new(held)) if events else events
        moved = len(contents.events) - len(events)
        return Found(events, moved, as_of_ns, [*trouble, *damage], is_damaged=bool(damage))

    def _is_wanted(self, content: bytes, uid: str | None) -> bool:
        from caldav_backup import ics

        return not self.text or uid == self.text or ics.mentions(content, self.text)

    def _headers(self, origin: str) -> Sequence[Header]:
        """The snapshots of the one source that is meant, the newest first: that of the same account, if not told."""
        from caldav_backup.restorer.accounts import is_same_account

        headers = [header for header in self.repository.snapshots() if INCOMPLETE not in header.tags]
        if self.source is not None:
            headers = of_source(headers, self.source)
        newest = {source_of(header): header for header in headers if BEFORE_RESTORE not in header.tags}
        if not newest:
            raise SnapshotNotFound("the store has no backups yet in which to look for anything")
        if len(newest) > 1:
            own = [name for name, header in newest.items() if is_same_account(header.importer.origin, origin)]
            if len(own) != 1:
                there = ", ".join(sources_of(headers))
                raise SourceNeeded(f"the store holds several sources; say which with --source: {there}")
            newest = {own[0]: newest[own[0]]}
        return [header for header in reversed(headers) if source_of(header) in newest]


def _nothing_new(_: Stored) -> frozenset[str]:
    """Nothing is newer than the last backup, where that is the measure."""
    return frozenset()


def _unread(record: Unread) -> str:
    header, path = record.missing.header, record.missing.entry.path
    return f"{header.identifier.hex()[:SHORT]}:{path} is missing, and cannot be read: {record.reason}"
