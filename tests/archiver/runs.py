"""Backups of a real server, one after another, and what plain requests say that each of them should hold."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import quote, unquote, urljoin, urlsplit
from xml.etree import ElementTree as ET

from caldav_backup.archiver import BackupOptions, Guard, Outcome, back_up
from caldav_backup.connectors import incremental
from caldav_backup.connectors.base import ATTRIBUTE_PREFIX
from caldav_backup.connectors.caldav import CalDavSource
from caldav_backup.dav import BasicAuthentication, Client, RequestLine, Transport
from caldav_backup.kloset import Configuration, Repository, Snapshot
from caldav_backup.kloset.storage.memory import MemoryStorage
from tests.servers.server import Server

DAY = 86_400
_XML = {"Content-Type": "application/xml; charset=utf-8"}
_DESCRIBE = b"""<d:propfind xmlns:d="DAV:" xmlns:cs="http://calendarserver.org/ns/"><d:prop>
<d:resourcetype/><d:displayname/><d:sync-token/><cs:getctag/></d:prop></d:propfind>"""
_CALENDAR = "{urn:ietf:params:xml:ns:caldav}calendar"
_TWO_HALVES = re.compile(rb"&#(5[56]\d{3});&#(5[67]\d{3});")
_NOTHING_IS_STRANGE = Guard(accept_shrink=True, allow_empty=True)


class Described(NamedTuple):
    """What a home says of one of its calendars; a property that it does not give is empty."""

    displayname: str
    ctag: str
    sync_token: str

    @property
    def signals(self) -> tuple[str, str]:
        return self.ctag, self.sync_token


class Runs:
    """The backups of one account in a store of their own."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.repository = Repository.create(MemoryStorage(), Configuration.new(encrypted=False), passphrase=None)
        #: How far the archiver's clock is ahead of the server's, in days.
        self.days_ahead = 0.0
        #: The requests of the last run.
        self.lines: list[RequestLine] = []

    def back_up(self, url: str = "", *, at_request: Callable[[int], None] | None = None, **options: object) -> Outcome:
        """One run from `url` (default: the server's); `at_request` is called after each request with its number."""

        def note(line: RequestLine) -> None:
            self.lines.append(line)
            if at_request is not None:
                at_request(line.number)

        async def run() -> Outcome:
            transport = Transport(url or self.server.url, login_of(self.server), on_request=note)
            async with CalDavSource(Client(transport), url or self.server.url, origin="alice@test") as source:
                return await back_up(source, self.repository, chosen)

        self.lines.clear()
        clock = time.time() + self.days_ahead * DAY
        options.setdefault("guard", _NOTHING_IS_STRANGE)
        chosen = BackupOptions(job="test", clock=lambda: clock, **options)  # type: ignore[arg-type]
        return asyncio.run(run())

    def newest(self) -> Snapshot:
        return self.repository.snapshot(self.repository.snapshots()[-1].identifier)

    def calendars(self) -> dict[str, str]:
        """The directories of the newest snapshot by the calendars' decoded paths."""
        entries = self.newest().list_directory("/")
        found = [(unquote(self._attribute(entry.path, "href")), entry.path) for entry in entries]
        assert len(dict(found)) == len(found)
        return dict(found)

    def signals(self) -> dict[str, tuple[str, str]]:
        """CTag and sync-token of each calendar in the newest snapshot."""
        found = self.calendars().items()
        return {path: (self._attribute(each, "ctag"), self._attribute(each, "sync-token")) for path, each in found}

    def displaynames(self) -> dict[str, str]:
        """The calendars' names in the newest snapshot."""
        return {path: self._attribute(directory, "displayname") for path, directory in self.calendars().items()}

    def stored(self) -> dict[str, bytes]:
        """Every event of the newest snapshot by the decoded path that it has at the server."""
        snapshot = self.newest()
        found: dict[str, bytes] = {}
        for path, directory in self.calendars().items():
            state = snapshot.extended_attribute(directory, f"{ATTRIBUTE_PREFIX}{incremental.ATTRIBUTE}") or b""
            for name, known in zip(snapshot.list_names(directory), incremental.decode(state), strict=True):
                key = path + name if known.key is None else unquote(urlsplit(known.key).path)
                assert key not in found
                found[key] = snapshot.read(snapshot.entry(f"{directory}/{name}"))
        return found

    def _attribute(self, directory: str, name: str) -> str:
        return (self.newest().extended_attribute(directory, f"{ATTRIBUTE_PREFIX}{name}") or b"").decode()


def login_of(server: Server) -> BasicAuthentication | None:
    return BasicAuthentication(server.user, server.password) if server.user else None


def described(server: Server) -> dict[str, Described]:
    """The calendars of the home by decoded path."""
    found = {}
    for response in _responses(server, ""):
        properties = {each.tag: each for each in response.findall("{DAV:}propstat/{DAV:}prop/*")}
        if properties["{DAV:}resourcetype"].find(_CALENDAR) is not None:
            names = ("{DAV:}displayname", "{http://calendarserver.org/ns/}getctag", "{DAV:}sync-token")
            texts = [(properties[name].text or "") if name in properties else "" for name in names]
            found[_path(server, response)] = Described(*texts)
    return found


def served(server: Server) -> dict[str, bytes]:
    """Every event of the account by plain GETs, by its decoded path."""
    found = {}
    for calendar in described(server):
        for response in _responses(server, quote(calendar)):
            path = _path(server, response)
            if not path.endswith("/") and response.find(".//{DAV:}resourcetype/{DAV:}collection") is None:
                found[path] = server.expect("GET", response.findtext("{DAV:}href", "").strip()).body
    return found


def server_time(server: Server) -> float:
    """The server's clock in whole seconds since the Unix epoch. SOGo 5.8 tells it in answers to PROPFIND only."""
    reply = server.request("PROPFIND", "", _DESCRIBE, {"Depth": "0", **_XML})
    date = {name.lower(): value for name, value in reply.headers.items()}["date"]
    return parsedate_to_datetime(date).timestamp()


def let_pass(server: Server, seconds: float, *, at_most: float = 30.0) -> None:
    """Until the server's clock has moved on by `seconds`, so that what comes shares its second with nothing before."""
    began = server_time(server)
    deadline = time.monotonic() + at_most
    while server_time(server) < began + seconds:
        assert time.monotonic() < deadline, "the server's clock stands still"
        time.sleep(0.1)


def _responses(server: Server, href: str) -> list[ET.Element]:
    answer = server.expect("PROPFIND", href, _DESCRIBE, {"Depth": "1", **_XML})
    return ET.fromstring(_TWO_HALVES.sub(_whole, answer.body)).findall("{DAV:}response")


def _whole(halves: re.Match[bytes]) -> bytes:
    """SOGo 5.8 writes an emoji in a calendar's name as two references, to halves of it."""
    return b"".join(int(half).to_bytes(2, "big") for half in halves.groups()).decode("utf-16-be").encode()


def _path(server: Server, response: ET.Element) -> str:
    return unquote(urlsplit(urljoin(server.home, response.findtext("{DAV:}href", "").strip())).path)
