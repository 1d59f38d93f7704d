"""The real servers of the tests: one process (group) of each per test process, on the loopback interface.

Owns: Radicale and Xandikos, which PyPI has, and the list of all. The servers that Debian has are a module each.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol
from urllib.parse import urljoin

from caldav_backup.cli.embedded_radicale import start_radicale, write_users
from caldav_backup.cli.loopback import HOST, LoopbackServer, serve
from tests.servers.cyrus import Cyrus
from tests.servers.davical import Davical
from tests.servers.sabredav import SabreDav
from tests.servers.server import PASSWORD, Server, members
from tests.servers.sogo import Sogo

_IN_GROUP = "it is not installed: dependency group `servers`"


class RunningServer(Protocol):
    def fresh_home(self) -> Server: ...

    def stop(self) -> None: ...


class Recipe(Protocol):
    """A class whose instances are running servers; `directory` is for what they keep outside of their own place.

    `lacks` says why it cannot be started here, and what to do about it; empty: it can.
    """

    def lacks(self) -> str: ...

    def __call__(self, directory: Path, /) -> RunningServer: ...


class Radicale:
    """Radicale: Basic authentication, plain files. Every test is another user, so that none sees another's home."""

    @staticmethod
    def lacks() -> str:
        return "" if find_spec("radicale") else _IN_GROUP

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._homes = 0
        self._users: dict[str, str] = {}
        self._process: LoopbackServer = start_radicale(directory, self._users)

    def fresh_home(self) -> Server:
        self._homes += 1
        user, other = f"user{self._homes}", f"other{self._homes}"
        self._users |= {user: PASSWORD, other: PASSWORD}
        write_users(self._directory, self._users)
        url = self._process.url
        return Server("radicale", url, urljoin(url, f"{user}/"), user, PASSWORD, other_user=other)

    def stop(self) -> None:
        self._process.stop()


class Xandikos:
    """Xandikos: git-backed, no authentication of its own, one principal; its home is emptied for every test."""

    @staticmethod
    def lacks() -> str:
        return "" if find_spec("xandikos") else _IN_GROUP

    def __init__(self, directory: Path) -> None:
        def arguments(port: int) -> list[str]:
            where = ["--directory", str(directory / "xandikos"), "--state-dir", str(directory / "xandikos-state")]
            listen = ["--listen-address", HOST, "--port", str(port), "--no-detect-systemd"]
            return ["serve", *where, *listen, "--current-user-principal", "/alice/", "--autocreate", "--defaults"]

        self._process: LoopbackServer = serve("xandikos", arguments, directory / "xandikos.log")

    def fresh_home(self) -> Server:
        url = self._process.url
        server = Server("xandikos", url, urljoin(url, "alice/calendars/"), "", "")
        for href in members(server):
            server.expect("DELETE", href)
        return server

    def stop(self) -> None:
        self._process.stop()


RECIPES: Mapping[str, Recipe] = {
    "radicale": Radicale,
    "xandikos": Xandikos,
    "sabredav": SabreDav,
    "cyrus": Cyrus,
    "davical": Davical,
    "sogo": Sogo,
}
