"""What stays whatever a policy says: pinned, the last good one of its source, and what nothing good has replaced yet.

Owns these rules (PRODUCT: never the last good snapshot of a source). Pure: headers in, a standing for each out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from caldav_backup.marks import BEFORE_RESTORE, PINNED
from caldav_backup.retention import reasons
from caldav_backup.retention.groups import lineage_of
from caldav_backup.retention.reasons import Reason

if TYPE_CHECKING:
    from caldav_backup.kloset.header import Header

#: How far ahead the clock of another machine may be before its snapshots count as being from the future.
AHEAD_NS = 3_600_000_000_000

IsGood = Callable[["Header"], "bool | None"]
"""Whether a snapshot is good; None when that cannot be read."""


class Standing(NamedTuple):
    """Why a snapshot stays in any case, and whether rules count it at all: bad ones take no good one's place."""

    reasons: tuple[Reason, ...] = ()
    counts: bool = False

    @property
    def is_last_good(self) -> bool:
        return Reason(reasons.LAST_GOOD) in self.reasons


def standings(headers: Iterable[Header], is_good: IsGood, now_ns: int) -> Mapping[bytes, Standing]:
    """By identifier. `headers` are all snapshots of a store but for incomplete ones, in any order.

    A good snapshot of everything stands for older ones of some calendars, too; never the other way round.
    """
    found: dict[bytes, Standing] = {}
    replaced: dict[tuple[str, ...], set[str]] = {}
    for header in sorted(headers, key=age, reverse=True):
        selections = replaced.setdefault(lineage_of(header), set())
        pinned = (Reason(reasons.PINNED),) if PINNED in header.tags else ()
        if header.timestamp_ns > now_ns + AHEAD_NS:
            found[header.identifier] = Standing((*pinned, Reason(reasons.FUTURE)))
        elif BEFORE_RESTORE in header.tags:
            found[header.identifier] = Standing(pinned, counts=True)
        else:
            is_replaced = not selections.isdisjoint({"", header.perimeter})
            good = is_good(header)
            why = _why_it_stays(good, is_replaced=is_replaced)
            found[header.identifier] = Standing(pinned + why, counts=bool(good))
            if good:
                selections.add(header.perimeter)
    return found


def age(header: Header) -> tuple[int, bytes]:
    """A sort key, the oldest first; the same order as that of listings."""
    return header.timestamp_ns, header.identifier


def _why_it_stays(good: bool | None, *, is_replaced: bool) -> tuple[Reason, ...]:
    if good is None:
        return (Reason(reasons.UNREADABLE),)
    if is_replaced:
        return ()
    return (Reason(reasons.LAST_GOOD if good else reasons.NEWER_THAN_GOOD),)
