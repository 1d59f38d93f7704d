"""What goes wrong for people, each one clear line and the right exit code."""

from __future__ import annotations

import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, Ended, Program
from tests.cli.test_backup import vdir
from tests.cli.test_init import MARK, make_encrypted
from tests.events import event, events


@pytest.fixture
def store(cli: Program) -> Program:
    """A plaintext store with two snapshots of a calendar that grew."""
    root = vdir(cli.home / "vdir", "home", 5)
    cli("init", "--plaintext")
    assert cli("backup", str(root)).code == 0
    (root / "home" / event(9).name).write_bytes(event(9).content)
    assert cli("backup", str(root)).code == 0
    return cli


def files(cli: Program, kind: str) -> list[Path]:
    """The store's files of one kind, the oldest first."""
    found = [path for path in (cli.home / "store" / kind).rglob("*") if path.is_file()]
    return sorted(found, key=lambda path: path.stat().st_mtime_ns)


def one_line(ended: Ended, code: int) -> str:
    """The one line on standard error of a run that ended with `code` and printed nothing else."""
    assert (ended.code, ended.out) == (code, ""), ended
    (line,) = ended.err.splitlines()
    assert line.startswith("caldav-backup: ")
    assert "internal error" not in line
    return line


def assert_damaged(store: Program) -> None:
    """Both snapshots are left out, each with a warning, and what would need them says why it cannot have them."""
    for words in (
        ["ls"],
        ["restore", "--to", str(store.home / "out")],
        ["cat", "latest:/home/a.ics"],
        ["info", "latest"],
    ):
        ended = store(*words)
        assert (ended.code, ended.out) == (65, ""), ended
        first, second, *error = ended.err.splitlines()
        assert all("is damaged and left out" in line for line in (first, second))
        assert error == [] if words == ["ls"] else "2 damaged ones were left out" in error[0]


def test_a_wrong_passphrase(cli: Program) -> None:
    make_encrypted(cli)
    line = one_line(cli("ls", CALDAV_BACKUP_PASSPHRASE="wrong"), 77)
    assert f"{cli.home / 'store'}: the passphrase does not open the store" in line


def test_no_store(cli: Program) -> None:
    assert str(cli.home / "store") in one_line(cli("ls"), 66)
    (cli.home / "store").mkdir()
    assert str(cli.home / "store") in one_line(cli("ls"), 66)
    (cli.home / "store" / "CONFIG").mkdir()
    assert cli("ls").code != 0


def test_a_store_of_a_newer_version(store: Program) -> None:
    config = store.home / "store" / "CONFIG"
    content = bytearray(config.read_bytes())
    content[14] = 9
    config.write_bytes(content)
    assert "version" in one_line(store("ls"), 78)


def test_a_config_that_is_cut_or_garbage(store: Program) -> None:
    config = store.home / "store" / "CONFIG"
    whole = config.read_bytes()
    for content in (whole[:40], whole[:-1], b"no store at all, but long enough to look at" * 3):
        config.write_bytes(content)
        one_line(store("ls"), 65)


def test_a_truncated_packfile(store: Program) -> None:
    for packfile in files(store, "packfiles"):
        packfile.write_bytes(packfile.read_bytes()[: packfile.stat().st_size // 2])
    assert_damaged(store)
    ended = store("check")
    assert (ended.code, ended.err.startswith("caldav-backup: damage: ")) == (65, True)


def test_a_missing_packfile(store: Program) -> None:
    for packfile in files(store, "packfiles"):
        packfile.unlink()
    assert_damaged(store)


def test_a_missing_state(store: Program) -> None:
    files(store, "states")[0].unlink()
    listed = store("ls", "--json").document["result"]["snapshots"]
    assert len(listed) == 1
    one_line(store("cat", f"latest:/home/{event(1).name}"), 65)
    assert store("check").code == 65


def test_a_changed_state(store: Program) -> None:
    state = files(store, "states")[0]
    content = bytearray(state.read_bytes())
    content[30] ^= 1
    state.write_bytes(content)
    assert state.name[:16] in one_line(store("ls"), 65)


def test_a_full_disk(store: Program) -> None:
    for each in events(200, first=100):
        (store.home / "vdir" / "home" / each.name).write_bytes(each.content)
    before = store("ls", "--json").out
    # The limit of a file's size stands for the limit of the disk: 16 KiB here.
    # -B: a compiled module that meets the limit would stay behind, cut short (CPython 3.11), for every later run.
    command = f'ulimit -f 16; exec {sys.executable} -B -m caldav_backup backup "$0"'
    done = subprocess.run(
        ["/bin/bash", "-c", command, str(store.home / "vdir")],
        env=store.environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    one_line(Ended(done.returncode, done.stdout, done.stderr), 73)
    assert store("ls", "--json").out == before
    assert store("check", "--read-data").code == 0


@pytest.mark.full
def test_an_archive_that_cannot_be_written(cli: Program) -> None:
    root = vdir(cli.home / "vdir", "home", 1)
    archive = ROOT / "tests" / "golden" / "h-encrypted.ptar"
    variables = {"CALDAV_BACKUP_PASSPHRASE": "golden passphrase 2024"}
    assert "read" in one_line(cli("at", str(archive), "backup", str(root), **variables), 73)


class Answers(http.server.BaseHTTPRequestHandler):
    """A server that answers everything with what its class says."""

    status = 207
    body = b""
    length: int | None = None
    kind = "application/xml"

    def handle_any(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        self.rfile.read(size)
        self.send_response(self.status)
        self.send_header("Content-Type", self.kind)
        self.send_header("Content-Length", str(self.length if self.length is not None else len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)
        self.close_connection = True

    do_GET = do_PROPFIND = do_REPORT = do_OPTIONS = handle_any  # noqa: N815  # the base class's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        """Nobody reads it."""


@contextmanager
def serving(**answer: object) -> Iterator[str]:
    """The URL of a server that answers like that."""
    handler = type("Handler", (Answers,), answer)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"status": 404, "body": b"nothing here"}, 66),
        ({"status": 405, "body": b"only GET here"}, 66),
        ({"status": 200, "body": b"<html>please log in</html>", "kind": "text/html"}, 66),
        ({"status": 207, "body": b'<?xml version="1.0"?><multistatus xmlns="DAV:"/>'}, 66),
        ({"status": 207, "body": b"<multistatus><unfinished"}, 69),
        ({"status": 207, "body": b"\x00\x01garbage"}, 66),
        ({"status": 207, "body": b"<multistatus xmlns='DAV:'><response>", "length": 5000}, 69),
        ({"status": 403, "body": b"no"}, 77),
        ({"status": 401, "body": b"who?"}, 77),
    ],
    ids=["404", "405", "login page", "empty multistatus", "cut XML", "garbage", "dies in mid-answer", "403", "401"],
)
def test_a_server_that_answers_otherwise(cli: Program, answer: dict[str, object], code: int) -> None:
    with serving(**answer) as url:
        one_line(cli("discover", url), code)


def test_a_server_that_is_not_there(cli: Program) -> None:
    with serving() as url:
        pass
    assert "refused" in one_line(cli("discover", url), 69)


@pytest.mark.full
def test_a_host_that_does_not_exist(cli: Program) -> None:
    one_line(cli("discover", "caldav://does-not-exist.invalid/"), 69)


def test_a_passphrase_in_no_message_at_all(store: Program) -> None:
    ended = store("ls", "-vv", CALDAV_BACKUP_PASSPHRASE=MARK)
    assert ended.code == 78
    assert MARK not in ended.err + ended.out


def test_many_damaged_snapshots_are_not_all_told(store: Program) -> None:
    for _ in range(3):
        store("backup", str(store.home / "vdir"))
    for packfile in files(store, "packfiles"):
        packfile.unlink()
    lines = store("ls").err.splitlines()
    assert (len(lines), "more snapshots are damaged" in lines[-1]) == (4, True)
