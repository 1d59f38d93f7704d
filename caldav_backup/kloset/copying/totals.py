"""Totals of copied directories.

Owns by how much they differ from the original's: where both stores cut differently, in the number of chunks; where
something could not be read, in all that it counted for. Everything else of a summary stays what its maker wrote.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from caldav_backup.kloset import paths
from caldav_backup.kloset.dirpack import Frame
from caldav_backup.kloset.summary import Summary, SummaryBuilder


def with_chunks(summary: Summary, direct: int, below: int) -> Summary:
    """The same totals with more chunks, or with fewer."""
    return Summary(
        summary.directory._replace(chunks=summary.directory.chunks + direct),
        summary.below._replace(chunks=summary.below.chunks + below),
    )


def chunks_below(direct: Mapping[bytes, int]) -> Counter[bytes]:
    """By directory, the sum of `direct` over all directories below it."""
    sums: Counter[bytes] = Counter()
    for path, more in direct.items():
        if more:
            for above in paths.ancestors(paths.from_key(path)):
                sums[paths.to_key(above)] += more
    return sums


def add_up(frames: Iterable[Frame], children: Mapping[str, Summary], failures: int) -> Summary:
    """A directory's totals by its entries and its child directories' totals; `failures` of its children are missing."""
    totals = SummaryBuilder()
    for frame in frames:
        entry = frame.entry()
        if entry.is_directory:
            if entry.name in children:
                totals.add_directory(children[entry.name])
            continue
        totals.add_child(
            mode=entry.mode,
            size=entry.size,
            mtime_ns=entry.mtime_ns,
            content_type=entry.content_type,
            entropy=entry.entropy,
            chunks=entry.chunks if entry.has_object else None,
        )
    totals.add_errors(failures)
    return totals.finish()
