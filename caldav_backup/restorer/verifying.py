"""Reading back what was written, and comparing it by meaning with what was sent.

An ETag in the answer to a PUT does not mean that the bytes were kept (Radicale 3.9, Xandikos 0.4 and SOGo 5.8 rewrite
and give one), so everything is fetched again, in batches.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from caldav_backup import ics
from caldav_backup.connectors.base import Collection, CollectionUnreadable, Gone, Record, Resource, Version
from caldav_backup.connectors.destination import Destination
from caldav_backup.restorer.contents import read_one
from caldav_backup.restorer.existing import fetch_all
from caldav_backup.restorer.guests import copy_to_send
from caldav_backup.restorer.options import RestoreOptions
from caldav_backup.restorer.report import RecordResult, Result
from caldav_backup.restorer.selection import StoredCalendar

if TYPE_CHECKING:
    from caldav_backup.kloset.snapshot import Snapshot


class Sent(NamedTuple):
    """A record that was written: its place among the calendar's records, where it is now, and what it said."""

    place: int
    version: Version
    meaning: ics.Meaning


@dataclass(frozen=True, slots=True)
class Verifier:
    """Compares one calendar's records with what `destination` has of them."""

    snapshot: Snapshot
    destination: Destination
    stored: StoredCalendar
    options: RestoreOptions

    async def verify(self, collection: Collection, sent: Sequence[Sent], results: list[RecordResult]) -> None:
        """Amend the results of `sent` by what is found."""
        records = fetch_all(self.destination, collection, [one.version for one in sent])
        position = 0
        try:
            async for record in records:
                one = sent[position]
                position += 1
                results[one.place] = await self._amended(results[one.place], one, record)
        except CollectionUnreadable as error:
            for one in sent[position:]:
                results[one.place] = results[one.place]._replace(reason=f"could not be read back: {error}")

    async def _amended(self, result: RecordResult, sent: Sent, record: Record) -> RecordResult:
        if isinstance(record, Gone):
            return result._replace(result=Result.FAILED, reason="was taken, and is not there when it is read back")
        if not isinstance(record, Resource):
            return result._replace(reason=f"could not be read back: {record.reason}")
        if ics.meaning_of(record.content).matches(sent.meaning):
            return result
        differs = await asyncio.to_thread(self._differences, result.name, record.content)
        return result._replace(differs=tuple(differs))

    def _differences(self, name: str, there: bytes) -> Sequence[str]:
        stored = read_one(self.snapshot, self.stored, name)
        copy = copy_to_send(stored.content or b"", self.options.invites, self.destination.scheduling)
        return ics.differences(copy.content, there)
