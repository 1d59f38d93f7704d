"""The calendars that the icalendar package tests itself with, as records; they come with the installed package.

Owns what is done to them so that they can be in one account: a fragment is put into a VCALENDAR, and a UID that an
earlier file has gets the file's number. Every other byte is theirs.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from caldav_backup import ics
from tests.compatibility.records import Kind, Record
from tests.ics.corpus import icalendar_files

_UID = re.compile(rb"^(UID[^:\r\n]*:)([^\r\n]*)", re.MULTILINE | re.IGNORECASE)
_WHOLE = re.compile(rb"BEGIN:(?:VEVENT|VTODO|VJOURNAL|VFREEBUSY|VAVAILABILITY)", re.IGNORECASE)
#: What no server is asked to keep: no object at all, or a piece of one.
_PIECES = ("alarms", "timezones")


@cache
def packaged_records() -> list[Record]:
    """A record per file, in the order of their names."""
    used: set[bytes] = set()
    files = [path for path in icalendar_files() if path.parent.name not in _PIECES]
    contents = ((path, _whole(path.read_bytes())) for path in files)
    return [_record(number, path, content, used) for number, (path, content) in enumerate(contents) if content]


def _whole(content: bytes) -> bytes:
    """The object, or a component as an object; b"" for what is neither."""
    if ics.is_calendar(content):
        return content
    if not _WHOLE.match(content):
        return b""
    return b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n" + content.rstrip() + b"\r\nEND:VCALENDAR\r\n"


def _record(number: int, path: Path, content: bytes, used: set[bytes]) -> Record:
    theirs = {uid.strip() for _, uid in _UID.findall(content)}
    shared = theirs & used
    used |= theirs

    def distinct(line: re.Match[bytes]) -> bytes:
        return line[0] + b"-%d" % number if line[2].strip() in shared else line[0]

    return Record(f"{path.parent.name}-{path.stem}.ics", Kind.PACKAGED, _UID.sub(distinct, content))
