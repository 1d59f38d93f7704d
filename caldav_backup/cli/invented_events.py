"""Calendar objects of nobody in particular, of a usual size (about 550 bytes), the same for the same number.

Owns: the text of invented events, for `demo` and for tests. Nothing here is read from anywhere.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

CRLF = "\r\n"
_NAMESPACE = uuid.UUID("5f1c6c4e-52a5-4d0e-9b1b-6d1d6a0c7f3e")
_FIRST = datetime(2025, 1, 6, 8, tzinfo=UTC)
_OCCASIONS = (
    ("Dentist", "Harbour Street 12", "Bring the insurance card. The second check-up is due half a year later."),
    ("Team meeting", "Room Ada, second floor", "Agenda: open questions, plan of the week, who is away and when."),
    ("Swimming with Nadia", "Municipal baths", "Leave at a quarter to; the goggles are in the blue bag by the door."),
    ("Parents' evening", "School, room 4b", "Ask about the trip in June, about maths, and about the broken bicycle."),
    ("Choir practice", "Saint Anne's", "The new piece from page 34; the altos meet a quarter of an hour earlier."),
    ("Call with Łukasz", "by phone", "Numbers of the last quarter; he sends the sheet the evening before that."),
    ("Car inspection", "Garage Weber & Söhne", "Registration document, winter tyres in the boot, wait about an hour."),
)


class Event(NamedTuple):
    """One calendar object resource: a file name, its UID, and its bytes with CRLF line ends."""

    name: str
    uid: str
    content: bytes


def invented_event(number: int, *, summary: str | None = None, sequence: int = 0) -> Event:
    """The VEVENT with this number; another summary or sequence number is a later version of the same one."""
    occasion, place, notes = _OCCASIONS[number % len(_OCCASIONS)]
    begin = start_of(number)
    lines = [
        f"DTSTART:{utc(begin)}",
        f"DTEND:{utc(begin + timedelta(minutes=45))}",
        f"SUMMARY:{summary or f'{occasion} ({number})'}",
        f"LOCATION:{escape(place)}",
        f"DESCRIPTION:{escape(notes)}",
        f"SEQUENCE:{sequence}",
        "STATUS:CONFIRMED",
        "CATEGORIES:PERSONAL,DEMO",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        "DESCRIPTION:Reminder",
        "TRIGGER:-PT15M",
        "END:VALARM",
    ]
    return calendar_object("VEVENT", number, lines, changes=sequence)


def calendar_object(component: str, number: int, lines: list[str], *, changes: int = 0) -> Event:
    """One component with `lines` of its own, after the properties that every component has."""
    uid = str(uuid.uuid5(_NAMESPACE, f"{component} {number}"))
    created = start_of(number) - timedelta(days=20)
    modified = created + timedelta(hours=changes)
    head = [f"UID:{uid}", f"DTSTAMP:{utc(modified)}", f"CREATED:{utc(created)}", f"LAST-MODIFIED:{utc(modified)}"]
    body = [f"BEGIN:{component}", *head, *lines, f"END:{component}"]
    return Event(f"{uid}.ics", uid, wrap(body))


def wrap(body: list[str]) -> bytes:
    """The lines of components as one calendar, long lines folded (RFC 5545 §3.1)."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//caldav-backup//invented events//EN", *body, "END:VCALENDAR"]
    return "".join(fold(line) + CRLF for line in lines).encode()


def start_of(number: int) -> datetime:
    """Ten on each working day, half an hour apart, from a Monday on."""
    day, slot = divmod(number, 10)
    week, weekday = divmod(day, 5)
    return _FIRST + timedelta(weeks=week, days=weekday, minutes=30 * slot)


def utc(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%SZ}"


def escape(text: str) -> str:
    """TEXT of RFC 5545 §3.3.11."""
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def fold(line: str) -> str:
    """At most 75 octets a line, never inside a character."""
    folded, length = [], 0
    for character in line:
        size = len(character.encode())
        if length + size > 75:
            folded.append(CRLF + " ")
            length = 1
        folded.append(character)
        length += size
    return "".join(folded)
