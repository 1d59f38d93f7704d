"""Snapshots as they followed each other, the last first, whatever the clocks said that made them.

Owns the place of those that were committed here long after they were made. In which order states were applied is told
in `index`; the order of times, which people mean by `latest`, in `recency`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from caldav_backup.kloset.recency import MOST_AHEAD, nothing_ahead

if TYPE_CHECKING:
    from caldav_backup.kloset.header import Header
    from caldav_backup.kloset.index import Index

LATE_NS = 60 * 10**9
"""A snapshot that was finished so long before its commit is a copy, of another store's or an older one."""


def latest_first(
    index: Index,
    find_header: Callable[[bytes], Header | None],
    read_ahead: Callable[[Sequence[bytes]], None] = nothing_ahead,
) -> Iterator[Header]:
    """The snapshots that `index` knows now, by their commits; `find_header` may leave one out.

    A copy comes where its time puts it: before the first that was made here and is no newer.
    `read_ahead` is told which headers will be asked for next, the more the longer it goes on.
    """
    waiting: list[Header] = []
    known = 0
    identifiers = index.snapshot_ids()[::-1]
    for number, identifier in enumerate(identifiers):
        if number == known:
            ahead = identifiers[number : number + min(number + 1, MOST_AHEAD)]
            known += len(ahead)
            read_ahead(ahead)
        header = find_header(identifier)
        if header is None:
            continue
        if index.committed_ns(identifier) - header.timestamp_ns - header.duration_ns > LATE_NS:
            waiting.append(header)
            continue
        waiting.sort(key=_time)
        while waiting and waiting[-1].timestamp_ns >= header.timestamp_ns:
            yield waiting.pop()
        yield header
    yield from sorted(waiting, key=_time, reverse=True)


def _time(header: Header) -> tuple[int, bytes]:
    return header.timestamp_ns, header.identifier
