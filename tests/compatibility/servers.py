"""The six servers outside of pytest, each started when it is first asked for, and which versions they are."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.recipes import RECIPES, RunningServer
from tests.servers.server import Server

#: What people call them, in the order of the table.
NAMES: Mapping[str, str] = {
    "radicale": "Radicale",
    "xandikos": "Xandikos",
    "sabredav": "sabre/dav",
    "cyrus": "Cyrus IMAP",
    "davical": "DAViCal",
    "sogo": "SOGo",
}
_DEBIAN_PACKAGES = {"sabredav": "php-sabre-dav", "cyrus": "cyrus-caldav", "davical": "davical", "sogo": "sogo"}


class Servers:
    """Gives fresh homes, as the fixtures of the tests do; `directory` is for what the servers keep."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._running: dict[str, RunningServer] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def fresh_home(self, name: str) -> Server:
        """An account that is as empty as it gets."""
        if name not in self._running:
            where = self._directory / name
            where.mkdir()
            self._running[name] = RECIPES[name](where)
            self._stack.callback(self._running[name].stop)
        return self._running[name].fresh_home()


def version_of(name: str) -> str:
    """The version of the installed package of a server; "unknown" where no package tells it."""
    if name not in _DEBIAN_PACKAGES:
        return version(name)
    if not shutil.which("dpkg-query"):
        return "unknown"
    asked = ["dpkg-query", "--show", "--showformat", "${Version}", _DEBIAN_PACKAGES[name]]
    told = subprocess.run(asked, check=False, capture_output=True, text=True).stdout.strip()
    # 1:2.3.4-5+deb12u1: the epoch and what Debian did to it are nobody's version of the server.
    return told.partition(":")[2].partition("-")[0] if ":" in told else told.partition("-")[0] or "unknown"


def lacking() -> list[str]:
    """What is missing to start all of them, in words."""
    return [f"{name}: {lacks}" for name in NAMES if (lacks := RECIPES[name].lacks())]
