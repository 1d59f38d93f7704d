"""What stays whatever a policy says: pinned, the last good one of its source, and what nothing good has replaced yet.

Owns these rules. Pure: headers in, a standing for each out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from caldav_backup.marks import BEFORE_RESTORE, PINNED
from caldav_backup.retention.groups import Lineage, lineage_of
from caldav_backup.retention.reasons import FUTURE, LAST_GOOD, NEWER_THAN_GOOD, UNREADABLE, Reason

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


def standings(latest_first: Sequence[Header], is_good: IsGood, now_ns: int) -> Mapping[bytes, Standing]:
    """By identifier. Given are all snapshots of a store but for incomplete ones, in the order of their commits.

    A good snapshot of everything stands for older ones of some calendars, too; never the other way round. What is older
    is asked of their times as well as of their commits: where a clock has jumped, what one of them says stays.
    """
    present = [header for header in latest_first if header.timestamp_ns <= now_ns + AHEAD_NS]
    backups = [header for header in present if BEFORE_RESTORE not in header.tags]
    good = {header.identifier: is_good(header) for header in backups}
    by_time = _replaced(sorted(backups, key=age, reverse=True), good)
    by_commit = _replaced(backups, good)
    found = {}
    for header in latest_first:
        identifier = header.identifier
        reasons = [Reason(PINNED)] if PINNED in header.tags else []
        if identifier in good:
            reasons += _why_it_stays(good[identifier], identifier in by_time, identifier in by_commit)
        elif header.timestamp_ns > now_ns + AHEAD_NS:
            reasons.append(Reason(FUTURE))
        counts = good.get(identifier, header.timestamp_ns <= now_ns + AHEAD_NS)
        found[identifier] = Standing(tuple(reasons), bool(counts))
    return found


def age(header: Header) -> tuple[int, bytes]:
    """A sort key, the oldest first; the same order as that of listings."""
    return header.timestamp_ns, header.identifier


def _replaced(newest_first: Iterable[Header], good: Mapping[bytes, bool | None]) -> set[bytes]:
    """Those for which a good one that comes before them in this order can stand."""
    found = set()
    selections: dict[Lineage, set[str]] = {}
    for header in newest_first:
        newer = selections.setdefault(lineage_of(header), set())
        if not newer.isdisjoint({"", header.perimeter}):
            found.add(header.identifier)
        if good[header.identifier]:
            newer.add(header.perimeter)
    return found


def _why_it_stays(good: bool | None, is_replaced_by_time: bool, is_replaced_by_commit: bool) -> list[Reason]:
    if good is None:
        return [Reason(UNREADABLE)]
    if is_replaced_by_time and is_replaced_by_commit:
        return []
    return [Reason(LAST_GOOD if good else NEWER_THAN_GOOD, "by the order of commits" if is_replaced_by_time else "")]
