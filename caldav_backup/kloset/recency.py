"""Snapshots in the order of their times, the newest first, without reading the headers of all.

Owns what can be concluded from states, which are all known: when a snapshot was committed is the latest time that its
header may tell. How a header is read is the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from heapq import heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from caldav_backup.kloset.header import Header
    from caldav_backup.kloset.index import Index

SLACK_NS = 60_000_000_000
"""How much later than its state a header may claim to be: plakar can fix the state's time first, milliseconds before
(kloset 90a8f211, `snapshot/builder.go: Fork`)."""


MOST_AHEAD = 128
"""Headers that are read at once, when many have been taken before."""


def nothing_ahead(identifiers: Sequence[bytes]) -> None:
    """Each is read when it is asked for."""


def newest_first(
    index: Index,
    find_header: Callable[[bytes], Header | None],
    read_ahead: Callable[[Sequence[bytes]], None] = nothing_ahead,
) -> Iterator[Header]:
    """The snapshots that `index` knows now; `find_header` is asked of few more than are taken, and may leave one out.

    Of equal times the larger identifier comes first. A header whose time is after its commit, as no program writes it,
    may come later than its turn. `read_ahead` is told which headers will be asked for next, the more the longer it goes
    on.
    """
    bounds = sorted(((index.committed_ns(each) + SLACK_NS, each) for each in index.snapshot_ids()), reverse=True)
    waiting: list[tuple[int, int, Header]] = []
    known = 0
    for number, (latest_ns, identifier) in enumerate(bounds):
        # Whoever comes from here on is older than the first that waits.
        while waiting and -waiting[0][0] > latest_ns:
            yield heappop(waiting)[2]
        if number == known:
            ahead = bounds[number : number + min(number + 1, MOST_AHEAD)]
            known += len(ahead)
            read_ahead([each for _, each in ahead])
        header = find_header(identifier)
        if header is not None:
            heappush(waiting, (-header.timestamp_ns, -int.from_bytes(identifier), header))
    while waiting:
        yield heappop(waiting)[2]
