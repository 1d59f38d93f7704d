"""`source ping` and `destination ping` of a directory or a file.

Owns the words about directories, and what both kinds of answers have in common.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caldav_backup.cli.answer import Answer, Table
from caldav_backup.cli.counting import counted
from caldav_backup.cli.exits import Exit
from caldav_backup.cli.running import run_async
from caldav_backup.settings import DirectoryAddress, Kind, Location

if TYPE_CHECKING:
    from caldav_backup.connectors.base import Record

#: Of the table that people get.
HEADINGS = ("what", "answer")


def identity(location: Location, origin: str) -> dict[str, Any]:
    """Which location was asked, as the JSON document says it."""
    return {"kind": location.kind.value, "name": location.name or None, "origin": origin}


def ping_directory(location: Location, address: DirectoryAddress) -> Answer:
    """How many calendars there are, one event, and whether something can be written."""
    path = address.path
    calendars, event = (0, None)
    if location.kind is Kind.SOURCE or path.is_dir():
        calendars, event = run_async(_read_directory(path))
    writable = _is_writable(path)
    lines = [("address", f"{path} (directory)"), ("calendars", counted(calendars, "calendar"))]
    if location.kind is Kind.DESTINATION:
        lines.append(("writing", "is possible" if writable else "is not possible"))
    lines.append(
        ("one event", "there is none to read" if event is None else f"{event[0]}: {counted(event[1], 'byte')}")
    )
    fields: dict[str, Any] = {
        **dict.fromkeys(("url", "tls", "principal", "round_trip")),
        **{key: [] for key in ("homes", "unreadable", "supports")},
        "calendars": calendars,
        "left_out": 0,
        "event": None if event is None else {"path": event[0], "bytes": event[1], "seconds": 0, "error": None},
        "server": "",
        "requests": 0,
        "writable": writable,
    }
    unwritable = location.kind is Kind.DESTINATION and not writable
    return Answer(
        identity(location, str(path.absolute())) | fields,
        [Table(HEADINGS, lines)],
        trouble=[f"{path} cannot be written to"] if unwritable else [],
        exit=Exit.NOT_WRITABLE if unwritable else Exit.DONE,
    )


async def _read_directory(path: Path) -> tuple[int, tuple[str, int] | None]:
    """How many calendars there are, and the name and size of the first event."""
    from caldav_backup.connectors.base import Resource
    from caldav_backup.connectors.directory import DirectorySource

    source = DirectorySource(path)
    collections = (await source.catalogue()).collections
    for collection in collections:
        versions = (await source.list_versions(collection)).versions
        records: list[Record] = await source.fetch(collection, versions[:1])
        for record in records:
            if isinstance(record, Resource):
                return len(collections), (record.version.leaf, len(record.content))
    return len(collections), None


def _is_writable(path: Path) -> bool:
    """True when something can be put there: into the directory, or into the nearest one above that there is."""
    there = next((each for each in (path, *path.absolute().parents) if each.exists()), Path("/"))
    return os.access(there, os.W_OK) and (there == path or there.is_dir())
