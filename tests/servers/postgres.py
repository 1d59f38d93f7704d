"""A PostgreSQL cluster of one test run's server: in its directory, for its account, durable for nobody."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path

from caldav_backup.cli.loopback import HOST
from tests.servers.processes import NotStarted, Processes, free_port


def binaries() -> Path | None:
    """The directory of the newest version's programs; Debian keeps them off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    return found[-1].parent if found else None


class Postgres:
    """Answers on a free loopback port and on a socket in the directory; nobody needs a password."""

    def __init__(self, processes: Processes, user: str) -> None:
        programs = binaries()
        assert programs is not None
        self.port = free_port()
        self._psql = programs / "psql"
        self._processes = processes
        self.environment: Mapping[str, str] = {
            "PGHOST": str(processes.directory),
            "PGPORT": str(self.port),
            "PGUSER": user,
        }
        data = processes.directory / "postgres"
        made: list[str | Path] = [
            "--pgdata",
            data,
            "--auth=trust",
            "--no-sync",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--username",
            user,
        ]
        processes.run([programs / "initdb", *made])
        unsafe = "fsync=off synchronous_commit=off full_page_writes=off".split()
        small = "max_connections=100 shared_buffers=64MB".split()
        options = [part for option in [f"listen_addresses={HOST}", *unsafe, *small] for part in ("-c", option)]
        # SIGINT: do not wait for clients to leave.
        argv: list[str | Path] = [
            programs / "postgres",
            "-D",
            data,
            "-p",
            str(self.port),
            "-k",
            processes.directory,
            *options,
        ]
        processes.start(argv, stop=signal.SIGINT)
        processes.wait_until(self._answers, "PostgreSQL")

    def execute(self, statements: str, database: str = "postgres") -> None:
        argv: list[str | Path] = [
            self._psql,
            "--quiet",
            "--no-psqlrc",
            "--set",
            "ON_ERROR_STOP=1",
            "--dbname",
            database,
        ]
        self._processes.run(argv, environment=self.environment, typed=statements)

    def _answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except NotStarted:
            return False
        return True
