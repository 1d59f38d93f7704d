"""One record on its way to a destination: as it is, in a form that a strict server takes, or under a new UID.

Owns what follows from the destination's answer, and the record's result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from caldav_backup import ics
from caldav_backup.connectors.base import Collection, Resource, Version
from caldav_backup.connectors.destination import Destination, Held, Outcome, Refused, Taken, UidTaken, Written
from caldav_backup.restorer.copies import Copies, Copy, Form
from caldav_backup.restorer.deciding import duplicate_seed
from caldav_backup.restorer.errors import ConflictFound
from caldav_backup.restorer.options import Invites, OnConflict, RestoreOptions
from caldav_backup.restorer.plan import Action, RecordPlan
from caldav_backup.restorer.report import RecordResult, Result
from caldav_backup.restorer.verifying import Sent

PIECES_MISSING = "not all of its pieces are there"
GONE_ELSEWHERE = "what was to be replaced in another calendar cannot be read any more"


class Sending(NamedTuple):
    """What came of one record, and the objects that were written of it.

    `blocked_by` is the key of an object that had its UID ("" when nobody said which); None when that was not it.
    """

    result: RecordResult
    sent: Sequence[Sent] = ()
    blocked_by: str | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends records to one `collection`. `seed` is what new UIDs of its duplicates are derived from."""

    destination: Destination
    options: RestoreOptions
    collection: Collection
    seed: str

    @property
    def copies(self) -> Copies:
        """How copies are made for this destination."""
        return Copies(self.options.invites, self.destination.scheduling)

    async def send(self, place: int, record: RecordPlan, content: bytes) -> Sending:
        """Write one record that the plan says to write; `place` is its number in the calendar."""
        copy = self.copies.of(content, record.uid_seed)
        if copy.held:
            return Sending(_result(record, Result.HELD, copy.note))
        replaced = record.existing if record.action is Action.REPLACE else None
        if replaced is not None and record.elsewhere is not None:
            there = await self.destination.read(replaced.key)
            if not isinstance(there, Resource):
                return Sending(_result(record, Result.SKIPPED, GONE_ELSEWHERE))
            if ics.same_meaning(there.content, copy.content):
                return Sending(_result(record, Result.IDENTICAL, record.reason))
            replaced = there.version
        if record.in_pieces:
            return await self._send_repaired(place, record, copy, None, Refused(PIECES_MISSING))
        form = Form(record.uid_seed)
        outcome = await self._write(record.destination_leaf, copy.content, replaced)
        if isinstance(outcome, Refused) and outcome.for_its_form:
            return await self._send_repaired(place, record, copy, replaced, outcome)
        if isinstance(outcome, UidTaken):
            return await self._send_blocked(place, record, content, outcome)
        return self._ended(place, record, copy, outcome, form)

    async def _write(self, leaf: str, content: bytes, replaced: Version | None = None) -> Outcome:
        silent = self.options.invites is not Invites.ALLOW
        return await self.destination.write(self.collection, leaf, content, replaced=replaced, silent=silent)

    async def _send_repaired(
        self, place: int, record: RecordPlan, copy: Copy, replaced: Version | None, refused: Refused
    ) -> Sending:
        """The same in a form that strict servers take, where that changes nothing of what it says."""
        repaired = ics.repaired(copy.content)
        if repaired is None:
            return Sending(_result(record, Result.FAILED, refused.reason))
        how = ", ".join(repaired.done)
        sent: list[Sent] = []
        notes = [copy.note, f"sent in another form ({how}), since the server refused the stored one"]
        failures: list[str] = []
        for number, content in enumerate(repaired.contents):
            outcome = await self._write(self._leaf_of_piece(record, number, content), content, replaced)
            replaced = None
            match outcome:
                case Written(version, note):
                    sent.append(Sent.of(place, version, content, Form(record.uid_seed, number)))
                    notes.append(note)
                case Held(reason):
                    return Sending(_result(record, Result.HELD, reason), sent)
                case UidTaken() if record.in_pieces:
                    pass  # one of those that are there, at another place
                case Taken(reason) | UidTaken(reason) | Refused(reason):
                    failures.append(reason)
        if failures:
            reason = f"{refused.reason}; in another form ({how}): {'; '.join(dict.fromkeys(failures))}"
            return Sending(_result(record, Result.FAILED, reason), sent)
        return Sending(_result(record, _written_result(record), _joined(notes)), sent)

    def _leaf_of_piece(self, record: RecordPlan, number: int, content: bytes) -> str:
        if not number:
            return record.destination_leaf
        uid = ics.uid(content)
        return self.destination.leaf(f"{uid}.ics", uid)

    async def _send_blocked(self, place: int, record: RecordPlan, content: bytes, taken: UidTaken) -> Sending:
        """Another object of the account has the UID, and no listing had told."""
        if self.options.on_conflict is OnConflict.FAIL:
            raise ConflictFound(f"{record.name}: {taken.reason}")
        if self.options.on_conflict is not OnConflict.DUPLICATE or record.uid_seed:
            return Sending(_result(record, Result.SKIPPED, taken.reason), blocked_by=taken.key)
        meaning = ics.meaning_of(self.copies.of(content).content)
        form = Form(duplicate_seed(self.seed, meaning.content))
        copy = self.copies.of(content, form.uid_seed)
        uid = ics.uid(copy.content)
        outcome = await self._write(self.destination.leaf(f"{uid}.ics", uid), copy.content)
        return self._ended(place, record, copy, outcome, form)

    def _ended(self, place: int, record: RecordPlan, copy: Copy, outcome: Outcome, form: Form) -> Sending:
        match outcome:
            case Written(version, note):
                planned = record.reason if record.action is not Action.CREATE else ""
                reason = _joined([copy.note, note, planned if copy.note not in planned else ""])
                result = _result(record, _written_result(record), reason)
                reads_back = self.options.verify and self.destination.can_read_back
                return Sending(result, [Sent.of(place, version, copy.content, form)] if reads_back else [])
            case Taken(reason) | UidTaken(reason):
                return Sending(_result(record, Result.SKIPPED, reason))
            case Held(reason):
                return Sending(_result(record, Result.HELD, reason))
            case Refused(reason):
                return Sending(_result(record, Result.FAILED, reason))


def _written_result(record: RecordPlan) -> Result:
    return Result.REPLACED if record.action is Action.REPLACE else Result.CREATED


def _result(record: RecordPlan, result: Result, reason: str) -> RecordResult:
    return RecordResult(record.name, result, reason, title=record.title)


def _joined(notes: Sequence[str]) -> str:
    return "; ".join(dict.fromkeys(note for note in notes if note))
