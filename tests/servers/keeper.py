"""A program that holds the processes of one server, and ends them all when its standard input ends.

So they also end when the test process is killed and can clean up nothing itself. Every line of the input is one
process to start, as a JSON object (`argv`, `directory`, `environment`, `log`, `user`, `group`, `groups`, `stop`), or
empty. Every line of the output answers with a program that has ended, or is empty. The one argument is a directory that
is removed at the end.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from types import FrameType
from typing import Any, NamedTuple

PATIENCE = 8.0  # seconds that all processes together have for ending by themselves
_POLL = 0.01


class Held(NamedTuple):
    program: str
    process: subprocess.Popen[bytes]
    stop: int


def main() -> None:
    signal.signal(signal.SIGTERM, _leave)
    held: list[Held] = []
    try:
        for line in sys.stdin:
            if line.strip():
                held.append(_start(json.loads(line)))
            ended = (each.program for each in held if _has_ended(each.process.pid))
            sys.stdout.write(next(ended, "") + "\n")
            sys.stdout.flush()
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        end(held)
        shutil.rmtree(sys.argv[1], ignore_errors=True)


def _leave(number: int, frame: FrameType | None) -> None:
    sys.exit(0)


def _start(order: dict[str, Any]) -> Held:
    with open(order["log"], "ab") as log:
        process = subprocess.Popen(
            order["argv"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=order["directory"],
            env=order["environment"],
            user=order["user"],
            group=order["group"],
            extra_groups=order["groups"],
            start_new_session=True,
        )
    return Held(order["argv"][0], process, order["stop"])


def end(held: list[Held]) -> None:
    """Latest first. A process is waited for only after its group is gone, so that the id is its own to the last."""
    deadline = time.monotonic() + PATIENCE
    for each in reversed(held):
        _signal_group(each.process.pid, each.stop)
        while not _has_ended(each.process.pid) and time.monotonic() < deadline:
            time.sleep(_POLL)
        _signal_group(each.process.pid, signal.SIGKILL)  # the workers of `php -S` outlive their parent
        each.process.wait()


def _has_ended(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):  # macOS says the latter of a group of which only zombies are left
        return


if __name__ == "__main__":
    main()
