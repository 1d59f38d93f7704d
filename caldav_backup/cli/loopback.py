"""One throw-away server process on the loopback interface: for `demo`, and for the tests' real servers.

Owns: a free port, the process and its group, the wait until it answers, its end. Does not own: what is served.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

HOST = "127.0.0.1"
READY_WITHIN = 30.0  # seconds
ATTEMPTS = 3  # a free port may be taken by somebody else before the server binds it
_POLL = 0.03

# The server ends when its standard input does, thus also when this process is killed and can clean up nothing.
_LEASH = """
import os, runpy, sys, threading
def hold():
    while os.read(0, 1):
        pass
    os._exit(0)
threading.Thread(target=hold, daemon=True).start()
module = sys.argv[1]
sys.argv = [module, *sys.argv[2:]]
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


class ServerDidNotStart(Exception):
    """The process ended or did not answer in time; the message ends with the last lines of its log."""


@dataclass(frozen=True, slots=True)
class LoopbackServer:
    """A running server: `url` ends with a slash. `stop()` ends it; a second call does nothing."""

    url: str
    log: Path
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        if self.process.poll() is None:
            self._signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGKILL)
                self.process.wait()
        if self.process.stdin:
            self.process.stdin.close()

    def _signal(self, number: int) -> None:
        # Its own group, so that workers end with it; nobody has waited for it yet, so the id is still its own.
        os.killpg(self.process.pid, number)


def serve(module: str, arguments: Callable[[int], Sequence[str]], log: Path) -> LoopbackServer:
    """Runs Python module `module` with `arguments(port)` until it answers HTTP on a free port of the loopback."""
    for attempt in range(ATTEMPTS):
        server = _start(module, arguments, log)
        if _becomes_ready(server):
            return server
        server.stop()
        if "in use" not in _tail(log) or attempt == ATTEMPTS - 1:
            break
    raise ServerDidNotStart(f"{module} did not start on {HOST}. Its log ends with:\n{_tail(log)}")


def _start(module: str, arguments: Callable[[int], Sequence[str]], log: Path) -> LoopbackServer:
    port = _free_port()
    command = [sys.executable, "-c", _LEASH, module, *arguments(port)]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=output, stderr=output, cwd=log.parent, start_new_session=True
        )
    return LoopbackServer(f"http://{HOST}:{port}/", log, process)


def _becomes_ready(server: LoopbackServer) -> bool:
    # A proxy in the environment must not get to see loopback requests.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            opener.open(server.url, timeout=5).close()
        except urllib.error.HTTPError as answer:
            answer.close()
        except OSError:
            time.sleep(_POLL)
            continue
        return server.process.poll() is None
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
