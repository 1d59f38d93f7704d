"""What is to become of one record, by what is stored, what is there, and what the user wants. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import NamedTuple

from caldav_backup import ics
from caldav_backup.connectors.base import Collection, Version
from caldav_backup.connectors.destination import Destination, Limits, Scheduling
from caldav_backup.restorer.contents import Stored
from caldav_backup.restorer.copies import Copies, Copy
from caldav_backup.restorer.existing import Existing, There, same_uid
from caldav_backup.restorer.options import OnConflict, RestoreOptions, Uids
from caldav_backup.restorer.plan import Action, RecordPlan

NOT_A_CALENDAR = "is no calendar object: it does not begin with BEGIN:VCALENDAR"
IN_SELECTION_ALREADY = "the same event is restored from another record already"
DUPLICATE_THERE = "its duplicate is there already"
ANOTHER_VERSION = "another version of it is there"
NEWER_UNKNOWN = "which of the two is newer has to be found out"
MAY_BE_VEILED = "is private, and may be less than what is there"


class Elsewhere(NamedTuple):
    """A record in a calendar of an account that takes each UID once."""

    collection: Collection
    version: Version


@dataclass(slots=True)
class Decider:
    """Decides about one calendar's records, in their order. `seed` tells its UIDs from those of other calendars.

    `reread` gives a record that was decided about once more, b"" when it cannot be read any more. `may_be_veiled`: the
    snapshot may have been taken through a share that hides what is private.
    """

    destination: Destination
    options: RestoreOptions
    existing: Existing
    limits: Limits
    reread: Callable[[str], bytes]
    seed: str
    may_be_veiled: bool = False
    #: Where the account has which UID, and the key of the calendar that the records go to ("" for a new one).
    elsewhere: Mapping[str, Elsewhere] = field(default_factory=dict)
    target: str = ""
    #: UIDs of all records that were decided about, as they are or would be at the destination.
    uids: set[str] = field(default_factory=set)
    #: Names of records without a UID.
    leaves: set[str] = field(default_factory=set)
    #: Names of records of which the store does not tell what they are.
    unread: list[str] = field(default_factory=list)

    def decide(self, record: Stored) -> RecordPlan:
        """The plan for one record; what is to be written counts as there for those that follow."""
        if record.content is None:
            self.unread.append(record.name)
            return RecordPlan(record.name, Action.CANNOT, record.reason)
        if not ics.is_calendar(record.content):
            self.leaves |= {record.name, self.destination.leaf(record.name, None)}
            return RecordPlan(record.name, Action.CANNOT, NOT_A_CALENDAR)
        looked = ics.glance(record.content)
        plan = self._decide(record.name, record.content)._replace(title=looked.summary or "")
        if plan.action is Action.IDENTICAL:
            return plan
        mails = looked.has_guests and self.destination.scheduling is not Scheduling.NONE
        guests = len(ics.guests(record.content)) if mails else 0
        return plan._replace(guests=guests, warnings=tuple(self.limits.warnings(record.content)))

    def _decide(self, name: str, content: bytes) -> RecordPlan:
        seed = self.seed if self.options.uids is Uids.NEW else ""
        copy = self._copies.of(content, seed)
        # Most records meet nothing that they have to be compared with.
        meaning = lru_cache(maxsize=1)(partial(ics.meaning_of, copy.content))
        uids = ics.uids(copy.content)
        uid = uids[0] if uids else None
        wish = f"{uid}.ics" if seed else name
        leaf = self.destination.leaf(wish, uid)
        self._note(uids, leaf)
        found = self.existing.find(uid, leaf) or (() if uid else self._found_under_given_uid(copy))
        same = next((there for there in found if there.matches(meaning())), None)
        keeps = self.options.keep_twins
        if same is not None and (same.version is not None or not keeps):
            return RecordPlan(
                name, Action.IDENTICAL, "" if same.version else IN_SELECTION_ALREADY, existing=same.version
            )
        pieces = self._pieces_there(copy) if len(uids) != 1 else ()
        if pieces and all(piece is True for piece in pieces):
            return RecordPlan(name, Action.IDENTICAL)
        if copy.held:
            return RecordPlan(name, Action.HOLD, copy.note)
        if True in pieces and False not in pieces:
            # A restore was cut off between them.
            return RecordPlan(name, Action.CREATE, copy.note, leaf, uid_seed=seed, in_pieces=True)
        plan = self._conflict(name, leaf, found, uid)
        if plan is None:
            free = self._take_leaf(wish, uid, partial(self._meaning_again, name, seed))
            return RecordPlan(name, Action.CREATE, copy.note, "" if free == name else free, uid_seed=seed)
        if self.options.on_conflict is OnConflict.DUPLICATE:
            return self._duplicate(name, content, seed, meaning().content)
        return self._weighed(plan, copy)

    def _conflict(self, name: str, leaf: str, found: Sequence[There], uid: str | None) -> RecordPlan | None:
        """What stands in the way of creating the record; None when nothing does."""
        in_the_way = [there.version for there in found if there.version is not None]
        if in_the_way:
            version = next((one for one in in_the_way if one.leaf == leaf), in_the_way[0])
            return RecordPlan(name, Action.CONFLICT, ANOTHER_VERSION, version.leaf, version)
        other = self.elsewhere.get(same_uid(uid or ""))
        if other is None or other.collection.key == self.target:
            return None
        called = other.collection.displayname or other.collection.hint
        reason = f"this account takes each UID once, and it is in the calendar {called!r} already"
        # It is written under that name where the other calendar's is going to be removed.
        free = self._free_leaf(leaf, uid)
        return RecordPlan(name, Action.CONFLICT, reason, free, other.version, elsewhere=other.collection)

    def _weighed(self, plan: RecordPlan, copy: Copy) -> RecordPlan:
        """The conflict with what the user wants done about it; `weighing` settles what needs both contents."""
        if self.options.on_conflict is OnConflict.NEWER:
            return plan._replace(reason=NEWER_UNKNOWN)
        if self.options.on_conflict is not OnConflict.REPLACE:
            return plan
        if self.may_be_veiled and is_private(copy.content):
            return plan._replace(reason=MAY_BE_VEILED)
        note = copy.note if plan.elsewhere is None else f"{plan.reason}, where it is replaced"
        return plan._replace(action=Action.REPLACE, reason=note)

    def _duplicate(self, name: str, content: bytes, seed: str, meaning: bytes) -> RecordPlan:
        seed = duplicate_seed(self.seed, meaning) + seed
        copy = self._copies.of(content, seed)
        uid, renamed = ics.uid(copy.content), ics.meaning_of(copy.content)
        wish = f"{uid}.ics"
        self._note(ics.uids(copy.content), self.destination.leaf(wish, uid))
        if any(there.matches(renamed) for there in self.existing.find(uid, wish)):
            return RecordPlan(name, Action.IDENTICAL, DUPLICATE_THERE)
        leaf = self._take_leaf(wish, uid, renamed)
        return RecordPlan(name, Action.DUPLICATE, f"{ANOTHER_VERSION}; {copy.note}", leaf, uid_seed=seed)

    def _found_under_given_uid(self, copy: Copy) -> Sequence[There]:
        """What is there of an object without a UID that once was taken with one."""
        repaired = ics.repaired(copy.content)
        if repaired is None or len(repaired.contents) != 1:
            return ()
        given = ics.uid(repaired.contents[0])
        return self.existing.find(given, self.destination.leaf(f"{given}.ics", given))

    def _pieces_there(self, copy: Copy) -> Sequence[bool | None]:
        """Of each piece of an object that had to be repaired to be taken: whether it is there, False for another
        version of it, None for nothing.
        """
        repaired = ics.repaired(copy.content)
        return [self._piece_there(piece) for piece in repaired.contents] if repaired is not None else []

    def _piece_there(self, piece: bytes) -> bool | None:
        uid, meaning = ics.uid(piece), ics.meaning_of(piece)
        leaf = self.destination.leaf(f"{uid}.ics", uid)
        self._note(ics.uids(piece), leaf)
        found = self.existing.find(uid, leaf)
        if not found:
            # SOGo 5.8 keeps nothing of some pieces but an empty object of their name.
            return False if self.existing.is_taken(leaf) else None
        return any(one.matches(meaning) for one in found)

    def _note(self, uids: Sequence[str], leaf: str) -> None:
        if uids:
            self.uids.update(uids)
        else:
            self.leaves.add(leaf)

    def _meaning_again(self, name: str, seed: str) -> ics.Meaning:
        """What was decided to be written of a record, which is read once more for it."""
        return ics.meaning_of(self._copies.of(self.reread(name), seed).content)

    def _take_leaf(self, wish: str, uid: str | None, meaning: ics.Meaning | Callable[[], ics.Meaning]) -> str:
        leaf = self._free_leaf(wish, uid)
        self.existing.add(uid, leaf, There(meaning, None))
        return leaf

    def _free_leaf(self, wish: str, uid: str | None) -> str:
        attempt = 0
        while self.existing.is_taken(leaf := self.destination.leaf(wish, uid, attempt)):
            attempt += 1
        return leaf

    @property
    def _copies(self) -> Copies:
        return Copies(self.options.invites, self.destination.scheduling)


def seed_of(target: str, path: str) -> str:
    """What new UIDs are derived from, of the calendar at `path` that goes to the one called `target`.

    A plan finds by it the copies that an earlier restore has sent.
    """
    return f"{target}\0{path}"


def duplicate_seed(seed: str, meaning: bytes) -> str:
    """What a duplicate's UID is derived from: another version of the same record becomes another duplicate."""
    return f"{seed}\0{meaning.hex()}\0"


def is_private(content: bytes) -> bool:
    """True where a server may show others less than there is (RFC 5545 §3.8.1.3)."""
    folded = content.upper()
    return b"CLASS:PRIVATE" in folded or b"CLASS:CONFIDENTIAL" in folded
