"""The scripted server itself: correct where no rule speaks, and exactly as wrong as a rule says."""

from __future__ import annotations

import gzip
import http.client
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing

import pytest
from lxml import etree

from tests.events import event, events
from tests.servers.scripted import Account, Answer, Asked, Framing, ScriptedServer, scripted
from tests.servers.scripted_xml import DAV, Multistatus, read_asking

_SYNC = '<d:sync-collection xmlns:d="DAV:"><d:sync-token>{}</d:sync-token><d:prop><d:getetag/></d:prop>{}'
_HOME = "/calendars/alice/"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    account = Account()
    account.calendar("work", events(5))
    with scripted(account) as server:
        yield server


@pytest.fixture
def connection(server: ScriptedServer) -> Iterator[http.client.HTTPConnection]:
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)) as connection:
        yield connection


def ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: str = "", login: str = "", **headers: str
) -> tuple[int, http.client.HTTPMessage, bytes]:
    token = b64encode((login or "alice:a scripted password").encode()).decode()
    signed = {"Authorization": f"Basic {token}"} | {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body.encode() or None, signed)
    reply = connection.getresponse()
    return reply.status, reply.headers, reply.read()


def hrefs(body: bytes) -> list[str]:
    return [str(each.text) for each in etree.fromstring(body).iterfind(f"{DAV}response/{DAV}href")]


def sync(connection: http.client.HTTPConnection, token: str = "") -> tuple[list[str], str]:
    _, _, body = ask(connection, "REPORT", f"{_HOME}work/", _SYNC.format(token, "</d:sync-collection>"))
    return hrefs(body), read_asking(body).token


def test_the_home_names_its_calendars_and_a_calendar_its_events(connection: http.client.HTTPConnection) -> None:
    status, _, body = ask(connection, "PROPFIND", _HOME, Depth="1")
    assert (status, hrefs(body)) == (207, [_HOME, f"{_HOME}work/"])
    _, _, body = ask(connection, "PROPFIND", f"{_HOME}work/", Depth="1")
    assert hrefs(body)[1:] == [f"{_HOME}work/{each.name}" for each in events(5)]
    _, headers, body = ask(connection, "GET", f"{_HOME}work/{event(1).name}")
    assert body == event(1).content and headers["ETag"]


def test_a_stranger_is_asked_for_a_login(server: ScriptedServer, connection: http.client.HTTPConnection) -> None:
    status, headers, _ = ask(connection, "PROPFIND", _HOME, login="alice:wrong", Depth="0")
    assert (status, headers["WWW-Authenticate"]) == (401, 'Basic realm="scripted"')
    assert [(each.number, each.method, each.path, each.depth) for each in server.asked] == [(1, "PROPFIND", _HOME, "0")]


def test_writes_move_the_token_and_the_preconditions_hold(
    server: ScriptedServer, connection: http.client.HTTPConnection
) -> None:
    _, token = sync(connection)
    assert ask(connection, "PUT", f"{_HOME}work/new.ics", "BEGIN:VCALENDAR", If_None_Match="*")[0] == 201
    assert ask(connection, "PUT", f"{_HOME}work/new.ics", "BEGIN:VCALENDAR", If_None_Match="*")[0] == 412
    assert ask(connection, "DELETE", f"{_HOME}work/{event(1).name}")[0] == 204
    assert ask(connection, "DELETE", f"{_HOME}work/{event(1).name}")[0] == 404
    changed, later = sync(connection, token)
    assert changed == [f"{_HOME}work/new.ics", f"{_HOME}work/{event(1).name}"]
    assert sync(connection, later) == ([], later)
    assert ask(connection, "REPORT", f"{_HOME}work/", _SYNC.format("never", "</d:sync-collection>"))[0] == 403


def test_pages_of_a_sync_lead_to_all_of_it(server: ScriptedServer, connection: http.client.HTTPConnection) -> None:
    server.dav.page = 2
    found: list[str] = []
    token, page = "", [f"{_HOME}work/"]
    while page and page[-1] == f"{_HOME}work/":
        page, token = sync(connection, token)
        found += [each for each in page if each != f"{_HOME}work/"]
    assert found == [f"{_HOME}work/{each.name}" for each in events(5)]


@pytest.mark.parametrize("answer", [Answer(framing=Framing.CHUNKED), Answer(framing=Framing.CLOSE), Answer(pause=1e-6)])
def test_a_body_is_the_same_however_it_comes(
    server: ScriptedServer, connection: http.client.HTTPConnection, answer: Answer
) -> None:
    server.rule = lambda _: answer
    for number in range(2):
        assert ask(connection, "GET", f"{_HOME}work/{event(number).name}")[2] == event(number).content


def test_statuses_headers_bodies_and_members_are_as_the_rule_says(
    server: ScriptedServer, connection: http.client.HTTPConnection
) -> None:
    def rule(asked: Asked) -> Answer | None:
        if asked.method == "GET":
            return Answer(status=418, headers={"X-Tea": "yes", "ETag": None}, body=b"tea", gzip=True)
        return Answer(alter=lambda found: Multistatus([each.failing(403) for each in found.members[1:]]))

    server.rule = rule
    status, headers, body = ask(connection, "GET", f"{_HOME}work/{event(1).name}")
    assert (status, headers["X-Tea"], headers["ETag"], gzip.decompress(body)) == (418, "yes", None, b"tea")
    _, _, body = ask(connection, "PROPFIND", f"{_HOME}work/", Depth="1")
    assert body.count(b"HTTP/1.1 403 Forbidden") == len(hrefs(body)) == 5


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(reset=True), ConnectionResetError),
        (Answer(cut=10), http.client.IncompleteRead),
        (Answer(delay=60), TimeoutError),
    ],
)
def test_connections_end_as_the_rule_says(server: ScriptedServer, answer: Answer, error: type[Exception]) -> None:
    server.rule = lambda _: answer
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=0.1)) as connection, pytest.raises(error):
        ask(connection, "GET", f"{_HOME}work/{event(1).name}")


def test_an_endless_body_ends_with_the_server(server: ScriptedServer, connection: http.client.HTTPConnection) -> None:
    server.rule = lambda _: Answer(endless=b"x" * 65536)
    connection.request("GET", "/", headers={})
    assert len(connection.getresponse().read(1 << 20)) == 1 << 20
