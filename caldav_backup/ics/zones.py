"""Time zone definitions: where they stand in an object, and which of them only the object itself can tell.

Does not own the arithmetic of zones, which is the time zone database's and the icalendar library's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from zoneinfo import ZoneInfo

from caldav_backup.ics.lines import escape, fold, iter_folded, line_name, split_head, to_text, unescape, unfold

# Up to its END, never over the beginning of another component whose own END is elsewhere.
_ZONE = re.compile(
    rb"^BEGIN:VTIMEZONE[ \t]*\n(?:(?!BEGIN:V|END:VTIMEZONE)[^\n]*\n)*END:VTIMEZONE[ \t]*(?:\n|\Z)",
    re.MULTILINE | re.IGNORECASE,
)

_PARAMETER = re.compile(r""";(?P<name>[^=;":]+)=(?P<value>(?:[^";:]|"[^"]*")*)""")
_NEEDS_QUOTES = re.compile("[,;:]")


def without_zones(plain: bytes) -> tuple[bytes, Sequence[bytes]]:
    """An unfolded object without its time zone definitions, and these."""
    zones: list[bytes] = _ZONE.findall(plain)
    return (_ZONE.sub(b"", plain) if zones else plain), zones


@lru_cache(maxsize=1024)
def is_known_zone(tzid: str) -> bool:
    """True when the time zone database knows `tzid`: then its definition inside an object adds nothing."""
    try:
        ZoneInfo(tzid)
    except (OSError, ValueError):
        # ZoneInfoNotFoundError is a KeyError; a name that is a directory or no path at all is one of these.
        return False
    except KeyError:
        return False
    return True


def with_zone_name(zone: bytes, name: str) -> bytes:
    """A folded VTIMEZONE under another name."""
    line = fold(b"TZID:" + escape(name).encode("utf-8")) + b"\n"
    return b"".join(line if line_name(b"".join(unfold(folded))) == "TZID" else folded for folded in iter_folded(zone))


def with_renamed_zones(component: bytes, renamed: Mapping[str, str]) -> bytes:
    """A folded component whose times are told in zones of other names, old names to new ones."""
    return b"".join(_with_renamed_zone(folded, renamed) for folded in iter_folded(component))


def _with_renamed_zone(folded: bytes, renamed: Mapping[str, str]) -> bytes:
    line = b"".join(unfold(folded))
    parts = split_head(line) if b"TZID" in line.upper() else None
    if parts is None:
        return folded

    def written(parameter: re.Match[str]) -> str:
        # Some programs escape in the parameter what has to be escaped in the definition only.
        new = renamed.get(unescape(parameter["value"].strip('"')).strip())
        if new is None or parameter["name"].strip().upper() != "TZID":
            return parameter[0]
        is_quoted = parameter["value"].startswith('"') or _NEEDS_QUOTES.search(new)
        value = f'"{new}"' if is_quoted else new
        return f";{parameter['name']}={value}"

    head = to_text(parts[0])
    other = _PARAMETER.sub(written, head)
    return folded if other == head else fold(other.encode("utf-8") + b":" + parts[1]) + b"\n"
