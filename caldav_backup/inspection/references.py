"""The words that name a snapshot, and a path in one: `1f2e3d`, `latest~2`, `@2026-05-01`, `latest:/work/a.ics`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from caldav_backup.inspection.errors import NotASnapshot, SourceNeeded
from caldav_backup.inspection.moments import end_ns, local_text
from caldav_backup.inspection.snapshots import of_source, sources_of
from caldav_backup.kloset import paths
from caldav_backup.kloset.errors import AmbiguousSnapshot, SnapshotNotFound
from caldav_backup.marks import is_good, may_be_good

if TYPE_CHECKING:
    from caldav_backup.kloset.header import Header
    from caldav_backup.marks import FailedPaths

_LATEST = re.compile(r"latest(?:~(\d{1,6}))?")
_MOMENT = re.compile(r"@\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)?)?")
_PREFIX = re.compile(r"[0-9a-fA-F]{4,64}")


class Reference(NamedTuple):
    """A snapshot's word and, where one was given, an absolute path in it."""

    snapshot: str
    path: str | None


def parse_reference(text: str) -> Reference:
    """`SNAP` or `SNAP:PATH`; the path is made absolute and clean. An empty SNAP means `latest`."""
    moment = _MOMENT.match(text)
    # The colons of a time (`@2026-05-01T12:30:/work`) come before the one that a path follows.
    end = text.find(":", moment.end() if moment else 0)
    if end < 0:
        return Reference(text or "latest", None)
    return Reference(text[:end] or "latest", paths.clean(text[end + 1 :]))


def choose(headers: Sequence[Header], word: str, failed_paths: FailedPaths, source: str | None = None) -> Header:
    """The snapshot that `word` names; `headers` are oldest first.

    `latest` and dates mean good snapshots, see `marks.is_good`; `failed_paths` is asked of partial ones on the way.

    NotASnapshot for no such form, SnapshotNotFound and AmbiguousSnapshot as in the store, SourceNeeded when `latest` or
    a date could mean several sources, NoSuchSource for an unknown `source`.
    """
    latest = _LATEST.fullmatch(word)
    if latest is None and not word.startswith("@"):
        return _by_prefix(of_source(headers, source) if source is not None else headers, word)
    if not headers:
        raise SnapshotNotFound(f"there is no {word}: the store has no snapshots")
    good = _Good(_of_one_source(headers, source), failed_paths)
    return good.by_date(word[1:]) if latest is None else good.counted_back(word, int(latest[1] or 0))


def _of_one_source(headers: Sequence[Header], source: str | None) -> list[Header]:
    if source is not None:
        return [header for header in of_source(headers, source) if may_be_good(header)]
    candidates = [header for header in headers if may_be_good(header)]
    sources = sources_of(candidates)
    if len(sources) > 1:
        raise SourceNeeded(f"the store holds several sources; say which with --source: {', '.join(sources)}")
    return candidates


class _Good:
    """Good snapshots of one source. Only as many are looked at as are needed, beginning at the wanted end."""

    def __init__(self, candidates: Sequence[Header], failed_paths: FailedPaths) -> None:
        self._candidates = candidates
        self._failed_paths = failed_paths

    def counted_back(self, word: str, back: int) -> Header:
        newest_first = list(islice(self._filter(reversed(self._candidates)), back + 1))
        if back >= len(newest_first):
            count = len(newest_first)
            ones = f"{count or 'no'} good snapshot{'' if count == 1 else 's'} of this source"
            raise SnapshotNotFound(f"there is no {word}: the store has {ones}")
        return newest_first[back]

    def by_date(self, text: str) -> Header:
        end = end_ns(text)
        newest_first = self._filter(each for each in reversed(self._candidates) if each.timestamp_ns < end)
        found = next(newest_first, None)
        if found is not None:
            return found
        first = next(self._filter(iter(self._candidates)), None)
        oldest = "" if first is None else f"; the oldest is of {local_text(first.timestamp_ns)}"
        raise SnapshotNotFound(f"there is no snapshot up to {text}{oldest}")

    def _filter(self, headers: Iterator[Header]) -> Iterator[Header]:
        return (header for header in headers if is_good(header, self._failed_paths))


def _by_prefix(headers: Sequence[Header], word: str) -> Header:
    if not _PREFIX.fullmatch(word):
        raise _not_a_snapshot(word)
    found = [header for header in headers if header.identifier.hex().startswith(word.lower())]
    if not found:
        raise SnapshotNotFound(f"the store has no snapshot {word}; 'caldav-backup ls' lists them")
    if len(found) > 1:
        raise AmbiguousSnapshot(f"{len(found)} snapshots begin with {word}; give more digits")
    return found[0]


def _not_a_snapshot(word: str) -> NotASnapshot:
    return NotASnapshot(
        f"{word!r} is no snapshot: give at least 4 digits of its id, latest, latest~2 or a date such as @2026-05-01"
    )
