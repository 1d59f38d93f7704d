"""What may be taken for a calendar object: enough to keep out login pages, and no more.

Owns two looks at bytes; nothing is parsed.
"""

from __future__ import annotations

import re

_BEGIN = re.compile(rb"(?:\xef\xbb\xbf)?\s*BEGIN:VCALENDAR", re.IGNORECASE)
_END = re.compile(rb"END:VCALENDAR\s*\Z", re.IGNORECASE)


def begins_calendar(content: bytes) -> bool:
    """True when `BEGIN:VCALENDAR` comes first, after a byte order mark and blanks."""
    return _BEGIN.match(content) is not None


def ends_calendar(content: bytes) -> bool:
    """True when `END:VCALENDAR` comes last, before blanks."""
    return _END.search(content[-256:]) is not None
