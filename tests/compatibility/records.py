"""One record of the corpus: its name, what kind of thing it is to a person, and its bytes."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple
from urllib.parse import quote

from caldav_backup import ics


class Kind(Enum):
    """What a person would call it, in the plural; in the order in which a page tells of them."""

    EVENT = "events"
    SERIES = "series of events"
    MEETING = "meetings"
    ALARM = "alarms"
    ATTACHMENT = "attachments"
    ZONE = "time zones"
    TASK = "tasks"
    JOURNAL = "journal entries"
    PACKAGED = "the icalendar package's calendars"
    ODD = "odd objects"


class Record(NamedTuple):
    """An object as it is written to the first server; `name` is the last segment of its address, not yet quoted."""

    name: str
    kind: Kind
    content: bytes

    @property
    def segment(self) -> str:
        """`name` as an address has it."""
        return quote(self.name, safe="@&")

    @property
    def component(self) -> str:
        """The first kind of component; VEVENT when there is none."""
        return next(iter(ics.component_kinds(self.content)), "VEVENT")


def named(kind: Kind, name: str, content: bytes) -> Record:
    """A record at `<name>.ics`."""
    return Record(f"{name}.ics", kind, content)


def lines_of(component: str, uid: str, *lines: str) -> list[str]:
    """One component with a time stamp."""
    return [f"BEGIN:{component}", f"UID:{uid}", "DTSTAMP:20260101T000000Z", *lines, f"END:{component}"]
