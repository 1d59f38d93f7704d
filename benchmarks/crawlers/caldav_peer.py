"""python-caldav in a script that backs up as its documentation shows: each calendar's events into files.

The first run asks each calendar for its sync token (`get_property`) and for its events (`get_events`: one
calendar-query with all contents). The quiet run gives the token back (`get_objects_by_sync_token`), the least that the
library offers for this. Where a server has no tokens (sabre/dav 1.8) there is nothing to give back: all is read again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.crawlers.account import Account, begin, done, now


def write(event: Any, directory: Path) -> None:
    (directory / event.url.path.rsplit("/", 1)[-1]).write_bytes(event.data.encode())


def read_all(calendar: Any, directory: Path) -> str | None:
    """Every event into a file; the token to come back with. It is asked for first, so that nothing falls between."""
    from caldav.elements import dav

    token: str | None = calendar.get_property(dav.SyncToken())
    directory.mkdir(parents=True, exist_ok=True)
    for event in calendar.get_events():
        write(event, directory)
    return token


def read_changes(calendar: Any, directory: Path, token: str) -> str:
    changes = calendar.get_objects_by_sync_token(token, load_objects=True, disable_fallback=True)
    for event in changes:
        write(event, directory)
    new: str = changes.sync_token
    return new


def run(account: Account) -> None:
    import caldav

    kept = Path(account.directory) / "tokens.json"
    tokens: dict[str, str | None] = json.loads(kept.read_text()) if kept.exists() else {}
    # Basic from the first request on, as its documentation advises: it spares one round trip that is refused.
    client = caldav.DAVClient(account.url, username=account.user, password=account.password, auth_type="basic")
    with client:
        for calendar in client.principal().get_calendars():
            path = calendar.url.path
            directory = Path(account.directory) / "files" / path.strip("/").replace("/", "-")
            token = tokens.get(path)
            tokens[path] = read_changes(calendar, directory, token) if token else read_all(calendar, directory)
    kept.write_text(json.dumps(tokens))


def main() -> None:
    account = Account.from_command_line()
    begin(account)
    run(account)
    ended = now()
    done(account, len(list((Path(account.directory) / "files").rglob("*.ics"))), ended)


if __name__ == "__main__":
    main()
