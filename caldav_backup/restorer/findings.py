"""What a comparison of a snapshot with a server has found, record by record. Frozen values for people and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from caldav_backup.restorer.selection import StoredCalendar


class Standing(Enum):
    """How a record of the snapshot and what the server has of it stand to each other."""

    SAME = "same"
    REWRITTEN = "rewritten"
    CHANGED = "changed"
    MISSING = "missing"
    EXTRA = "extra"
    UNREADABLE = "unreadable"


#: Standings of records that mean what the snapshot says; they are only counted.
AS_STORED = frozenset({Standing.SAME, Standing.REWRITTEN})

#: Standings in which something else is there than the snapshot has.
DIFFERENT = frozenset({Standing.CHANGED, Standing.MISSING, Standing.EXTRA})


class Face(NamedTuple):
    """What a record is known by: its name in the snapshot, or at the server where only that has it.

    `start` is the raw value (`20260501T090000Z`), told in the zone `timezone`; None where there is none.
    """

    name: str
    uid: str = ""
    title: str = ""
    start: str | None = None
    timezone: str | None = None


class Finding(NamedTuple):
    """One record that is neither the same nor merely rewritten.

    `differs` names what was lost, changed and added at the server (`lost VEVENT GEO`); `newer_there`: the server's
    version of a changed record is the newer one, None where that cannot be told. `reason` says what else is known.
    """

    face: Face
    standing: Standing
    differs: Sequence[str] = ()
    newer_there: bool | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CalendarFindings:
    """One calendar of the snapshot, and the calendar `target` of the server (`key`, "" when there is none).

    `rewriting` are kinds of harmless rewriting that were seen (`order`, `DTSTAMP`). `reason` says why it could not be
    compared as a whole.
    """

    stored: StoredCalendar
    target: str
    key: str
    counts: Mapping[Standing, int] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    rewriting: Sequence[str] = ()
    reason: str = ""


class OnlyThere(NamedTuple):
    """A calendar that the server has and the snapshot has not."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Findings:
    """The whole comparison. `only_there` is empty unless all calendars of the account were compared.

    `unreadable` are places of the server that could not be looked into, with reasons.
    """

    snapshot: bytes
    source: str
    calendars: Sequence[CalendarFindings]
    only_there: Sequence[OnlyThere] = ()
    unreadable: Sequence[str] = ()

    def counts(self) -> Mapping[Standing, int]:
        """How many records stand how."""
        return {each: sum(calendar.counts.get(each, 0) for calendar in self.calendars) for each in Standing}

    @property
    def is_different(self) -> bool:
        """True when the server has not exactly what the snapshot has."""
        is_lacking = any(not calendar.key for calendar in self.calendars)
        return bool(self.only_there) or is_lacking or any(self.counts()[each] for each in DIFFERENT)

    @property
    def is_partial(self) -> bool:
        """True when something could not be compared."""
        unread = any(calendar.key and calendar.reason for calendar in self.calendars)
        return bool(self.unreadable) or unread or self.counts()[Standing.UNREADABLE] > 0
