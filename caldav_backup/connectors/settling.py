"""When a server's word may be believed although the clock that it goes by is coarse.

HTTP dates are whole seconds, and some servers number their versions: SOGo 5.8 gives `gcs00000000` to whatever is
written anew at an address, and makes CTag and sync-token from the second of the last change. What was written within
the last two seconds may be written once more without showing it, so it is looked at again (git's rule for racy
timestamps).
Owns that judgement; pure.
"""

from __future__ import annotations

import re

from caldav_backup.connectors.base import SIGNALS, Collection, Version

_SECOND = 1_000_000_000
#: One second for the rounding of each of the two times that are compared.
MARGIN_NS = 2 * _SECOND

#: An ETag made from the content, or unique by its length, is never given to other content: Radicale, Xandikos,
#: sabre/dav, Cyrus and DAViCal give 32 hexadecimal digits or more.
_UNIQUE = re.compile(r"[0-9a-fA-F]{32,}")
#: Unix time in seconds, or in a power of a thousandth of it, as it may stand in a token. Before a count it says when
#: the calendar was made, and the count moves with every change (Cyrus 3.6: `1795382361-5`; of several calendars that
#: are made at once, it dates each a second after the one before).
_TIME = re.compile(rb"(?<!\d)(?:\d{10}|\d{13}|\d{16}|\d{19})(?!\d|-\d+\Z)")


def is_settled(version: Version, date_ns: int) -> bool:
    """False for a record that may be changed once more without another ETag, as seen at `date_ns` (0 = unknown)."""
    is_unique = _UNIQUE.fullmatch(version.etag.strip('"')) is not None
    return is_unique or date_ns == 0 or version.mtime_ns + MARGIN_NS <= date_ns


def has_settled_signals(collection: Collection, newest_ns: int) -> bool:
    """True when a later change must move the collection's CTag or sync-token.

    `newest_ns` is the last modification of its newest record. Deletions leave no time behind, so a token that holds the
    present second is not believed either.
    """
    date_ns = collection.date_ns
    if date_ns == 0 or newest_ns + MARGIN_NS > date_ns:
        return False
    tokens = [collection.attributes.get(name, b"") for name in SIGNALS]
    return any(tokens) and not any(_is_of_now(token, date_ns) for token in tokens)


def _is_of_now(token: bytes, date_ns: int) -> bool:
    moments = (int(digits) * 10 ** (19 - len(digits)) for digits in _TIME.findall(token))
    return any(abs(moment - date_ns) <= MARGIN_NS for moment in moments)
