"""The whole line against real servers: what lands in the store is what plain GETs say, run after run."""

from __future__ import annotations

import asyncio
from urllib.parse import unquote, urlsplit

import pytest

from caldav_backup.archiver import BackupOptions, Outcome, back_up
from caldav_backup.connectors.caldav import CalDavSource
from caldav_backup.dav import BasicAuthentication, Client, Transport
from caldav_backup.kloset import Configuration, Repository, Snapshot
from caldav_backup.kloset.storage.memory import MemoryStorage
from tests.events import event, events, journal, todo
from tests.servers.server import Server, make_calendar, members, put, seed


@pytest.fixture(params=["radicale", "xandikos"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def repository() -> Repository:
    return Repository.create(MemoryStorage(), Configuration.new(encrypted=False), passphrase=None)


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


def served(server: Server) -> dict[str, bytes]:
    """Every event of the account by plain GETs, under the path it has in a snapshot."""
    found = {}
    for calendar in members(server):
        name = unquote(urlsplit(calendar).path.rstrip("/").rsplit("/", 1)[1])
        for href in members(server, calendar):
            leaf = unquote(urlsplit(href).path.rsplit("/", 1)[1])
            if leaf.endswith(".ics"):
                found[f"/{name}/{leaf}"] = server.expect("GET", href).body
    return found


def test_run_after_run_the_store_holds_what_the_server_gives(server: Server, repository: Repository) -> None:
    seed(server, "work", events(230 if server.name == "radicale" else 30), displayname="Work", color="#ff0000ff")
    seed(server, "tasks", [todo(1), journal(2)])
    make_calendar(server, "empty")
    first, requests = backup(server, repository)
    assert not first.failures
    assert stored(repository) == served(server)
    assert requests <= 4 + 1 + first.calendars + first.calendars * 3

    put(
        server,
        "work",
        event(7)._replace(content=event(800).content.replace(event(800).uid.encode(), event(7).uid.encode())),
    )
    put(server, "work", event(900))
    server.expect("DELETE", f"work/{event(3).name}")
    second, _ = backup(server, repository)
    assert stored(repository) == served(server)
    assert (second.fetched, second.deleted) == (2, 1)

    third, requests = backup(server, repository)
    assert third.fetched == 0
    assert stored(repository) == served(server)
    assert requests <= 4 + 1 + first.calendars
    assert list(repository.check(read_data=True)) == []


def test_names_colours_and_components_are_kept(server: Server, repository: Repository) -> None:
    seed(server, "work", events(2), displayname="Arbeit & Mühe", color="#ff8800ff")
    backup(server, repository)
    attributes = newest(repository).extended_attributes("/work")
    assert attributes["user.caldav.displayname"].decode() == "Arbeit & Mühe"
    assert attributes["user.caldav.color"].lower().startswith(b"#ff8800")
    assert urlsplit(attributes["user.caldav.href"].decode()).path.endswith("/work/")


def test_a_calendars_own_url_backs_up_that_calendar(server: Server, repository: Repository) -> None:
    url = seed(server, "work", events(5))
    seed(server, "home", events(3, 100))
    outcome, _ = backup(server, repository, url)
    assert outcome.calendars == 1
    assert {path.split("/")[1] for path in stored(repository)} == {"work"}


def test_an_account_is_read_and_never_written(server: Server, repository: Repository) -> None:
    seed(server, "work", events(5))
    before = served(server), [server.expect("GET", href).headers.get("ETag") for href in members(server, "work/")]
    backup(server, repository)
    after = served(server), [server.expect("GET", href).headers.get("ETag") for href in members(server, "work/")]
    assert before == after
