"""Backups of one account of a real server, and what plain requests say that they should hold."""

from __future__ import annotations

import asyncio
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes, urlsplit

from caldav_backup.archiver import BackupOptions, Outcome, back_up
from caldav_backup.connectors.caldav import CalDavSource
from caldav_backup.connectors.naming import record_name
from caldav_backup.dav import BasicAuthentication, Client, Transport
from caldav_backup.kloset import Repository, Snapshot
from tests.servers.server import Server, calendars, members


class Served(NamedTuple):
    """What plain GETs give: the events under the paths that they have in a snapshot, and what was listed in vain."""

    events: dict[str, bytes]
    not_there: list[str]


def backup(server: Server, repository: Repository, url: str = "") -> tuple[Outcome, int]:
    """One run, and how many requests it took."""

    async def run() -> tuple[Outcome, int]:
        login = BasicAuthentication(server.user, server.password) if server.user else None
        transport = Transport(url or server.url, login)
        async with CalDavSource(Client(transport), url or server.url, origin="alice@test") as source:
            outcome = await back_up(source, repository, BackupOptions(job="test"))
            return outcome, transport.requests

    return asyncio.run(run())


def newest(repository: Repository) -> Snapshot:
    return repository.snapshot(repository.snapshots()[-1].identifier)


def stored(repository: Repository) -> dict[str, bytes]:
    snapshot = newest(repository)
    return {entry.path: snapshot.read(entry) for entry in snapshot.walk() if entry.is_file}


def served(server: Server) -> Served:
    """Every event of the calendars that the test made."""
    found = Served({}, [])
    for calendar in calendars(server):
        name = _decoded(calendar).rstrip("/").rsplit("/", 1)[1]
        for href in members(server, calendar):
            if href.endswith("/"):
                continue  # Xandikos 0.4 and Radicale 3.9 have none, others may
            path = _decoded(href if "/" in href else calendar + href)  # Xandikos 0.4 leaves it out before a colon
            reply = server.request("GET", quote(path, safe="/", errors="surrogateescape"))
            if reply.status == 200:
                found.events[f"/{name}/{record_name(path.rsplit('/', 1)[1])}"] = reply.body
            else:
                found.not_there.append(href)
    return found


def _decoded(href: str) -> str:
    """Its path; an href may be a whole URL, and a `?` in it is a character (Cyrus 3.6 does not escape it)."""
    path = href if href.startswith("/") or "://" not in href else urlsplit(href).path
    return unquote_to_bytes(path).decode("utf-8", "surrogateescape")
