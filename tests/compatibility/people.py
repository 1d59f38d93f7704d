"""Meetings of people who exist at the servers that are restored to, so that a mail or an invitation would reach them.

Owns who meets whom. That such meetings do mail guests when nothing keeps a server from it is shown by the tests of
invitations; here a mailbox that stays empty is all that is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tests.compatibility.records import Kind, Record, lines_of, named
from tests.ics.corpus import calendar
from tests.servers.server import Server

OUTSIDE = "guest@elsewhere.example.com"
#: The domain of all accounts at the servers of the tests.
DOMAIN = "example.org"


class Person(NamedTuple):
    """Somebody whose account is restored to, and another user of the same server; mail addresses."""

    address: str
    other: str


#: They have no account anywhere, so that there are meetings also where the server has no users.
NOBODY = Person(f"nobody@{DOMAIN}", f"nobody.else@{DOMAIN}")


def people_of(servers: Sequence[Server]) -> list[Person]:
    """The people of these accounts, each once, and one who is nowhere."""
    found = [NOBODY, *(Person(f"{one.user}@{DOMAIN}", f"{one.other_user}@{DOMAIN}") for one in servers if one.user)]
    return list(dict.fromkeys(found))


def meetings(people: Sequence[Person]) -> list[Record]:
    """For each person a meeting called by them, one that they are asked to, and a series of which one is different."""
    return [record for person in people for record in _meetings_of(person)]


def _meetings_of(person: Person) -> list[Record]:
    name = person.address.partition("@")[0]
    ours, theirs = f"ORGANIZER;CN=Me:mailto:{person.address}", f"ORGANIZER;CN=You:mailto:{person.other}"
    times = ["DTSTART:20350504T100000Z", "DTEND:20350504T110000Z", "SUMMARY:Meeting"]
    guests = [_guest(person.address, "ACCEPTED"), _guest(person.other), _guest(OUTSIDE)]
    room = "ATTENDEE;CUTYPE=ROOM;PARTSTAT=ACCEPTED;CN=Room 1:mailto:room1@elsewhere.example.com"
    moved = ["RECURRENCE-ID:20350511T100000Z", "DTSTART:20350511T120000Z", "DTEND:20350511T130000Z", "SUMMARY:Moved"]
    called = lines_of("VEVENT", f"called-by-{name}", *times, ours, *guests, room)
    asked = lines_of("VEVENT", f"asked-{name}", *times, theirs, *guests)
    outside = lines_of("VEVENT", f"asked-{name}-from-outside", *times, f"ORGANIZER:mailto:{OUTSIDE}", *guests)
    series = lines_of("VEVENT", f"series-of-{name}", *times, "RRULE:FREQ=WEEKLY;COUNT=5", ours, *guests[:2])
    different = lines_of("VEVENT", f"series-of-{name}", *moved, ours, *guests)
    return [
        named(Kind.MEETING, f"called-by-{name}", calendar(*called)),
        named(Kind.MEETING, f"asked-{name}", calendar(*asked)),
        named(Kind.MEETING, f"asked-{name}-from-outside", calendar(*outside)),
        named(Kind.MEETING, f"series-of-{name}", calendar(*series, *different)),
    ]


def _guest(address: str, partstat: str = "NEEDS-ACTION") -> str:
    return (
        f"ATTENDEE;CN={address.partition('@')[0]};ROLE=REQ-PARTICIPANT;PARTSTAT={partstat};RSVP=TRUE:mailto:{address}"
    )
