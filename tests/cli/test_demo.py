"""`demo` as a stranger runs it: nothing in the environment, no terminal, and nothing left behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from caldav_backup.cli.demo import MISSING
from caldav_backup.cli.demo_round import CALENDARS, DELETED, LOST, TOTAL, DemoFailed, Round
from caldav_backup.cli.embedded_radicale import is_installed
from caldav_backup.cli.plain_dav import RefusedRequest
from tests.cli.schemas import check_document
from tests.cli.test_signals import PROGRAM

needs_radicale = pytest.mark.skipif(not is_installed(), reason="radicale is not installed (extra `demo`)")


def start(directory: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "demo", *options],
        env={"TMPDIR": str(directory)},
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@needs_radicale
@pytest.mark.full
def test_every_step_says_what_it_did_and_nothing_is_left(tmp_path: Path) -> None:
    demo = start(tmp_path)
    out, err = demo.communicate(timeout=100)
    assert (demo.returncode, err) == (0, "")
    assert [line[:3] for line in out.splitlines() if not line.startswith(" ")][:9] == [f"{n}. " for n in range(1, 10)]
    assert f"{TOTAL} events" in out and "\x1b" not in out
    assert out.splitlines()[-1].startswith("All 9 steps did what they claim")
    assert list(tmp_path.iterdir()) == []


@needs_radicale
@pytest.mark.full
def test_with_json_there_is_one_document(tmp_path: Path) -> None:
    demo = start(tmp_path, "--json")
    out, err = demo.communicate(timeout=100)
    document = check_document(json.loads(out))
    assert (document["ok"], len(document["result"]["steps"]), err) == (True, 9, "")


@needs_radicale
@pytest.mark.full
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_the_middle_leaves_nothing_either(tmp_path: Path, number: int, code: int) -> None:
    demo = start(tmp_path)
    assert demo.stdout is not None
    first = demo.stdout.readline()
    assert first.startswith("1. ")
    address = demo.stdout.readline()
    demo.send_signal(number)
    demo.communicate(timeout=60)
    assert demo.returncode == code
    assert list(tmp_path.iterdir()) == []
    port = address.split("127.0.0.1:")[1].split("/")[0]
    assert not is_listening(int(port))


@needs_radicale
@pytest.mark.full
def test_a_demo_that_is_killed_takes_its_server_along(tmp_path: Path) -> None:
    demo = start(tmp_path)
    assert demo.stdout is not None
    demo.stdout.readline()
    port = int(demo.stdout.readline().split("127.0.0.1:")[1].split("/")[0])
    demo.kill()
    demo.communicate(timeout=60)
    ended = threading.Event()
    for _ in range(100):
        if not is_listening(port):
            break
        ended.wait(0.05)
    assert not is_listening(port)


@needs_radicale
@pytest.mark.full
def test_a_step_that_finds_something_else_than_it_claims_fails(tmp_path: Path) -> None:
    work = Round(tmp_path)
    try:
        work.start_server()
        work.make_store()
        work.change_events()
        with pytest.raises(DemoFailed, match="events fetched: expected 300, found 297"):
            work.back_up_everything()
        with pytest.raises(RefusedRequest, match=r"DELETE .* 404"):
            work.change_events()
    finally:
        work.stop()


def test_without_radicale_it_says_how_to_get_it() -> None:
    assert "caldav-backup[demo]" in MISSING


def test_the_event_that_comes_back_is_one_of_those_that_were_deleted() -> None:
    assert LOST in DELETED and all(event.uid != LOST.uid for event in DELETED[1:])
    assert sum(len(calendar.numbers) for calendar in CALENDARS) == TOTAL


def is_listening(port: int) -> bool:
    script = f"import socket; socket.create_connection(('127.0.0.1', {port}), 2).close()"
    return subprocess.run([sys.executable, "-c", script], check=False, capture_output=True).returncode == 0
