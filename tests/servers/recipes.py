"""How each real server is started for the tests; one process of each per test run, on the loopback interface."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin

from caldav_backup.cli.embedded_radicale import start_radicale, write_users
from caldav_backup.cli.loopback import HOST, LoopbackServer, serve
from tests.servers.server import Server, members

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = "a test's password"


class Radicale:
    """Radicale: Basic authentication, plain files. Every test is another user, so that none sees another's home."""

    module = "radicale"

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._users: dict[str, str] = {}
        self._process: LoopbackServer = start_radicale(directory, self._users)

    def fresh_home(self) -> Server:
        user = f"user{len(self._users) + 1}"
        self._users[user] = PASSWORD
        write_users(self._directory, self._users)
        url = self._process.url
        return Server("radicale", url, urljoin(url, f"{user}/"), user, PASSWORD)

    def stop(self) -> None:
        self._process.stop()


class Xandikos:
    """Xandikos: git-backed, no authentication of its own, one principal; its home is emptied for every test."""

    module = "xandikos"

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
