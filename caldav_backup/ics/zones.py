"""Time zone definitions: where they stand in an object, and which of them only the object itself can tell.

Does not own the arithmetic of zones, which is the time zone database's and the icalendar library's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from zoneinfo import ZoneInfo

# Up to its END, never over the beginning of another component whose own END is elsewhere.
_ZONE = re.compile(
    rb"^BEGIN:VTIMEZONE[ \t]*\n(?:(?!BEGIN:V|END:VTIMEZONE)[^\n]*\n)*END:VTIMEZONE[ \t]*(?:\n|\Z)",
    re.MULTILINE | re.IGNORECASE,
)


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
