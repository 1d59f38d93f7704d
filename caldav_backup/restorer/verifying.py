"""Reading back what was written, and comparing it by meaning with what was sent.

An ETag in the answer to a PUT does not mean that the bytes were kept (Radicale 3.9, Xandikos 0.4 and SOGo 5.8 rewrite
and give one), so everything is fetched again, in batches. Of what was sent only digests are kept; where they say that
something else is there, the copy is made once more from the snapshot, and the two are compared.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple, Self

from caldav_backup import ics
from caldav_backup.connectors.base import Collection, CollectionUnreadable, Gone, Record, Resource, Version
from caldav_backup.connectors.destination import Destination
from caldav_backup.ics.lines import with_plain_line_ends
from caldav_backup.progress import LookedAt, Progress, silent
from caldav_backup.restorer.contents import Stored, iter_records
from caldav_backup.restorer.copies import Copies, Form
from caldav_backup.restorer.existing import fetch_all
from caldav_backup.restorer.report import ReadBack, RecordResult, Result
from caldav_backup.restorer.selection import StoredCalendar

if TYPE_CHECKING:
    from caldav_backup.kloset.snapshot import Snapshot

NOT_THERE = "was taken, and is not there when it is read back"
NOT_READABLE = "could not be read back: "
NOT_COMPARABLE = "it came back in other bytes, and the store does not give the stored ones a second time"

#: Records that are compared in one go.
_BATCH = 100
#: Bytes above which a record is told to be large, so that it is no part of a batch when it is fetched.
_LARGE = 1024 * 1024
#: Characters that XML 1.0 §2.2 forbids, in UTF-8.
_NOT_IN_XML = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")
_DIGEST_SIZE = 16

#: A record that was sent in several pieces is as its worst piece.
_WORST_LAST = (ReadBack.SAME, ReadBack.REWRITTEN, ReadBack.NOT_READ, ReadBack.CHANGED, ReadBack.MISSING)


class Sent(NamedTuple):
    """An object that was written: of which record (its place in the calendar), where it is now, and what it was.

    `digest` is of the bytes, line ends apart; `form` tells how they were made of the stored ones.
    """

    place: int
    version: Version
    digest: bytes
    form: Form = Form()

    @classmethod
    def of(cls, place: int, version: Version, content: bytes, form: Form) -> Self:
        """What has to be remembered of `content`, which was written and then had that `version`."""
        # A server's length of what it rewrote is another one, so that small ones are better left unknown. But SOGo 5.8
        # leaves out of a multiget what XML cannot hold, and only a length makes that be fetched by itself.
        length = len(content) if len(content) > _LARGE or _NOT_IN_XML.search(content) else -1
        return cls(place, version._replace(length=length), digest_of(content), form)


def digest_of(content: bytes) -> bytes:
    """The same for the same bytes, whatever their line ends."""
    return blake2b(with_plain_line_ends(content), digest_size=_DIGEST_SIZE).digest()


def described(comparison: ics.Comparison) -> tuple[str, ...]:
    """What differs in meaning, in words: `lost VEVENT GEO`, `added VEVENT DURATION`, `changed VEVENT RRULE`."""
    parts = (("lost", comparison.lost), ("changed", comparison.changed), ("added", comparison.added))
    return tuple(f"{word} {path}" for word, paths in parts for path in paths)


@dataclass(frozen=True, slots=True)
class Verifier:
    """Compares what was sent of one calendar's records with what `destination` has of them."""

    snapshot: Snapshot
    destination: Destination
    stored: StoredCalendar
    copies: Copies
    progress: Progress = silent

    async def verify(self, collection: Collection, sent: Sequence[Sent], results: list[RecordResult]) -> None:
        """Amend the results of `sent` by what is found."""
        in_order = sorted(sent, key=lambda one: one.place)
        again = _Again(self.snapshot, self.stored, frozenset(results[one.place].name for one in sent))
        waiting: list[tuple[Sent, Record]] = []
        arrived = 0
        reason = ""
        self._tell(0, len(in_order))
        try:
            async with aclosing(fetch_all(self.destination, collection, [one.version for one in in_order])) as records:
                async for record in records:
                    waiting.append((in_order[arrived], record))
                    arrived += 1
                    if len(waiting) == _BATCH:
                        await asyncio.to_thread(self._amend, waiting, again, results)
                        waiting = []
                        self._tell(arrived, len(in_order))
        except CollectionUnreadable as error:
            reason = str(error)
        await asyncio.to_thread(self._amend, waiting, again, results)
        for one in in_order[arrived:]:
            results[one.place] = _unread(results[one.place], reason)
        self._tell(len(in_order), len(in_order))

    def _tell(self, done: int, total: int) -> None:
        if total:
            self.progress(LookedAt(f"events of {self.stored.displayname} read back", done, total))

    def _amend(self, fetched: Sequence[tuple[Sent, Record]], again: _Again, results: list[RecordResult]) -> None:
        for sent, record in fetched:
            results[sent.place] = self._amended(results[sent.place], sent, record, again)

    def _amended(self, result: RecordResult, sent: Sent, record: Record, again: _Again) -> RecordResult:
        if isinstance(record, Gone):
            return result._replace(result=Result.FAILED, read_back=ReadBack.MISSING, reason=NOT_THERE)
        if not isinstance(record, Resource):
            return _unread(result, record.reason)
        if digest_of(record.content) == sent.digest:
            return _with_finding(result, ReadBack.SAME)
        stored = again.read(result.name)
        if stored is None:
            return _unread(result, NOT_COMPARABLE)
        compared = ics.compare(self.copies.in_form(stored, sent.form), record.content)
        return _with_finding(result, *_finding(compared))


class _Again:
    """Reads stored records once more, in the directory's order and in batches; none unless one is asked for."""

    def __init__(self, snapshot: Snapshot, calendar: StoredCalendar, names: frozenset[str]) -> None:
        batches = iter_records(snapshot, calendar, names.__contains__)
        self._records: Iterator[Stored] = (record for batch in batches for record in batch)
        self._last = Stored("", None)

    def read(self, name: str) -> bytes | None:
        """The record's bytes; not of one that stands before the last one that was read."""
        while self._last.name != name:
            self._last = next(self._records, Stored(name, None))
        return self._last.content


def _finding(compared: ics.Comparison) -> tuple[ReadBack, tuple[str, ...], tuple[str, ...]]:
    match compared.verdict:
        case ics.Verdict.SAME:
            return ReadBack.SAME, (), ()
        case ics.Verdict.REWRITTEN:
            return ReadBack.REWRITTEN, (), compared.rewritten
        case ics.Verdict.CHANGED:
            return ReadBack.CHANGED, described(compared), compared.rewritten


def _with_finding(
    result: RecordResult, found: ReadBack, differs: Sequence[str] = (), rewritten: Sequence[str] = ()
) -> RecordResult:
    """Beside what was found of other pieces of the same record."""
    is_first = result.read_back is ReadBack.NOT_READ and NOT_READABLE not in result.reason
    return result._replace(
        read_back=found if is_first else max(result.read_back, found, key=_WORST_LAST.index),
        differs=_joined(result.differs, differs),
        rewritten=_joined(result.rewritten, rewritten),
    )


def _joined(one: Sequence[str], other: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*one, *other)))


def _unread(result: RecordResult, reason: str) -> RecordResult:
    read_back = max(result.read_back, ReadBack.NOT_READ, key=_WORST_LAST.index)
    note = f"{result.reason}; " if result.reason else ""
    return result._replace(read_back=read_back, reason=f"{note}{NOT_READABLE}{reason}")
