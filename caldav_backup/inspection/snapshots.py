"""Snapshots by source and by what is to be listed: whose they are, and which are hidden.

Owns how a source is named on a command line. Its identity, and which snapshots are good, is told in `marks`. Works on
headers alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from caldav_backup.inspection.errors import NoSuchSource
from caldav_backup.marks import BEFORE_RESTORE, INCOMPLETE, source_of

if TYPE_CHECKING:
    from caldav_backup.kloset.header import Header


def is_hidden(header: Header) -> bool:
    """True for a snapshot that is shown only when all are asked for."""
    return INCOMPLETE in header.tags


def sources_of(headers: Iterable[Header]) -> list[str]:
    """Every source once, in order of first appearance."""
    return list(dict.fromkeys(map(source_of, headers)))


def of_source(headers: Sequence[Header], source: str) -> list[Header]:
    """The snapshots of `source`: `@name`, a bare name, an origin or a URL. NoSuchSource when there are none."""
    found = [header for header in headers if is_of(header, source)]
    if not found:
        there = ", ".join(sources_of(headers)) or "no snapshots"
        raise NoSuchSource(f"the store has no snapshot of {source}; it has: {there}")
    return found


@dataclass(frozen=True, slots=True)
class Filter:
    """Which snapshots to list. `since_ns` is included, `before_ns` is not; every tag must be there."""

    tags: Sequence[str] = ()
    source: str | None = None
    since_ns: int | None = None
    before_ns: int | None = None
    latest: bool = False
    hidden_too: bool = False

    def apply(self, headers: Sequence[Header]) -> list[Header]:
        """The headers asked for, in their order; `latest` leaves the newest of each source."""
        found = of_source(headers, self.source) if self.source is not None else list(headers)
        found = [header for header in found if self._wants(header)]
        if self.latest:
            # What a restore made beforehand is no backup, unless it is asked for.
            backups = [each for each in found if BEFORE_RESTORE in self.tags or BEFORE_RESTORE not in each.tags]
            newest = {source_of(header): header for header in backups}
            found = backups
            found = [header for header in found if newest[source_of(header)] is header]
        return found

    def _wants(self, header: Header) -> bool:
        return (
            (self.hidden_too or not is_hidden(header))
            and all(tag in header.tags for tag in self.tags)
            and (self.since_ns is None or header.timestamp_ns >= self.since_ns)
            and (self.before_ns is None or header.timestamp_ns < self.before_ns)
        )


def is_of(header: Header, source: str) -> bool:
    """True for a snapshot of `source`, named as in `of_source`."""
    if source == source_of(header) or source.removeprefix("@") == header.job != "":
        return True
    return "://" in source and _without_user(header.importer.origin) == _without_user(source.rpartition("://")[2])


def _without_user(origin: str) -> str:
    host, slash, path = origin.partition("/")
    return (host.rpartition("@")[2] + slash + path).rstrip("/")
