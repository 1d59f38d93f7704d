"""Whether a server has what a snapshot has: calendars matched as for a restore, every record compared by meaning.

Changes nothing anywhere. A calendar of the server costs one listing and its records in batches; of the snapshot as well
as of the server only a batch is held at a time, and digests of the rest.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from caldav_backup.connectors.base import Collection, CollectionUnreadable, Record, Source, Version
from caldav_backup.connectors.naming import fold
from caldav_backup.progress import LookedAt, Progress, silent
from caldav_backup.restorer.accounts import is_same_account
from caldav_backup.restorer.contents import iter_records, read_one
from caldav_backup.restorer.existing import fetch_all
from caldav_backup.restorer.findings import AS_STORED, CalendarFindings, Finding, Findings, OnlyThere, Standing
from caldav_backup.restorer.matching import Surroundings, Target, match_calendars
from caldav_backup.restorer.options import RestoreOptions
from caldav_backup.restorer.pairing import Pairing, face_of
from caldav_backup.restorer.selection import StoredCalendar, select_calendars

if TYPE_CHECKING:
    from caldav_backup.kloset.snapshot import Snapshot

NO_CALENDAR = "there is no such calendar"

#: Records of the server that are compared in one go.
_BATCH = 100

_Group = Sequence[tuple[StoredCalendar, Target]]


async def verify(
    snapshot: Snapshot, source: Source, options: RestoreOptions, *, progress: Progress = silent
) -> Findings:
    """Compare what `options` select of `snapshot` with what `source` has of it.

    Of the options those count that select and match calendars. Raises a `RestoreError` where the user has to decide
    something first, and `CollectionUnreadable` when none of the calendars can be read.
    """
    stored = await asyncio.to_thread(select_calendars, snapshot, options.path, options.calendars)
    catalogue = await source.catalogue()
    same_account = is_same_account(snapshot.header.importer.origin, source.origin)
    is_one = _is_one_calendar(source)
    there = Surroundings(catalogue.collections, same_account=same_account, can_create=not is_one)
    groups: dict[str, list[tuple[StoredCalendar, Target]]] = {}
    for calendar, target in match_calendars(stored, there, options):
        key = f"\0{calendar.path}" if target.collection is None else target.collection.key
        groups.setdefault(key, []).append((calendar, target))
    comparing = _Comparing(snapshot, source, progress)
    found = {calendar.stored.path: calendar for group in groups.values() for calendar in await comparing.compare(group)}
    calendars = [found[calendar.path] for calendar in stored]
    _require_any(calendars)
    is_all = same_account and options.path == "/" and not options.calendars and not snapshot.header.perimeter
    only_there = [
        OnlyThere(each.key, each.displayname or each.hint) for each in catalogue.collections if each.key not in groups
    ]
    unreadable = [f"{each.name}: {each.reason}" for each in catalogue.unreadable]
    return Findings(
        snapshot.header.identifier, source.origin, calendars, only_there if is_all and not is_one else (), unreadable
    )


def _is_one_calendar(source: Source) -> bool:
    """True for the address of a calendar instead of an account: that calendar is meant, whatever its name."""
    from caldav_backup.connectors.caldav import CalDavSource  # loads what speaks to servers

    return isinstance(source, CalDavSource) and not source.homes


def _require_any(calendars: Sequence[CalendarFindings]) -> None:
    if calendars and all(calendar.reason and calendar.key for calendar in calendars):
        first = calendars[0]
        raise CollectionUnreadable(f"none of the calendars can be read, {first.target} for example: {first.reason}")


@dataclass(frozen=True, slots=True)
class _Comparing:
    snapshot: Snapshot
    source: Source
    progress: Progress

    async def compare(self, group: _Group) -> list[CalendarFindings]:
        """Calendars that belong to one calendar of the server; what only that has is told of the last of them."""
        stored = [calendar for calendar, _ in group]
        target = group[0][1]
        pairing = Pairing(lambda calendar, name: read_one(self.snapshot, stored[calendar], name).content)
        await asyncio.to_thread(self._read_stored, pairing, stored)
        reason = "" if target.collection else NO_CALENDAR
        if target.collection is not None:
            try:
                await self._read_there(pairing, target.collection, stored)
            except CollectionUnreadable as error:
                key = target.collection.key
                return [CalendarFindings(each, target.name, key, reason=str(error)) for each in stored]
        pairing.finish()
        key = target.collection.key if target.collection else ""
        found = []
        for number, each in enumerate(stored):
            is_last = number == len(stored) - 1 and not each.only
            findings = await asyncio.to_thread(_end, self.snapshot, each, pairing, number, is_last)
            counts = Counter(finding.standing for finding in findings)
            counts.update(
                final for _, final in pairing.found(number) if isinstance(final, Standing) and final in AS_STORED
            )
            rewriting = pairing.rewriting.get(number, ())
            found.append(CalendarFindings(each, target.name, key, counts, findings, tuple(rewriting), reason))
        return found

    def _read_stored(self, pairing: Pairing, stored: Sequence[StoredCalendar]) -> None:
        for number, calendar in enumerate(stored):
            for batch in iter_records(self.snapshot, calendar):
                for record in batch:
                    pairing.add(number, record)
            for path in self.snapshot.failed_paths():
                directory, _, name = path.rpartition("/")
                if directory == calendar.path.rstrip("/"):
                    pairing.add_unread(name)

    async def _read_there(self, pairing: Pairing, collection: Collection, stored: Sequence[StoredCalendar]) -> None:
        versions = (await self.source.list_versions(collection)).versions
        wanted = {fold(calendar.only) for calendar in stored if calendar.only}
        if wanted and len(stored) == len(wanted):
            # One event is mostly found by its name; only if not, everything is looked through.
            likely = [version for version in versions if fold(version.leaf) in wanted]
            await self._meet(pairing, collection, likely)
            if pairing.is_settled:
                return
            versions = [version for version in versions if fold(version.leaf) not in wanted]
        await self._meet(pairing, collection, versions)

    async def _meet(self, pairing: Pairing, collection: Collection, versions: Sequence[Version]) -> None:
        what = f"events of {collection.displayname or collection.hint}"
        done = 0
        waiting: list[Record] = []
        self.progress(LookedAt(what, 0, len(versions)))
        async with aclosing(fetch_all(self.source, collection, versions)) as records:
            async for record in records:
                waiting.append(record)
                if len(waiting) == _BATCH:
                    await asyncio.to_thread(pairing.meet, waiting)
                    done += len(waiting)
                    waiting = []
                    self.progress(LookedAt(what, done, len(versions)))
        await asyncio.to_thread(pairing.meet, waiting)
        self.progress(LookedAt(what, len(versions), len(versions)))


def _end(snapshot: Snapshot, stored: StoredCalendar, pairing: Pairing, number: int, is_last: bool) -> list[Finding]:
    """What is not as it should be, in the directory's order, then what only the server has."""
    ends = {name: final for name, final in pairing.found(number) if final not in AS_STORED}
    missing = {name for name, final in ends.items() if final is Standing.MISSING}
    for batch in iter_records(snapshot, stored, missing.__contains__) if missing else ():
        for record in batch:
            ends[record.name] = Finding(face_of(record.name, record.content or b""), Standing.MISSING)
    found = [final for final in ends.values() if isinstance(final, Finding)]
    return [*found, *pairing.unreadable.get(number, ()), *(pairing.extras if is_last else ())]
