"""vdirsyncer as its manual sets it up: a pair of a CalDAV account and a directory, `discover` once, then `sync`.

`discover` is a command of its own that is run before, and is not measured. The events end as files, without fsync.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.crawlers.account import CALENDAR, Account, begin, done, now

_CONFIGURATION = """\
[general]
status_path = "{directory}/status/"

[pair calendars]
a = "server"
b = "files"
collections = ["from a"]
implicit = "create"

[storage server]
type = "caldav"
url = "{home}"
username = "{user}"
password = "{password}"

[storage files]
type = "filesystem"
path = "{directory}/files/"
fileext = ".ics"
"""


def command(account: Account, *arguments: str) -> None:
    """One vdirsyncer command, in this process; it leaves with 1 when it fails."""
    from vdirsyncer.cli import app

    configuration = Path(account.directory) / "configuration"
    if not configuration.exists():
        configuration.write_text(
            _CONFIGURATION.format(
                directory=account.directory, home=account.home, user=account.user, password=account.password
            )
        )
    app(["-v", "WARNING", "-c", str(configuration), *arguments], standalone_mode=False)


def main() -> None:
    account = Account.from_command_line()
    if sys.argv[2] == "prepare":
        command(account, "discover")
        return
    begin(account)
    command(account, "sync")
    ended = now()
    done(account, len(list((Path(account.directory) / "files" / CALENDAR).glob("*.ics"))), ended)


if __name__ == "__main__":
    main()
