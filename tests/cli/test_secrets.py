"""A marked secret goes through every command, in every way in, and comes out nowhere."""

from __future__ import annotations

import pytest

from caldav_backup.cli.terminal import Terminal
from tests.cli.conftest import Ended, Program
from tests.cli.test_backup import vdir
from tests.cli.test_init import MARK as PASSPHRASE
from tests.cli.test_init import make_encrypted
from tests.events import event
from tests.servers.server import Server, seed

PASSWORD = "s3cret-password-mark"
TOKEN = "private-tokenmark0123"

#: Every command that looks at a store, a source or settings, in a form that works and in one that does not.
COMMANDS = [
    ["source", "ls"],
    ["source", "show"],
    ["source", "show", "nobody"],
    ["destination", "ls"],
    ["discover", "@me"],
    ["discover", "@wrong"],
    ["source", "ping", "@me"],
    ["source", "ping", "@wrong"],
    ["backup", "@me", "-v"],
    ["backup", "@wrong"],
    ["ls"],
    ["ls", "calendars"],
    ["ls", "events", "latest:/work"],
    ["info"],
    ["info", "latest"],
    ["cat", "latest:/nowhere"],
    ["restore", "latest", "--to", "@me", "--yes"],
    ["restore", "latest", "--to", "@wrong", "--yes"],
    ["check"],
]

#: Servers that are not there are asked several times, which takes seconds.
UNREACHABLE = [
    ["discover", f"http://alice:{PASSWORD}@127.0.0.1:1/"],
    ["source", "ping", f"http://alice:{PASSWORD}@127.0.0.1:1/"],
    ["backup", f"http://127.0.0.1:1/{TOKEN}/basic.ics?token={TOKEN}"],
]


def assert_silent(ended: Ended) -> None:
    for mark in (PASSWORD, PASSPHRASE, TOKEN):
        assert mark not in ended.out
        assert mark not in ended.err


@pytest.mark.parametrize(
    "supplied",
    ["settings", pytest.param("command", marks=pytest.mark.full), pytest.param("variable", marks=pytest.mark.full)],
)
def test_a_secret_is_in_no_output_and_in_no_file_but_the_settings(
    cli: Program, radicale: Server, supplied: str
) -> None:
    make_encrypted(cli)
    seed(radicale, "work", [event(1)])
    environ = {"CALDAV_BACKUP_PASSPHRASE": PASSPHRASE, "PW": radicale.password}
    right = {
        "settings": f"password={radicale.password}",
        "command": 'password_command=echo "$PW"',
        "variable": "password_env=PW",
    }[supplied]
    for kind in ("source", "destination"):
        cli(kind, "add", "me", radicale.url, f"username={radicale.user}", right)
        assert_silent(cli(kind, "add", "wrong", radicale.url, f"username={radicale.user}", f"password={PASSWORD}"))
    assert cli.process("backup", "@me", **environ).code == 0
    for words in COMMANDS:
        for how in ([], ["--json"], ["-vv"]):
            assert_silent(cli(*words, *how, **environ))
    for words in UNREACHABLE if supplied != "settings" else ():
        assert_silent(cli(*words, "-vv", **environ))
    contents = {path: path.read_bytes() for path in cli.home.rglob("*") if path.is_file()}
    marked = sorted(path for path, content in contents.items() if PASSWORD.encode() in content)
    assert marked == sorted((cli.home / "config").iterdir())
    assert all(path.stat().st_mode & 0o077 == 0 for path in marked)
    assert not any(mark.encode() in content for content in contents.values() for mark in (PASSPHRASE, TOKEN))


class Defective(Terminal):
    """A terminal that fails as only a defect does."""

    def write(self, text: str) -> None:
        raise KeyError(text)


def test_a_secret_is_in_no_traceback_of_a_defect(cli: Program) -> None:
    cli("source", "add", "me", str(vdir(cli.home / "vdir", "home", 1)), f"password={PASSWORD}")
    ended = cli.at(Defective())("discover", "@me", "-vv")
    assert ended.code == 1
    assert "internal error: KeyError" in ended.err
    assert "Traceback" in ended.err
    assert_silent(ended)
