"""What the scripted server serves: collections with properties, calendars with objects and a log of their changes.

Owns the state. Every path is as the server writes it; it is found under any spelling of its escapes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from hashlib import sha1
from typing import NamedTuple
from urllib.parse import unquote

from tests.events import Event
from tests.servers.scripted_xml import APPLE, CALDAV, CALENDARSERVER, DAV, escape, href_in, text

_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
_TOKEN = "http://scripted.example/sync/"
_READABLE = "<d:privilege><d:read/></d:privilege><d:privilege><d:write/></d:privilege>"


class Item(NamedTuple):
    """One object: `segment` is its name as the server writes it, `etag` has its quotes."""

    segment: str
    content: bytes
    etag: str
    modified: str

    def properties(self) -> dict[str, str]:
        return {
            f"{DAV}getetag": escape(self.etag),
            f"{DAV}getlastmodified": self.modified,
            f"{DAV}getcontentlength": str(len(self.content)),
            f"{DAV}getcontenttype": "text/calendar; charset=utf-8",
            f"{DAV}resourcetype": "",
        }

    def data(self) -> str:
        return text(self.content)


@dataclass
class Collection:
    """Something with members. `path` ends with a slash; `properties` are Clark names and the XML inside."""

    path: str
    properties: dict[str, str]
    items: dict[str, Item] = field(default_factory=dict)
    is_calendar: bool = False
    #: Decoded names in the order in which they were written or deleted; the CTag and the sync-token count them.
    log: list[str] = field(default_factory=list)
    #: Properties that this server does not have.
    lacks: frozenset[str] = frozenset()
    #: Collections that it lists besides those that lie in it.
    guests: list[Collection] = field(default_factory=list)

    def put(self, segment: str, content: bytes, *, etag: str = "") -> Item:
        """Writes an object; each change is a minute younger than the one before, and all are long ago."""
        name = unquote(segment)
        self.log.append(name)
        moment = format_datetime(_LONG_AGO + timedelta(minutes=len(self.log)), usegmt=True)
        self.items[name] = Item(segment, content, etag or f'"{sha1(content).hexdigest()}"', moment)
        return self.items[name]

    def add(self, events: Iterable[Event]) -> None:
        for event in events:
            self.put(event.name, event.content)

    def delete(self, segment: str) -> None:
        del self.items[unquote(segment)]
        self.log.append(unquote(segment))

    def token(self, position: int | None = None) -> str:
        """Names the calendar and a place in its log, by default the end."""
        return f"{_TOKEN}{sha1(self.path.encode()).hexdigest()}/{len(self.log) if position is None else position}"

    def position(self, token: str) -> int | None:
        """Where in the log a token stands; None for one that was never given."""
        number = token.removeprefix(self.token(0)[:-1]) if token else "0"
        return int(number) if number.isdigit() and int(number) <= len(self.log) else None

    def known_properties(self) -> dict[str, str]:
        signals = {f"{CALENDARSERVER}getctag": f"ctag {len(self.log)}", f"{DAV}sync-token": self.token()}
        found = {**(signals if self.is_calendar else {}), **self.properties}
        return {name: inside for name, inside in found.items() if name not in self.lacks}


@dataclass
class Account:
    """One person's tree: root, principal, home, calendars. No user name means that no login is asked for."""

    user: str = "alice"
    password: str = "a scripted password"
    root: str = "/"
    principal: str = "/principals/alice/"
    home: str = "/calendars/alice/"
    #: True for a server to which collections' addresses are the same in capitals.
    folds_case: bool = False
    collections: dict[str, Collection] = field(default_factory=dict)

    def __post_init__(self) -> None:
        principal, home = href_in(self.principal), href_in(self.home)
        kind = f"{DAV}resourcetype"
        found = {f"{DAV}current-user-principal": principal}
        self.collection(self.root, {kind: "<d:collection/>"} | found)
        self.collection(self.home, {kind: "<d:collection/>"} | found)
        kinds = "<d:collection/><d:principal/>"
        self.collection(self.principal, {kind: kinds} | found | {f"{CALDAV}calendar-home-set": home})

    def collection(self, path: str, properties: Mapping[str, str]) -> Collection:
        """Something that is no calendar; one that is there already gets more properties."""
        key = self._key(path)
        if key not in self.collections:
            self.collections[key] = Collection(path, {})
        self.collections[key].properties.update(properties)
        return self.collections[key]

    def calendar(
        self,
        segment: str,
        events: Sequence[Event] = (),
        *,
        properties: Mapping[str, str] | None = None,
        lacks: Iterable[str] = (),
        kinds: str = "<d:collection/><c:calendar/>",
        home: str = "",
    ) -> Collection:
        """A calendar below the home; `properties` stand before those that every calendar has."""
        usual = {
            f"{DAV}resourcetype": kinds,
            f"{DAV}displayname": escape(unquote(segment)),
            f"{DAV}owner": href_in(self.principal),
            f"{DAV}current-user-privilege-set": _READABLE,
            f"{CALDAV}supported-calendar-component-set": '<c:comp name="VEVENT"/><c:comp name="VTODO"/>',
            f"{APPLE}calendar-color": "#336699FF",
        }
        path = f"{home or self.home}{segment}/"
        made = Collection(path, usual | dict(properties or {}), is_calendar=True, lacks=frozenset(lacks))
        made.add(events)
        self.collections[self._key(path)] = made
        return made

    def at(self, path: str) -> Collection:
        """The collection at `path`, which is there."""
        return self.collections[self._key(path)]

    def find(self, path: str) -> Collection | None:
        return self.collections.get(self._key(path))

    def find_item(self, path: str) -> tuple[Collection, Item | None, str] | None:
        """The collection that `path` lies in, the object there, and its name as written; None: no such collection."""
        above, _, segment = path.rpartition("/")
        collection = self.find(above)
        return (collection, collection.items.get(unquote(segment)), segment) if collection is not None else None

    def below(self, collection: Collection) -> list[Collection]:
        own = self._key(collection.path)
        inside = [each for key, each in self.collections.items() if key != own and key.rpartition("/")[0] == own]
        return inside + collection.guests

    def _key(self, path: str) -> str:
        key = unquote(path).rstrip("/")
        return key.lower() if self.folds_case else key
