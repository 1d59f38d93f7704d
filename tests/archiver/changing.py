"""An account that is changed from outside, by plain requests, and a model of what it should hold by then."""

from __future__ import annotations

from itertools import count
from typing import NamedTuple
from urllib.parse import quote, urljoin
from xml.sax.saxutils import escape as xml

from caldav_backup.cli.invented_events import invented_event
from tests.archiver.runs import described, let_pass
from tests.events import todo
from tests.servers.server import Server

#: What can be done to one object.
KINDS = ("change", "delete", "recreate", "create")
_CALENDAR = {"Content-Type": "text/calendar; charset=utf-8"}
_XML = {"Content-Type": "application/xml; charset=utf-8"}
_RENAME = (
    '<d:propertyupdate xmlns:d="DAV:"><d:set><d:prop><d:displayname>{}</d:displayname></d:prop></d:set>'
    "</d:propertyupdate>"
)


class Text(NamedTuple):
    """What an object says: a task or an event, with its summary, and the line ends it is written with."""

    summary: str
    is_task: bool = False
    is_lf: bool = False

    def of(self, number: int) -> bytes:
        written = todo(number) if self.is_task else invented_event(number, summary=self.summary)
        return written.content.replace(b"\r\n", b"\n") if self.is_lf else written.content


class Changing:
    """The account of `server`. What the server refuses did not happen."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.numbers = count()
        #: The number of the object at each leaf of each calendar: its UID.
        self.calendars: dict[str, dict[str, int]] = {}
        #: Calendars that were deleted, until somebody takes them out.
        self.made_anew: set[str] = set()

    def empty(self) -> None:
        """Delete what an earlier example has left."""
        for path in described(self.server):
            name = path.rstrip("/").rsplit("/", 1)[-1]
            if name not in self.server.built_in:
                delete_collection(self.server, quote(path))

    def rename(self, name: str, displayname: str) -> None:
        self.server.request("PROPPATCH", f"{name}/", _RENAME.format(xml(displayname)).encode(), _XML)

    def move(self, calendar: str, before: str, target: str, leaf: str) -> bool:
        """WebDAV's MOVE to a place that is free, where the server has it."""
        headers = {"Destination": urljoin(self.server.home, _href(target, leaf)), "Overwrite": "F"}
        if leaf in self.calendars[target]:
            return False
        is_done = self.server.request("MOVE", _href(calendar, before), headers=headers).status < 300
        if is_done:
            self.calendars[target][leaf] = self.calendars[calendar].pop(before)
        return is_done

    def do(self, what: str, which: int) -> None:
        """One of the KINDS of change to one object."""
        for calendar, leaf in self.object(which):
            if what in {"delete", "recreate"}:
                self.delete(calendar, leaf)
            if what != "delete":
                self.put(calendar, "between.ics" if what == "create" else leaf, Text("now"))

    def make(self, name: str, size: int, *, first: int = 0) -> None:
        if self.server.request("MKCALENDAR", f"{name}/").status < 300:
            self.calendars[name] = {}
            for number in range(first, first + size):
                self.put(name, f"{number}.ics", Text(f"{number}"))

    def delete_calendar(self, name: str) -> None:
        delete_collection(self.server, f"{name}/")
        del self.calendars[name]
        self.made_anew.add(name)

    def put(self, calendar: str, leaf: str, text: Text, number: int | None = None) -> None:
        """Write an object, by default the one that is there already; what the server refuses did not happen."""
        if number is None:
            number = self.calendars[calendar].get(leaf)
        if number is None:
            number = next(self.numbers)
        if self.server.request("PUT", _href(calendar, leaf), text.of(number), _CALENDAR).status < 300:
            self.calendars[calendar][leaf] = number

    def delete(self, calendar: str, leaf: str) -> None:
        if self.server.request("DELETE", _href(calendar, leaf)).status < 300:
            del self.calendars[calendar][leaf]

    def calendar(self, number: int) -> list[str]:
        """One of the calendars, or none where there is none."""
        names = sorted(self.calendars)
        return [names[number % len(names)]] if names else []

    def object(self, number: int) -> list[tuple[str, str]]:
        """One of the objects as (calendar, leaf), or none where there is none."""
        objects = sorted((calendar, leaf) for calendar, held in self.calendars.items() for leaf in held)
        return [objects[number % len(objects)]] if objects else []


def delete_collection(server: Server, href: str) -> None:
    """Cyrus 3.6 keeps what is deleted under a name with the time, so it fails where that was done in this second."""
    if server.request("DELETE", href).status >= 500:
        let_pass(server, 1)
        server.expect("DELETE", href)


def _href(calendar: str, leaf: str) -> str:
    return f"{calendar}/{quote(leaf)}"
