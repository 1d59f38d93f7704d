"""When a calendar was last listed in full, and whether its signals may be believed since.

Owns the extended attribute `user.caldav.listed` and the rule that follows from it: a calendar whose CTag and sync-token
are those of an earlier run is not asked for its records, but for a while only.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple, Self

from caldav_backup.connectors.base import SIGNALS

ATTRIBUTE = "listed"

#: Seconds after which signals alone are believed no longer: on sabre/dav (Nextcloud) both are plain counters, which a
#: calendar that is deleted and made anew can reach again. Half a day less than seven days, so that nightly runs keep to
#: seven.
BELIEVED_FOR = 6.5 * 86_400

_UNSETTLED = b" unsettled"


class LastListing(NamedTuple):
    """`when` in Unix seconds by our clock; `is_settled` is False when later changes may leave the signals alone."""

    when: int
    is_settled: bool

    def to_bytes(self) -> bytes:
        """`2026-11-22T03:00:00Z`, and ` unsettled` where that is so."""
        text = datetime.fromtimestamp(self.when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
        return text if self.is_settled else text + _UNSETTLED

    @classmethod
    def from_bytes(cls, value: bytes) -> Self | None:
        """None for anything else: the calendar is listed then."""
        try:
            moment = datetime.fromisoformat(value.removesuffix(_UNSETTLED).decode("ascii"))
            return cls(int(moment.timestamp()), not value.endswith(_UNSETTLED))
        except ValueError:
            return None

    def is_recent(self, now: float) -> bool:
        """False when it is too long ago, or to come: a clock went backwards."""
        return 0 <= now - self.when < BELIEVED_FOR


def has_moved(before: Mapping[str, bytes], now: Mapping[str, bytes]) -> bool:
    """True unless CTag and sync-token are the same as before, as far as the source gives any; one of them at least."""
    tokens = [(before.get(name), now.get(name)) for name in SIGNALS]
    return not any(new for _, new in tokens) or any(old != new for old, new in tokens)
