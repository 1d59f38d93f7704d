"""sabre/dav 1.8 (Debian's php-sabre-dav; Nextcloud, ownCloud and Baikal embed later ones) on PHP's own web server."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

from caldav_backup.cli.loopback import HOST
from tests.servers.processes import Processes, free_port, packages, program
from tests.servers.server import PASSWORD, Server, answers

_TABLES = """
PRAGMA journal_mode = WAL;
CREATE TABLE calendarobjects (id INTEGER PRIMARY KEY ASC, calendardata BLOB, uri TEXT, calendarid INTEGER,
    lastmodified INTEGER, etag TEXT, size INTEGER, componenttype TEXT, firstoccurence INTEGER, lastoccurence INTEGER);
CREATE UNIQUE INDEX one_object ON calendarobjects (calendarid, uri);
CREATE TABLE calendars (id INTEGER PRIMARY KEY ASC, principaluri TEXT, displayname TEXT, uri TEXT, ctag INTEGER,
    description TEXT, calendarorder INTEGER, calendarcolor TEXT, timezone TEXT, components TEXT, transparent BOOL);
CREATE TABLE principals (id INTEGER PRIMARY KEY ASC, uri TEXT UNIQUE, email TEXT, displayname TEXT, vcardurl TEXT);
CREATE TABLE groupmembers (id INTEGER PRIMARY KEY ASC, principal_id INTEGER, member_id INTEGER,
    UNIQUE (principal_id, member_id));
CREATE TABLE users (id INTEGER PRIMARY KEY ASC, username TEXT UNIQUE, digesta1 TEXT);
"""


class SabreDav:
    """Stores bytes as they come. Every test is another user, who has no calendar at first."""

    @staticmethod
    def lacks() -> str:
        installed = program("php") and Path("/usr/share/php/Sabre/autoload.php").exists()
        return "" if installed else packages("php-sabre-dav php-cli php-sqlite3 php-xml php-mbstring")

    def __init__(self, _directory: Path) -> None:
        self._users = 0
        self._processes = Processes("sabredav")
        try:
            self._launch()
        except BaseException:
            self.stop()
            raise

    def _launch(self) -> None:
        self._database = self._processes.directory / "sabre.sqlite"
        with closing(sqlite3.connect(self._database)) as database:
            database.executescript(_TABLES)
        port = free_port()
        self._url = f"http://{HOST}:{port}/"
        self._processes.start(
            ["php", "-d", "memory_limit=1G", "-d", "post_max_size=200M", "-S", f"{HOST}:{port}", _ROUTER],
            environment={"SABRE_DATABASE": str(self._database), "PHP_CLI_SERVER_WORKERS": "4"},
        )
        self._processes.wait_until(lambda: answers(self._url, 401), "sabre/dav")

    def fresh_home(self) -> Server:
        self._users += 1
        user, other = f"user{self._users}", f"other{self._users}"
        with closing(sqlite3.connect(self._database, timeout=10)) as database, database:
            for name in (user, other):
                _add_user(database, name)
        return Server(
            "sabredav",
            self._url,
            f"{self._url}calendars/{user}/",
            user,
            PASSWORD,
            other_user=other,
            digest_url=f"{self._url}digest/",
        )

    def stop(self) -> None:
        self._processes.stop()


_ROUTER = Path(__file__).with_name("sabredav.php")


def _add_user(database: sqlite3.Connection, name: str) -> None:
    principal = f"principals/{name}"
    proxies = [f"{principal}/calendar-proxy-{right}" for right in ("read", "write")]
    for uri in (principal, *proxies):
        row = (uri, f"{name}@example.org", name)
        database.execute("INSERT INTO principals (uri, email, displayname) VALUES (?, ?, ?)", row)
    digest = hashlib.md5(f"{name}:SabreDAV:{PASSWORD}".encode()).hexdigest()
    database.execute("INSERT INTO users (username, digesta1) VALUES (?, ?)", (name, digest))
