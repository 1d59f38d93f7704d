"""The recipes themselves: homes start empty, what was seeded is there, and nothing stays when the tests are gone."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from caldav_backup.cli.loopback import ServerDidNotStart, serve
from caldav_backup.cli.plain_dav import one_calendar
from tests.events import event, events, mixed
from tests.servers.recipes import RECIPES
from tests.servers.server import Server, calendars, make_calendar, members, put, seed

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("round_number", [1, 2])
def test_every_test_finds_a_home_without_calendars(each_server: Server, round_number: int) -> None:
    assert calendars(each_server) == []
    seed(each_server, "left-over", [event(round_number)])
    assert [href.rstrip("/").rsplit("/", 1)[1] for href in calendars(each_server)] == ["left-over"]


def test_seeded_objects_keep_the_names_they_were_given(each_server: Server) -> None:
    objects = mixed(8)
    url = seed(each_server, "work", objects, displayname="Work")
    assert {item.name for item in objects} == {href.rsplit("/", 1)[-1] for href in members(each_server, url)}


def test_two_people_have_two_homes(each_server: Server) -> None:
    if each_server.name == "xandikos":
        pytest.skip("Xandikos asks for no login and has one home")
    make_calendar(each_server, "mine")
    other = each_server._replace(
        user=each_server.other_user,
        home=each_server.home.replace(f"/{each_server.user}/", f"/{each_server.other_user}/"),
    )
    assert other.home != each_server.home
    assert calendars(other) == []
    assert other.request("PROPFIND", "", headers={"Depth": "0"}).status == 207
    assert other._replace(password="wrong").request("PROPFIND", "", headers={"Depth": "0"}).status == 401


def test_a_whole_calendar_at_once_gets_the_same_names_and_its_displayname(radicale: Server) -> None:
    objects = events(100)
    url = seed(radicale, "big", objects, displayname="Big one", color="#ff0000ff")
    assert {item.name for item in objects} <= {href.rsplit("/", 1)[-1] for href in members(radicale, url)}
    assert b"Big one" in radicale.expect("PROPFIND", url, headers={"Depth": "0"}).body


def test_a_later_version_replaces_the_earlier_one(each_server: Server) -> None:
    seed(each_server, "work", [event(1)])
    put(each_server, "work", event(1, summary="moved", sequence=1))
    assert b"SUMMARY:moved" in each_server.expect("GET", f"work/{event(1).name}").body


@pytest.mark.full
@pytest.mark.parametrize("name", ["cyrus", "sogo"])
def test_invitations_end_in_the_mail_directory(name: str, request: pytest.FixtureRequest) -> None:
    server: Server = request.getfixturevalue(name)
    assert server.mail_directory
    guests = (
        f"ORGANIZER:mailto:{server.user}@example.org\r\nATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:guest@example.com\r\n"
    )
    invitation = event(1).content.replace(b"SUMMARY:", guests.encode() + b"SUMMARY:").replace(b"T2025", b"T2035")
    assert list(server.mail_directory.iterdir()) == []
    seed(server, "work", [event(1)._replace(content=invitation.replace(b":2025", b":2035"))])
    (message,) = server.mail_directory.iterdir()
    assert b"guest@example.com" in message.read_bytes()


@pytest.mark.full
def test_the_same_account_can_ask_for_digest(sabredav: Server) -> None:
    basic = sabredav._replace(home=sabredav.digest_url)
    assert basic.request("PROPFIND", "", headers={"Depth": "0"}).status == 401
    manager = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    manager.add_password(None, sabredav.digest_url, sabredav.user, sabredav.password)
    opener = urllib.request.build_opener(urllib.request.HTTPDigestAuthHandler(manager))
    home = sabredav.home.replace(sabredav.url, sabredav.digest_url)
    with opener.open(urllib.request.Request(home, method="PROPFIND", headers={"Depth": "0"})) as answer:
        assert answer.status == 207


def test_events_are_the_same_every_time_and_of_a_usual_size() -> None:
    assert events(20) == events(20)
    assert len({item.uid for item in mixed(100)}) == 100
    assert all(500 <= len(item.content) <= 600 for item in mixed(100))
    assert one_calendar(events(3)).count(b"BEGIN:VEVENT") == 3


@pytest.mark.parametrize("name", ["sabredav", "cyrus", "davical", "sogo"])
def test_ci_installs_and_contributing_names_what_a_recipe_asks_for(name: str) -> None:
    installer = ROOT / ".ci" / "servers"
    if not installer.exists():
        pytest.skip("a source archive has no .ci")
    (asked,) = re.findall(r'packages\("(.+?)"\)', Path(__file__).with_name(f"{name}.py").read_text())
    assert f'[{name}]="{asked}"' in installer.read_text()
    assert f"`{asked}`" in (ROOT / "CONTRIBUTING.md").read_text()


_KILLED = """
import os, signal, sys
from pathlib import Path
from tests.servers.recipes import RECIPES
server = RECIPES[sys.argv[1]](Path(sys.argv[2]))
print(server.fresh_home().url, server._processes.directory, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.full
@pytest.mark.parametrize("name", ["sabredav", "cyrus", "davical", "sogo"])
def test_a_server_ends_and_leaves_nothing_when_the_tests_are_killed(name: str, tmp_path: Path) -> None:
    if lacks := RECIPES[name].lacks():
        pytest.skip(f"{name}: {lacks}")
    killed = subprocess.run([sys.executable, "-c", _KILLED, name, tmp_path], cwd=ROOT, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    url, directory = killed.stdout.decode().split()
    deadline = time.monotonic() + 30
    while Path(directory).exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=5)


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
