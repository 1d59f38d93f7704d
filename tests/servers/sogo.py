"""SOGo (Debian's sogo) with a PostgreSQL cluster and a memcached of its own."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from caldav_backup.cli.loopback import HOST
from caldav_backup.cli.plain_dav import PlainClient
from tests.servers.mailbox import Mailbox
from tests.servers.postgres import Postgres, binaries
from tests.servers.processes import Processes, free_port, packages, program
from tests.servers.server import PASSWORD, Server, answers

_SETTINGS = Path("/etc/sogo/sogo.conf")
_SETUP = """\
CREATE TABLE sogo_users (c_uid text PRIMARY KEY, c_name text, c_password text, c_cn text, mail text);
"""


class Sogo:
    """Rewrites what it stores, and mails invitations into a directory. Every test is another user.

    A home has the calendar `personal` at first, which cannot be deleted.
    """

    @staticmethod
    def lacks() -> str:
        if not (program("sogod") and program("memcached") and binaries()):
            return packages("sogo postgresql memcached")
        # SOGo 5.8 starts as anybody, but not without reading this file, which settings on its command line go before.
        unread = _SETTINGS.exists() and os.geteuid() != 0 and not os.access(_SETTINGS, os.R_OK)
        return (
            f"it needs to read {_SETTINGS}, which is for root and sogo only: `chmod a+r {_SETTINGS}`" if unread else ""
        )

    def __init__(self, directory: Path) -> None:
        self._users = 0
        self._processes = Processes("sogo", "sogo")
        self._mailbox = Mailbox(directory / "mail")
        try:
            self._launch()
        except BaseException:
            self.stop()
            raise

    def _launch(self) -> None:
        self._postgres = Postgres(self._processes, "sogo")
        self._postgres.execute("CREATE DATABASE sogo")
        self._postgres.execute(_SETUP, "sogo")
        memcached, sogod = program("memcached"), program("sogod")
        assert memcached and sogod
        self._processes.start([memcached, "-s", self._processes.directory / "memcached", "-m", "32"])
        port = free_port()
        self._url = f"http://{HOST}:{port}/SOGo/dav/"
        settings = self._settings(f"{HOST}:{port}")
        arguments = [part for key, value in settings.items() for part in (f"-{key}", value)]
        # SIGKILL: SOGo 5.8 takes more than eight seconds over a SIGTERM.
        self._processes.start([sogod, *arguments], stop=signal.SIGKILL)
        self._processes.wait_until(lambda: answers(self._url, 401), "SOGo")

    def fresh_home(self) -> Server:
        self._users += 1
        user, other = f"user{self._users}", f"other{self._users}"
        rows = ", ".join(_row(name) for name in (user, other))
        self._postgres.execute(f"INSERT INTO sogo_users VALUES {rows}", "sogo")
        for name in (user, other):  # its first request makes the tables and the calendar of a home
            PlainClient(f"{self._url}{name}/Calendar/", name, PASSWORD).expect("PROPFIND", "", headers={"Depth": "0"})
        self._mailbox.empty()
        return Server(
            "sogo",
            self._url,
            f"{self._url}{user}/Calendar/",
            user,
            PASSWORD,
            other_user=other,
            mail_directory=self._mailbox.directory,
            built_in=frozenset({"personal"}),
        )

    def stop(self) -> None:
        self._processes.stop()
        self._mailbox.close()

    def _settings(self, address: str) -> dict[str, str]:
        here = self._processes.directory
        database = f"postgresql://sogo:none@{HOST}:{self._postgres.port}/sogo"
        users = (
            f'({{type = sql; id = directory; viewURL = "{database}/sogo_users"; canAuthenticate = YES; '
            "isAddressBook = YES; userPasswordAlgorithm = plain; displayName = Users;})"
        )
        return {
            "WOPort": address,
            "WONoDetach": "YES",
            "WOWorkersCount": "4",
            "WOLogFile": "-",
            "WOPidFile": f"{here}/sogo.pid",
            "WOUseWatchDog": "YES",
            "WOWatchDogRequestTimeout": "10",
            "SxVMemLimit": "2048",
            "SOGoTimeZone": "UTC",
            "SOGoLanguage": "English",
            "SOGoMailSpoolPath": str(here),
            "SOGoProfileURL": f"{database}/sogo_user_profile",
            "OCSFolderInfoURL": f"{database}/sogo_folder_info",
            "OCSSessionsFolderURL": f"{database}/sogo_sessions_folder",
            "OCSEMailAlarmsFolderURL": f"{database}/sogo_alarms_folder",
            "SOGoMemcachedHost": f"{here}/memcached",
            "SOGoMailDomain": "example.org",
            "SOGoMailingMechanism": "smtp",
            "SOGoSMTPServer": f"smtp://{HOST}:{self._mailbox.port}",
            "SOGoAppointmentSendEMailNotifications": "YES",
            "SOGoCalendarDefaultRoles": "()",
            "SOGoPasswordChangeEnabled": "NO",
            "SOGoUserSources": users,
        }


def _row(name: str) -> str:
    password = PASSWORD.replace("'", "''")
    return f"('{name}', '{name}', '{password}', '{name}', '{name}@example.org')"
