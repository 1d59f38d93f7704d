"""Standard streams that are closed, full, or read by nobody."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, Ended, Program
from tests.cli.test_backup import vdir

full_device = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")


@pytest.fixture
def store(cli: Program) -> Program:
    """A plaintext store with one snapshot."""
    cli("init", "--plaintext")
    assert cli("backup", str(vdir(cli.home / "vdir", "home", 2))).code == 0
    return cli


def shell(cli: Program, script: str) -> Ended:
    """`script` in a shell; `$cb` is the program."""
    done = subprocess.run(
        ["/bin/bash", "-c", f"cb='{sys.executable} -m caldav_backup'; {script}"],
        env=cli.environ | {"PATH": "/usr/bin:/bin"},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@full_device
@pytest.mark.parametrize("words", ["ls --json", "--help", "cat latest:/home/*.ics"])
def test_output_to_a_full_disk_is_told_once(store: Program, words: str) -> None:
    leaf = next((store.home / "vdir" / "home").iterdir()).name
    ended = shell(store, f"$cb {words.replace('*.ics', leaf)} >/dev/full")
    assert (ended.code, len(ended.err.splitlines())) == (73, 1)
    assert "No space left on device" in ended.err


@full_device
def test_a_log_that_is_full_stops_nothing(store: Program) -> None:
    (store.home / "vdir" / "home" / "broken.ics").write_text("no calendar")
    assert shell(store, f"$cb backup {store.home / 'vdir'} 2>/dev/full").code == 3
    assert len(store("ls", "--json").document["result"]["snapshots"]) == 2


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_a_backup_needs_no_standard_stream(store: Program, closed: str) -> None:
    ended = shell(store, f"$cb backup {store.home / 'vdir'} {closed}")
    assert (ended.code, ended.err) == (0, "")
    assert len(store("ls", "--json").document["result"]["snapshots"]) == 2
    assert store("check", "--read-data").code == 0


def test_a_failure_has_its_code_also_when_it_cannot_be_told(store: Program) -> None:
    assert shell(store, "$cb ls nonsense 2>&-").code == 2


@pytest.mark.parametrize("words", ["ls events", "--help"])
def test_a_reader_that_takes_one_line_gets_it_and_hears_no_complaint(store: Program, words: str) -> None:
    ended = shell(store, f"$cb {words} | head -1")
    assert (len(ended.out.splitlines()), ended.err) == (1, "")


@pytest.mark.full
def test_json_is_the_same_into_a_pipe_that_is_read_to_its_end(store: Program) -> None:
    assert json.loads(shell(store, "$cb ls --json | cat").out) == store("ls", "--json").document
