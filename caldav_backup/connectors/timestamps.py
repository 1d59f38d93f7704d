"""Times as servers write them, as Unix nanoseconds.

Owns the reading of HTTP dates (RFC 9110 §5.6.7), fast for the one form that servers send, tolerant for the rest.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

_MONTHS = {name: number for number, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
_SECOND = 1_000_000_000


@lru_cache(maxsize=4096)
def http_date_ns(text: str) -> int:
    """Nanoseconds since the Unix epoch of `Sun, 06 Nov 1994 08:49:37 GMT`; 0 when `text` is no date."""
    try:
        if len(text) == 29 and text.endswith(" GMT"):
            moment = datetime(
                int(text[12:16]),
                _MONTHS[text[8:11]],
                int(text[5:7]),
                int(text[17:19]),
                int(text[20:22]),
                int(text[23:25]),
                tzinfo=UTC,
            )
        else:
            moment = parsedate_to_datetime(text)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
        return int(moment.timestamp()) * _SECOND
    except (ValueError, KeyError, TypeError, OverflowError):
        return 0
