"""The processes of one real server that is no Python program: where they live, as whom they run, and that they end.

Owns: a directory that an unprivileged account can reach, the account, the wait until something answers. Does not own:
what is started (the recipes), and the end itself (`keeper`).
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from caldav_backup.cli.loopback import HOST
from tests.servers import keeper

READY_WITHIN = 60.0  # seconds
SYSTEM_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])
_POLL = 0.02
_LOG_LINES = 15


class NotStarted(Exception):
    """A process ended or did not answer in time; the message ends with the last lines of the logs."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def program(name: str) -> str | None:
    """Where a program is, also one that only root usually has on the PATH."""
    return shutil.which(name, path=SYSTEM_PATH)


def packages(names: str) -> str:
    """What a server lacks whose Debian packages are not there."""
    return f"it is not installed: `apt-get install {names}`"


class Processes:
    """A directory and the processes in it; as root they run as the system account `account`, otherwise as we do."""

    def __init__(self, name: str, account: str = "") -> None:
        # Not below pytest's own directory: that one is closed to other accounts, and too long a path for a socket.
        self.directory = Path(
            tempfile.mkdtemp(prefix=f"caldav-{name}-", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT"))
        ).resolve()
        self.account = pwd.getpwnam(account) if account and os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self.directory.chmod(0o755)
        self.own(self.directory)
        self._keeper = subprocess.Popen(
            [sys.executable, keeper.__file__, str(self.directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def own(self, *paths: Path) -> None:
        """Hands files and directories, which exist, to the account."""
        for path in paths:
            shutil.chown(path, self.account.pw_uid, self.account.pw_gid)

    def make(self, name: str) -> Path:
        """A new directory of the account; its parents are made too."""
        path = self.directory
        for part in Path(name).parts:
            path /= part
            if not path.exists():
                path.mkdir()
                self.own(path)
        return path

    def write(self, name: str, text: str) -> Path:
        """A new file of the account."""
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        self.own(path)
        return path

    def start(
        self,
        argv: Sequence[str | Path],
        *,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
        stop: signal.Signals = signal.SIGTERM,
    ) -> None:
        """Starts a process that stays, in its own group; what it prints is in `<program>.log`."""
        order = {
            "argv": [str(part) for part in argv],
            "log": str(self.directory / f"{Path(argv[0]).name}.log"),
            "directory": str(directory or self.directory),
            "environment": self._environment(environment),
            "stop": int(stop),
            **self._identity(),
        }
        if self._ask(json.dumps(order)):
            raise NotStarted(f"{argv[0]} could not be run")

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
        typed: str = "",
    ) -> str:
        """Runs a program to its end, `typed` as its input; returns what it printed. Any failure is NotStarted."""
        identity = self._identity()
        result = subprocess.run(
            [str(part) for part in argv],
            check=False,
            input=typed,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=directory or self.directory,
            env=self._environment(environment),
            user=identity["user"],
            group=identity["group"],
            extra_groups=identity["groups"],
        )
        if result.returncode:
            raise NotStarted(f"{argv[0]} ended with {result.returncode}: {result.stdout[-2000:]}")
        return result.stdout

    def wait_until(self, ready: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + READY_WITHIN
        while not ready():
            ended = self._ask("")
            if ended or time.monotonic() > deadline:
                why = f"{ended} ended" if ended else f"it does not answer after {READY_WITHIN:.0f} s"
                raise NotStarted(f"{what} did not start: {why}. The logs end with:\n{self._logs()}")
            time.sleep(_POLL)

    def stop(self) -> None:
        """Ends everything and removes the directory; a second call does nothing."""
        assert self._keeper.stdin and self._keeper.stdout
        self._keeper.stdin.close()
        self._keeper.wait(2 * keeper.PATIENCE)
        self._keeper.stdout.close()

    def _ask(self, line: str) -> str:
        """One line to the keeper; its answer. A keeper that has ended is an answer too."""
        assert self._keeper.stdin and self._keeper.stdout
        self._keeper.stdin.write(f"{line}\n")
        self._keeper.stdin.flush()
        answer = self._keeper.stdout.readline()
        return answer.strip() if answer else "the keeper of the processes"

    def _environment(self, more: Mapping[str, str] | None) -> dict[str, str]:
        return {"PATH": SYSTEM_PATH, "HOME": str(self.directory), "LC_ALL": "C.UTF-8", **(more or {})}

    def _identity(self) -> dict[str, Any]:
        if os.geteuid() != 0 or self.account.pw_uid == 0:
            return {"user": None, "group": None, "groups": None}
        groups = os.getgrouplist(self.account.pw_name, self.account.pw_gid)
        return {"user": self.account.pw_uid, "group": self.account.pw_gid, "groups": groups}

    def _logs(self) -> str:
        logs = [path.read_text(errors="replace").splitlines() for path in sorted(self.directory.glob("*.log"))]
        return "\n".join(line for lines in logs for line in lines[-_LOG_LINES:])
