"""Meetings of two people at a real server, and what anybody gets to know of them: outgoing mail, the other's home."""

from __future__ import annotations

import time
from email import message_from_binary_file
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

from caldav_backup.cli.invented_events import Event
from caldav_backup.ics import unfold
from tests.servers.server import Server

OUTSIDE = "guest@example.com"
_WITHIN = 20.0  # seconds
_DELIVERED_TO = {"cyrus": "Default", "davical": "home", "sogo": "personal"}
_OWN = "own"
_DEEP = 3
_TYPES = b'<propfind xmlns="DAV:"><prop><resourcetype/><getetag/></prop></propfind>'


class Part(NamedTuple):
    """What the account is in a meeting, and whether the other person has an account at the server too."""

    is_organizer: bool
    is_inside: bool

    def __str__(self) -> str:
        return f"{'organizer' if self.is_organizer else 'guest'} {'inside' if self.is_inside else 'outside'}"


PARTS = [Part(is_organizer, is_inside) for is_organizer in (True, False) for is_inside in (False, True)]


def meeting(server: Server, part: Part, uid: str, *, hour: int = 10, other: str = "") -> Event:
    """A meeting in the future (Cyrus 3.6 sends nothing for the past) to which the account has said yes, if a guest.

    `other` is the address of somebody else than the other person to meet.
    """
    me = f"{server.user}@example.org"
    other = other or (f"{server.other_user}@example.org" if part.is_inside else OUTSIDE)
    organizer, attendee, answer = (me, other, "NEEDS-ACTION") if part.is_organizer else (other, me, "ACCEPTED")
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//caldav-backup//tests//EN",
        "BEGIN:VEVENT",
        f"UID:{uid}",
        "DTSTAMP:20260101T000000Z",
        f"DTSTART:20350106T{hour}0000Z",
        f"DTEND:20350106T{hour}3000Z",
        f"SUMMARY:Meeting {uid} at {hour}",
        f"ORGANIZER:mailto:{organizer}",
        f"ATTENDEE;PARTSTAT=ACCEPTED:mailto:{organizer}",
        f"ATTENDEE;PARTSTAT={answer};RSVP=TRUE:mailto:{attendee}",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]
    return Event(f"{uid}.ics", uid, "\r\n".join(lines).encode())


def as_other(server: Server) -> Server:
    """The same server, seen by the other person."""
    home = server.home.replace(f"/{server.user}/", f"/{server.other_user}/")
    return server._replace(user=server.other_user, other_user=server.user, home=home)


def prepare(server: Server) -> None:
    """Give the other person the calendar that invitations are delivered to."""
    calendar = _DELIVERED_TO.get(server.name, _OWN)
    if calendar not in server.built_in:
        as_other(server).client.make_calendar(calendar)


def put_original(server: Server, part: Part, uid: str) -> None:
    """The organizer's own copy of a meeting, when the other person is that, without sending it to the account."""
    if part.is_inside and not part.is_organizer:
        one = meeting(server, part, uid)
        theirs = one.content.replace(b"ATTENDEE;", b"ATTENDEE;SCHEDULE-AGENT=CLIENT;")
        as_other(server).client.put(_DELIVERED_TO.get(server.name, _OWN), one._replace(content=theirs))


def _invited_to(mail: Path) -> str:
    """What the calendar in a mail says: its METHOD and UIDs."""
    with mail.open("rb") as file:
        parts = [part for part in message_from_binary_file(file).walk() if part.get_content_type() == "text/calendar"]
    lines = [line for part in parts for line in unfold(bytes(part.get_payload(decode=True)))]
    return " ".join(line.decode() for line in lines if line.startswith((b"METHOD:", b"UID:")))


class Witness:
    """Sees mails that went out, and everything that is in the other person's home, the inbox and all calendars."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._other = as_other(server)
        self._mails = self._sent()
        self._home = self._everything()

    def news(self) -> list[str]:
        """What has happened since the beginning: mails, and objects that came, changed or went."""
        home = self._everything()
        changed = [href for href in home.keys() | self._home.keys() if home.get(href) != self._home.get(href)]
        return sorted(self._sent() - self._mails) + sorted(changed)

    def wait(self) -> list[str]:
        """The same, once there is anything; empty when nothing comes within a bounded time."""
        deadline = time.monotonic() + _WITHIN
        while not (found := self.news()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return found

    def _sent(self) -> set[str]:
        directory = self._server.mail_directory
        return {f"{mail.name}: {_invited_to(mail)}" for mail in directory.iterdir()} if directory else set()

    def _everything(self) -> dict[str, str]:
        found: dict[str, str] = {}
        if self._server.other_user:
            self._look(self._other.home, found, _DEEP)
        return found

    def _look(self, href: str, found: dict[str, str], deep: int) -> None:
        headers = {"Depth": "1", "Content-Type": "application/xml"}
        for response in ET.fromstring(self._other.expect("PROPFIND", href, _TYPES, headers).body).iter(
            "{DAV:}response"
        ):
            member = response.findtext("{DAV:}href", "").strip()
            if response.find(".//{DAV:}collection") is None:
                found[member] = response.findtext(".//{DAV:}getetag", "")
            elif member not in found and deep and not self._other.home.endswith(member):
                found[member] = ""
                self._look(member, found, deep - 1)
