"""The recipes themselves: homes start empty, and what was seeded is there."""

from __future__ import annotations

import urllib.request
from typing import TYPE_CHECKING

import pytest

from caldav_backup.cli.loopback import ServerDidNotStart, serve
from caldav_backup.cli.plain_dav import one_calendar
from tests.events import event, events, mixed
from tests.servers.server import Server, members, put, seed

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["radicale", "xandikos"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("round_number", [1, 2])
def test_every_test_finds_an_empty_home(server: Server, round_number: int) -> None:
    assert members(server) == []
    seed(server, "left-over", [event(round_number)])


def test_seeded_objects_keep_the_names_they_were_given(server: Server) -> None:
    objects = mixed(10)
    url = seed(server, "work", objects, displayname="Work")
    assert {item.name for item in objects} <= {href.rsplit("/", 1)[-1] for href in members(server, url)}


def test_a_whole_calendar_at_once_gets_the_same_names_and_its_displayname(radicale: Server) -> None:
    objects = events(100)
    url = seed(radicale, "big", objects, displayname="Big one", color="#ff0000ff")
    assert {item.name for item in objects} <= {href.rsplit("/", 1)[-1] for href in members(radicale, url)}
    assert b"Big one" in radicale.expect("PROPFIND", url, headers={"Depth": "0"}).body


def test_a_later_version_replaces_the_earlier_one(server: Server) -> None:
    seed(server, "work", [event(1)])
    put(server, "work", event(1, summary="moved", sequence=1))
    assert b"SUMMARY:moved" in server.expect("GET", f"work/{event(1).name}").body


def test_events_are_the_same_every_time_and_of_a_usual_size() -> None:
    assert events(20) == events(20)
    assert len({item.uid for item in mixed(100)}) == 100
    assert all(500 <= len(item.content) <= 600 for item in mixed(100))
    assert one_calendar(events(3)).count(b"BEGIN:VEVENT") == 3


def test_a_stopped_server_answers_nobody(tmp_path: Path) -> None:
    (tmp_path / "page").write_text("here")
    server = serve("http.server", lambda port: [str(port), "--bind", "127.0.0.1"], tmp_path / "log")
    with urllib.request.urlopen(server.url + "page", timeout=5) as answer:
        assert answer.read() == b"here"
    server.stop()
    server.stop()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(server.url, timeout=5)


def test_a_server_that_ends_at_once_is_reported_with_its_log(tmp_path: Path) -> None:
    with pytest.raises(ServerDidNotStart, match="unrecognized arguments"):
        serve("http.server", lambda _: ["--no-such-option"], tmp_path / "log")
