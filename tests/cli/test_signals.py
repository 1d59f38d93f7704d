"""A run that is told to stop in the middle of its network work ends in order and leaves nothing half done."""

from __future__ import annotations

import http.server
import signal
import subprocess
import sys
import threading

import pytest

from tests.cli.conftest import ROOT, Program
from tests.cli.test_bad_input import serving

# A runner in the background may have told its children to ignore SIGINT.
PROGRAM = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from caldav_backup.cli.app import main; sys.exit(main(sys.argv[1:]))"
)


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_signal_ends_a_backup_that_waits_for_its_server(
    cli: Program, number: signal.Signals, code: int, word: str
) -> None:
    cli("init", "--plaintext")
    arrived, release = threading.Event(), threading.Event()

    def hang(handler: http.server.BaseHTTPRequestHandler) -> None:
        arrived.set()
        release.wait(timeout=60)
        handler.close_connection = True

    with serving(handle_any=hang, do_PROPFIND=hang) as url:
        command = [sys.executable, "-c", PROGRAM, "backup", url]
        with subprocess.Popen(
            command, env=cli.environ, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert arrived.wait(timeout=60)
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
        release.set()
    assert (process.returncode, out, err) == (code, "", f"caldav-backup: {word}\n")
    assert cli("ls", "--json").document["result"]["snapshots"] == []
    assert cli("check").code == 0
