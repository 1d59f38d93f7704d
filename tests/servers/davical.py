"""DAViCal (Debian's davical) on PHP's own web server and a PostgreSQL cluster of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

from caldav_backup.cli.loopback import HOST
from tests.servers.postgres import Postgres, binaries
from tests.servers.processes import Processes, free_port, packages, program
from tests.servers.server import PASSWORD, Server, answers

_SHARE = Path("/usr/share/davical")
_AT_ONCE = 20  # accounts that one run of PHP makes
_ROUTER = Path(__file__).with_name("davical_router.php")
_ACCOUNTS = Path(__file__).with_name("davical_accounts.php")


class Davical:
    """Keeps bytes, needs 30 ms for a GET. Every test is another user, who has no calendar at first."""

    @staticmethod
    def lacks() -> str:
        installed = _SHARE.is_dir() and program("php") and binaries()
        return "" if installed else packages("davical postgresql php-cli php-pgsql php-xml php-mbstring php-curl")

    def __init__(self, _directory: Path) -> None:
        self._users = 0
        self._processes = Processes("davical", "postgres")
        try:
            self._launch()
        except BaseException:
            self.stop()
            raise

    def _launch(self) -> None:
        postgres = Postgres(self._processes, "postgres")
        here = self._processes.directory
        script: list[str | Path] = ["sh", _SHARE / "dba" / "create-database.sh", "davical", PASSWORD.replace("'", "")]
        self._processes.run(script, environment={**postgres.environment, "TMPDIR": str(here)})
        self._copy_program(f"host={HOST} port={postgres.port} dbname=davical user=davical_app")
        port = free_port()
        self._url = f"http://{HOST}:{port}/caldav.php/"
        self._processes.start(
            [*self._php(), "-S", f"{HOST}:{port}", "-t", here / "htdocs", _ROUTER],
            environment={"PHP_CLI_SERVER_WORKERS": "4", "DAVICAL_HTDOCS": str(here / "htdocs")},
            directory=here / "htdocs",
        )
        self._processes.wait_until(lambda: answers(self._url, 401), "DAViCal")

    def _copy_program(self, database: str) -> None:
        """DAViCal reads its settings from a fixed path, hence a copy of its entry pages that reads another."""
        here = self._processes.directory
        shutil.copytree(_SHARE / "htdocs", here / "htdocs", symlinks=True)
        for name in ("inc", "locale", "dba"):
            (here / name).symlink_to(_SHARE / name)
        settings = self._processes.write("config.php", _settings(database))
        entrance = here / "htdocs" / "always.php"
        original = entrance.read_text(encoding="utf-8")
        entrance.write_text(original.replace("/etc/davical/config.php", str(settings)), encoding="utf-8")

    def fresh_home(self) -> Server:
        if self._users % _AT_ONCE == 0:
            numbers = range(self._users + 1, self._users + 1 + _AT_ONCE)
            names = [f"{kind}{number}" for number in numbers for kind in ("user", "other")]
            where = self._processes.directory / "htdocs"
            self._processes.run([*self._php(), _ACCOUNTS, PASSWORD, *names], directory=where)
        self._users += 1
        user = f"user{self._users}"
        return Server("davical", self._url, f"{self._url}{user}/", user, PASSWORD, other_user=f"other{self._users}")

    def stop(self) -> None:
        self._processes.stop()

    def _php(self) -> list[str | Path]:
        options = ["include_path=../inc:/usr/share/awl/inc:/usr/share/php", "memory_limit=1G", "post_max_size=200M"]
        quiet = ["error_reporting=22519", "display_errors=0"]  # E_ALL without deprecations, notices and warnings
        return ["php", *(part for option in [*options, *quiet] for part in ("-d", option))]


def _settings(database: str) -> str:
    return f"""\
<?php
$c->domain_name = '{HOST}';
$c->pg_connect[] = '{database}';
$c->admin_email = 'admin@example.org';
$c->enable_row_linking = false;
$c->default_locale = 'en_US.UTF-8';
$c->enable_auto_schedule = true;
"""
