"""Removing what a destination has and the snapshot does not, one record after another."""

from __future__ import annotations

from dataclasses import dataclass

from caldav_backup.connectors.base import Collection
from caldav_backup.connectors.destination import Deleted, Deletion, Destination, Held, Refused, Taken
from caldav_backup.restorer.plan import ExtraPlan
from caldav_backup.restorer.report import Erasure, ErasureResult


@dataclass(frozen=True, slots=True)
class Eraser:
    """Removes records of one `collection`; `silent`: nobody is to be mailed of it."""

    destination: Destination
    collection: Collection
    silent: bool

    async def erase(self, extra: ExtraPlan) -> ErasureResult:
        """Remove one record, unless it has changed since the plan was made."""
        outcome = await self.destination.delete(self.collection, extra.version, silent=self.silent)
        result, reason = _result(outcome)
        return ErasureResult(extra.version.leaf, extra.uid, extra.title, result, reason)


def _result(outcome: Deletion) -> tuple[Erasure, str]:
    match outcome:
        case Deleted(note):
            return Erasure.DELETED, note
        case Taken(reason):
            return Erasure.SKIPPED, reason
        case Held(reason):
            return Erasure.HELD, reason
        case Refused(reason):
            return Erasure.FAILED, reason
