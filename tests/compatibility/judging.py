"""What became of each record of a restore, found by plain GETs and held against what the report says of it.

Owns the verdict, which trusts the report in one thing only: into which calendar a calendar went. A record is equal in
meaning, or the report names what changed, or it says why the record is not there; everything else is a problem.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from itertools import chain
from typing import NamedTuple

from caldav_backup import ics
from caldav_backup.restorer import CalendarReport, RecordResult, Result
from tests.compatibility.joining import joined


class Fate(Enum):
    """What became of a record, in the order in which a table counts them."""

    EQUAL = "equal in meaning"
    CHANGED = "changed, and reported"
    REFUSED = "refused, with a reason"
    HELD = "held back because of guests"
    LEFT = "left aside: its UID is in another record"
    UNREAD = "not in the backup, which says so"


class Judged(NamedTuple):
    """One record: its path, what became of it, and what the report says of it: paths of differences, and the reason.

    `problem` is "" where what became of it and what is said of it agree.
    """

    path: str
    fate: Fate
    differs: Sequence[str] = ()
    reason: str = ""
    problem: str = ""


#: Properties that what was done to a copy tells of by another word than their name.
_IN_WORDS = {"DURATION": "written out"}
_HAS_ITS_UID = "has its UID"
_UID_ADDED = "UID added"
_UID = re.compile(rb"^UID[:;].*\r?\n(?:[ \t].*\r?\n)*", re.MULTILINE | re.IGNORECASE)
#: Results of records that are there, and what else a report can say of one.
_THERE = (Result.CREATED, Result.IDENTICAL, Result.REPLACED)
_ABSENT = {Result.FAILED: Fate.REFUSED, Result.HELD: Fate.HELD, Result.SKIPPED: Fate.LEFT}


def judge(truth: Mapping[str, bytes], report: CalendarReport, there: Mapping[str, bytes]) -> Iterator[Judged]:
    """Every record of `truth`, a calendar as the first server had it, in the calendar that `report` is about.

    `there` is what the second server has of it. An object there that nobody sent is a problem too.
    """
    said = {one.name: one for one in report.records}
    places = _Places(there)
    for name, content in truth.items():
        path = f"{report.stored.name}/{name}"
        if name in said:
            yield _judge_record(path, content, said[name], places.of(name, content))
        else:
            yield Judged(path, Fate.REFUSED, problem=f"{path}: the report does not mention it")
    for name in places.unclaimed():
        yield Judged(f"{report.stored.name}/{name}", Fate.CHANGED, problem=f"{name}: nobody sent it")


class _Places:
    """Which objects were made of which record: by UID, its own or one that it was given; else by name."""

    def __init__(self, there: Mapping[str, bytes]) -> None:
        self._there = there
        self._by_uid: dict[str, list[str]] = {}
        for name, content in there.items():
            for uid in ics.uids(content) or [""]:
                self._by_uid.setdefault(uid, []).append(name)
        self._claimed: set[str] = set()

    def of(self, name: str, content: bytes) -> list[bytes]:
        """What may be the record: single objects, and all that have one of its UIDs together."""
        names = list(dict.fromkeys(chain.from_iterable(self._by_uid.get(uid, ()) for uid in _uids(content))))
        if not names:
            nameless = self._by_uid.get("", ())
            alike = (each for each in nameless if _distance(content, self._there[each]) == 0)
            names = [name] if name in nameless else list(alike)[:1]
        self._claimed.update(names)
        found = [self._there[name] for name in names]
        return [*found, joined(found)] if len(found) > 1 else found

    def unclaimed(self) -> list[str]:
        """Objects that are nobody's."""
        return [name for name in self._there if name not in self._claimed]


def _uids(content: bytes) -> Sequence[str]:
    repaired = ics.repaired(content)
    given = chain.from_iterable(ics.uids(one) for one in repaired.contents) if repaired else ()
    return [*ics.uids(content), *given]


def _paths(comparison: ics.Comparison) -> Sequence[str]:
    return (*comparison.lost, *comparison.added, *comparison.changed)


def _distance(sent: bytes, there: bytes) -> int:
    comparison = ics.compare(sent, there)
    return 0 if comparison.verdict is not ics.Verdict.CHANGED else max(1, len(_paths(comparison)))


def _judge_record(path: str, content: bytes, said: RecordResult, found: Sequence[bytes]) -> Judged:
    def judged(fate: Fate, problem: str = "") -> Judged:
        return Judged(path, fate, said.differs, said.reason, f"{path}: {problem}" if problem else "")

    if _UID_ADDED in said.reason:
        # With a UID more, no component is the one that it was: the rest is compared, since that was said.
        content, found = _UID.sub(b"", content), [_UID.sub(b"", there) for there in found]
    nearest = min(found, key=lambda there: _distance(content, there), default=None)
    if said.result in _ABSENT:
        return judged(_ABSENT[said.result], _problem_of_absent(content, said, nearest))
    assert said.result in _THERE
    if nearest is None:
        return judged(Fate.REFUSED, f"{said.result.value}, but it is not there")
    comparison = ics.compare(content, nearest)
    if comparison.verdict is not ics.Verdict.CHANGED:
        return judged(
            Fate.EQUAL, f"said to differ in {', '.join(said.differs)}, which it does not" * bool(said.differs)
        )
    unsaid = [one for one in _paths(comparison) if not _is_said(one, said)]
    words = "; ".join((*said.differs, said.reason)).strip("; ") or "nothing"
    return judged(Fate.CHANGED, f"{', '.join(unsaid)} changed without a word (said: {words})" if unsaid else "")


def _problem_of_absent(content: bytes, said: RecordResult, nearest: bytes | None) -> str:
    if not said.reason:
        return f"{said.result.value} without a reason"
    is_twin = _HAS_ITS_UID in said.reason  # of two objects that say the same, without a UID, one can be there
    if said.result is Result.FAILED and nearest is not None and not is_twin and _distance(content, nearest) == 0:
        return f"said to have failed ({said.reason}), but it is there"
    if said.result is Result.HELD and nearest is not None:
        return "said to be held back, but it is there"
    return ""


def _is_said(path: str, said: RecordResult) -> bool:
    """Whether the report names a difference: by its path, or in what was done to the copy that was sent."""
    name = path.rpartition(" ")[2]
    return any(path in one for one in said.differs) or _IN_WORDS.get(name, name) in said.reason
