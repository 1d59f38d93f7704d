"""Records of a snapshot and of a server side by side: which belong together, and how they stand to each other.

Small enough for 100,000 records: of each only digests are kept. Records belong together by UID, else by name; of
several with one UID those that say the same. A record that a restore had to send in pieces, or with a UID that it had
not, is known by its pieces, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from caldav_backup import ics
from caldav_backup.connectors import naming
from caldav_backup.connectors.base import Failed, Record, Resource
from caldav_backup.restorer.contents import Stored
from caldav_backup.restorer.existing import same_uid
from caldav_backup.restorer.findings import Face, Finding, Standing
from caldav_backup.restorer.verifying import described, digest_of

NOT_BACKED_UP = "could not be read when the snapshot was made"

#: Rewritten records of a calendar that are looked at for what was rewritten.
_SAMPLE = 100
_MATCHED = (Standing.SAME, Standing.REWRITTEN)


@dataclass(slots=True)
class _Known:
    """A record of the snapshot, or a piece of the record `whole`; `standing` is None until it is found."""

    calendar: int
    name: str
    meaning: ics.Meaning
    digest: bytes
    whole: _Known | None = None
    pieces: tuple[_Known, ...] = ()
    standing: Standing | None = None
    finding: Finding | None = None
    there: Face | None = None

    @property
    def final(self) -> Standing:
        """How it stands once the server has shown everything."""
        if self.standing in _MATCHED or not self.pieces:
            return self.standing or Standing.MISSING
        found = [piece.standing for piece in self.pieces if piece.standing is not None]
        if len(found) == len(self.pieces) and all(each in _MATCHED for each in found):
            return Standing.REWRITTEN
        return Standing.CHANGED if found else self.standing or Standing.MISSING


@dataclass(slots=True)
class Pairing:
    """Calendars that belong to one calendar of the server; `read` gives a stored record of one of them again."""

    read: Callable[[int, str], bytes | None]
    known: list[_Known] = field(default_factory=list)
    extras: list[Finding] = field(default_factory=list)
    unreadable: dict[int, list[Finding]] = field(default_factory=dict)
    rewriting: dict[int, Counter[str]] = field(default_factory=dict)
    _by_key: dict[str, tuple[_Known, ...]] = field(default_factory=dict)
    #: Folded names of records that cannot be read here, and of those that cannot be read there, with reasons.
    _unread_here: dict[str, str] = field(default_factory=dict)
    _unread_there: dict[str, tuple[str, str]] = field(default_factory=dict)

    def add(self, calendar: int, record: Stored) -> None:
        """A record of the snapshot."""
        if record.content is None:
            self._unread_here[naming.fold(record.name)] = ""
            finding = Finding(Face(record.name), Standing.UNREADABLE, reason=record.reason)
            self.unreadable.setdefault(calendar, []).append(finding)
            return
        content = record.content
        one = _Known(calendar, record.name, ics.meaning_of(content), digest_of(content))
        uids = ics.uids(content)
        self.known.append(one)
        self._put(uids, one)
        if len(uids) != 1 and (repaired := ics.repaired(content)) is not None:
            pieces = [(ics.uids(piece), piece) for piece in repaired.contents]
            one.pieces = tuple(
                _Known(calendar, record.name, ics.meaning_of(piece), digest_of(piece), whole=one) for _, piece in pieces
            )
            for (keys, _), piece in zip(pieces, one.pieces, strict=True):
                self._put(keys, piece)

    def add_unread(self, name: str) -> None:
        """A record that the snapshot lacks since it could not be read."""
        self._unread_here[naming.fold(name)] = NOT_BACKED_UP

    def meet(self, records: Sequence[Record]) -> None:
        """Records of the server."""
        for record in records:
            if isinstance(record, Resource):
                self._meet(record)
            elif isinstance(record, Failed):
                self._unread_there[naming.fold(record.version.leaf)] = record.version.leaf, record.reason

    @property
    def is_settled(self) -> bool:
        """True when something was found for everything that the snapshot has."""
        return bool(self.known) and all(one.standing is not None or one.final in _MATCHED for one in self.known)

    def found(self, calendar: int) -> Iterator[tuple[str, Finding | Standing]]:
        """Names of all records of one calendar of the snapshot that could be read, and how they stand in the end.

        Of those that are not as they should be a finding, but for missing ones, of which nothing is remembered.
        """
        for one in self.known:
            if one.calendar == calendar:
                yield one.name, self._end(one)

    def _end(self, one: _Known) -> Finding | Standing:
        final = one.final
        if final is Standing.CHANGED:
            lost = tuple(f"lost one of {len(one.pieces)} parts" for piece in one.pieces if piece.standing is None)
            return one.finding or Finding(Face(one.name), final, lost)
        unread = self._unread_there.get(naming.fold(one.name)) if final is Standing.MISSING else None
        if unread is not None:
            return Finding(Face(one.name), Standing.UNREADABLE, reason=unread[1])
        return final

    def finish(self) -> None:
        """The server has shown everything: what nobody claims of it is extra, or unreadable."""
        names = {naming.fold(one.name) for one in self.known if one.final is Standing.MISSING}
        for folded, (leaf, reason) in self._unread_there.items():
            if folded not in names:
                self.extras.append(Finding(Face(leaf), Standing.UNREADABLE, reason=reason))

    def _meet(self, record: Resource) -> None:
        leaf, content = record.version.leaf, record.content
        uids = ics.uids(content)
        digest = digest_of(content)
        found = [one for key in (*map(same_uid, uids), f"\0{naming.fold(leaf)}") for one in self._by_key.get(key, ())]
        open_to = [one for one in found if one.standing not in _MATCHED]
        exact = next((one for one in open_to if one.digest == digest), None)
        if exact is None and open_to:
            meaning = ics.meaning_of(content)
            exact = next((one for one in open_to if one.meaning.matches(meaning)), None)
        if exact is not None:
            self._match(exact, content, Standing.SAME if exact.digest == digest else Standing.REWRITTEN)
            return
        free = [one for one in open_to if one.standing is None and _is_free(one)]
        if free:
            # A piece before the whole, and the same name before another one.
            one = min(free, key=lambda each: (each.whole is None, naming.fold(each.name) != naming.fold(leaf)))
            self._differ(one, leaf, content)
        elif self._unread_here.get(naming.fold(leaf)) != "":
            reason = self._unread_here.get(naming.fold(leaf), "")
            self.extras.append(Finding(face_of(leaf, content), Standing.EXTRA, reason=reason))

    def _match(self, one: _Known, content: bytes, standing: Standing) -> None:
        if one.there is not None:
            self.extras.append(Finding(one.there, Standing.EXTRA))
            (one.whole or one).finding = None
        one.standing, one.there = standing, None
        kinds = self.rewriting.setdefault(one.calendar, Counter())
        if standing is Standing.REWRITTEN and kinds.total() < _SAMPLE and one.whole is None:
            stored = self.read(one.calendar, one.name)
            kinds.update(() if stored is None else ics.compare(stored, content).rewritten)

    def _differ(self, one: _Known, leaf: str, content: bytes) -> None:
        stored = self.read(one.calendar, one.name)
        one.standing, one.there = Standing.CHANGED, face_of(leaf, content)
        face = face_of(one.name, stored if stored is not None else content)
        compared = described(ics.compare(stored, content)) if stored is not None else ()
        newer = None if stored is None else ics.is_newer(stored, content)
        finding = Finding(face, Standing.CHANGED, compared, None if newer is None else not newer)
        (one.whole or one).finding = finding

    def _put(self, uids: Sequence[str], one: _Known) -> None:
        for key in [same_uid(uid) for uid in uids] or [f"\0{naming.fold(one.name)}"]:
            self._by_key[key] = (*self._by_key.get(key, ()), one)


def face_of(name: str, content: bytes) -> Face:
    """What people know the object by."""
    looked = ics.glance(content)
    return Face(name, looked.uid or "", looked.summary or "", looked.dtstart, looked.timezone)


def _is_free(one: _Known) -> bool:
    """False for a record of which a piece is found already."""
    return all(piece.standing is None for piece in one.pieces)
