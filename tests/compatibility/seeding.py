"""Putting the corpus into a fresh account of a server by plain requests, and what the server has of it then.

What a server refuses is offered once more in the form in which programs import such a file, each event as an object of
its own. What it refuses then, too, cannot be in its backup, and what it rewrites is what it has: the truth is what GET
gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple
from xml.sax.saxutils import escape

from caldav_backup import ics
from tests.compatibility.accounts import Held, account
from tests.compatibility.corpus import Folder
from tests.compatibility.records import Kind, Record
from tests.servers.server import Server

_ONE_PROCESS = ("radicale", "xandikos")
_XML = {"Content-Type": "application/xml; charset=utf-8"}
_CALENDAR = {"Content-Type": "text/calendar; charset=utf-8"}
_NAMESPACES = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:A="http://apple.com/ns/ical/"'


class Seeded(NamedTuple):
    """An account with the corpus: what it has (`truth`), which records it refused, and the kind of each by its path."""

    server: Server
    truth: Mapping[str, Held]
    refused: Mapping[str, int]
    kinds: Mapping[str, Kind]


def seed_all(server: Server, folders: Sequence[Folder]) -> Seeded:
    """Make the folders and write their records; `refused` has the status of each record that was not taken."""
    refused: dict[str, int] = {}
    kinds: dict[str, Kind] = {}
    for folder in folders:
        _make(server, folder)
        kinds |= {f"{folder.segment}/{record.name}": record.kind for record in folder.records}
        for record, status in _put_all(server, folder):
            if not _is_taken(status):
                refused[f"{folder.segment}/{record.name}"] = status
    return Seeded(server, account(server), refused, kinds)


def _make(server: Server, folder: Folder) -> None:
    """With its components, or where the server refuses them (Xandikos 0.4 takes these three kinds), without."""
    names = "".join(f'<C:comp name="{name}"/>' for name in folder.components)
    color = f"<A:calendar-color>{folder.color}</A:calendar-color>" if folder.color else ""
    shown = f"<D:displayname>{escape(folder.displayname)}</D:displayname>"
    components = f"<C:supported-calendar-component-set>{names}</C:supported-calendar-component-set>"
    body = f"<C:mkcalendar {_NAMESPACES}><D:set><D:prop>{shown}{color}{components}</D:prop></D:set></C:mkcalendar>"
    server.expect("MKCALENDAR", f"{folder.segment}/", body.encode(), _XML)


def _put_all(server: Server, folder: Folder) -> Iterator[tuple[Record, int]]:
    """Those with a UID of their own at once, where the server gains by it; then the others, so that the first wins."""
    first, again = _apart(folder.records)
    with ThreadPoolExecutor(1 if server.name in _ONE_PROCESS else 4) as workers:
        yield from workers.map(lambda record: (record, _put(server, folder, record)), first)
    for record in again:
        yield record, _put(server, folder, record)


def _apart(records: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    seen: set[str | None] = set()
    first: list[Record] = []
    again: list[Record] = []
    for record in records:
        uid = ics.uid(record.content)
        (again if uid in seen and uid else first).append(record)
        seen.add(uid)
    return first, again


def _put(server: Server, folder: Folder, record: Record) -> int:
    """The status of the record itself, or the worst of its imported forms."""
    status = _put_as(server, folder, record.segment, record.content)
    imported = None if _is_taken(status) else ics.repaired(record.content)
    if imported is None:
        return status
    stem = record.segment.removesuffix(".ics")
    names = (f"{stem}-{number}.ics" if number else record.segment for number in range(len(imported.contents)))
    return max(_put_as(server, folder, name, content) for name, content in zip(names, imported.contents, strict=True))


def _put_as(server: Server, folder: Folder, segment: str, content: bytes) -> int:
    return server.request("PUT", f"{folder.segment}/{segment}", content, _CALENDAR).status


def _is_taken(status: int) -> bool:
    return 200 <= status < 300
