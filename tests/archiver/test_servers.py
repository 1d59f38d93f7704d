"""The whole line against the six real servers: what lands in the store is what plain GETs say, run after run."""

from __future__ import annotations

from urllib.parse import urlsplit

from caldav_backup.kloset import Repository
from tests.archiver.backups import backup, newest, served, stored
from tests.events import event, events, journal, todo
from tests.servers.server import Server, calendars, make_calendar, members, put, seed

#: SOGo 5.8 has none; a calendar of sabre/dav 1.8 takes VEVENT and VTODO unless told otherwise.
_WITHOUT_JOURNALS = ("sogo", "sabredav")
#: More than a batch, where that many are written in a second.
_MANY = {"radicale": 120, "sabredav": 120}
#: SOGo 5.8 tells whole seconds and gives an ETag again: what was changed within two of them is fetched once more.
_RACY = ("sogo",)
#: DAViCal 1.1 escapes what MKCALENDAR says for XML twice.
_ESCAPED = {"davical": "Arbeit &amp; Mühe"}


def test_run_after_run_the_store_holds_what_the_server_gives(each_server: Server, repository: Repository) -> None:
    server = each_server
    many = _MANY.get(server.name, 30)
    tasks = [todo(1)] if server.name in _WITHOUT_JOURNALS else [todo(1), journal(2)]
    seed(server, "work", events(many), displayname="Work", color="#ff0000ff")
    seed(server, "tasks", tasks)
    make_calendar(server, "empty")
    first, requests = backup(server, repository)
    assert (first.failures, first.warnings, first.records) == ((), (), many + len(tasks))
    assert stored(repository) == served(server).events
    assert requests <= 4 + 1 + first.calendars + first.calendars * 3

    put(server, "work", event(7, summary="Moved", sequence=1))
    put(server, "work", event(900))
    server.expect("DELETE", f"work/{event(3).name}")
    second, _ = backup(server, repository)
    assert stored(repository) == served(server).events
    assert second.deleted == 1
    assert second.fetched == 2 or server.name in _RACY

    third, requests = backup(server, repository)
    assert stored(repository) == served(server).events
    assert third.fetched == 0 or server.name in _RACY
    assert requests <= 4 + 1 + third.calendars + 1

    server.expect("DELETE", "tasks/")
    fourth, _ = backup(server, repository)
    assert fourth.calendars == first.calendars - 1
    assert [trip.path for trip in fourth.trips] == ["/tasks"]
    assert stored(repository) == served(server).events
    assert list(repository.check(read_data=True)) == []


def test_names_colours_and_components_are_kept(each_server: Server, repository: Repository) -> None:
    seed(each_server, "work", events(2), displayname="Arbeit & Mühe", color="#ff8800ff")
    backup(each_server, repository)
    attributes = newest(repository).extended_attributes("/work")
    assert attributes["user.caldav.displayname"].decode() == _ESCAPED.get(each_server.name, "Arbeit & Mühe")
    assert attributes["user.caldav.color"].lower().startswith(b"#ff8800")
    assert urlsplit(attributes["user.caldav.href"].decode()).path.endswith("/work/")


def test_a_calendars_own_url_backs_up_that_calendar(each_server: Server, repository: Repository) -> None:
    url = seed(each_server, "work", events(5))
    seed(each_server, "home", events(3, 100))
    outcome, _ = backup(each_server, repository, url)
    assert outcome.calendars == 1
    assert {path.split("/")[1] for path in stored(repository)} == {"work"}
    assert len(stored(repository)) == 5


def test_an_account_is_read_and_never_written(each_server: Server, repository: Repository) -> None:
    seed(each_server, "work", events(5))
    before = state_of(each_server)
    backup(each_server, repository)
    assert state_of(each_server) == before
    if each_server.mail_directory:
        assert list(each_server.mail_directory.iterdir()) == []


def state_of(server: Server) -> dict[str, tuple[str | None, bytes]]:
    """Each event and its ETag, and the calendars, by href."""
    found: dict[str, tuple[str | None, bytes]] = dict.fromkeys(calendars(server), (None, b""))
    for calendar in calendars(server):
        for href in members(server, calendar):
            reply = server.expect("GET", href)
            etag = next((value for name, value in reply.headers.items() if name.lower() == "etag"), None)
            found[href] = (etag, reply.body)
    return found
