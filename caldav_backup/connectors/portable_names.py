"""Names that every common file system takes, and that lead nowhere: for directories, and for who unpacks archives.

Owns what must be changed in a name from a snapshot, which is never trusted as a path, and how two calendars stay apart.
What a snapshot's own names look like is `naming`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from blake3 import blake3

from caldav_backup.connectors import naming

#: Characters that no Windows file system takes, and what is no text at all.
_NOT_PORTABLE = re.compile(r'[\\:*?"<>|\ud800-\udfff]')
#: Names that Windows takes for devices, whatever extension follows.
_DEVICES = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:\..*)?", re.IGNORECASE)


def safe_file_name(name: str) -> str:
    """`name` as one component of a path, fit for every common file system.

    What had to change gets a digest of it, so that different names stay different, where there is room for one.
    """
    safe = _NOT_PORTABLE.sub("_", naming.safe_name(name)).rstrip(" .") or "_"
    if _DEVICES.fullmatch(safe):
        safe = f"_{safe}"
    has_room = len(safe.encode("utf-8")) < naming.MAX_NAME_BYTES - 8
    return naming.with_suffix(safe, _digest(name, 6)) if safe != name and has_room else safe


def safe_record_name(name: str, uid: str | None, attempt: int) -> str:
    """The same for a record, with its extension; every further attempt gives another name."""
    safe = safe_file_name(naming.record_name(name))
    return naming.with_suffix(safe, _digest(f"{name}\0{uid}", 6 + attempt)) if attempt else safe


def iter_numbered(name: str) -> Iterator[str]:
    """`name`, `name-2`, `name-3` …"""
    yield name
    number = 2
    while True:
        yield f"{name}-{number}"
        number += 1


def _digest(text: str, length: int) -> str:
    return blake3(text.encode("utf-8", "surrogateescape")).hexdigest()[:length]
