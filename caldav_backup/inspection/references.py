"""The words that name a snapshot, and a path in one: `1f2e3d`, `latest~2`, `@2026-05-01`, `latest:/work/a.ics`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from caldav_backup.inspection.errors import NotASnapshot, SourceNeeded
from caldav_backup.inspection.moments import end_ns, local_text
from caldav_backup.inspection.snapshots import is_good, of_source, sources_of
from caldav_backup.kloset import paths
from caldav_backup.kloset.errors import AmbiguousSnapshot, SnapshotNotFound

if TYPE_CHECKING:
    from caldav_backup.kloset.header import Header

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


def choose(headers: Sequence[Header], word: str, source: str | None = None) -> Header:
    """The snapshot that `word` names; `headers` are oldest first.

    NotASnapshot for no such form, SnapshotNotFound and AmbiguousSnapshot as in the store, SourceNeeded when `latest` or
    a date could mean several sources, NoSuchSource for an unknown `source`.
    """
    latest = _LATEST.fullmatch(word)
    if latest is None and not word.startswith("@"):
        return _by_prefix(of_source(headers, source) if source else headers, word)
    candidates = _good(headers, source)
    if latest is not None:
        back = int(latest[1] or 0)
        if back >= len(candidates):
            raise SnapshotNotFound(f"there is no {word}: the store has {_good_ones(len(candidates), headers)}")
        return candidates[-1 - back]
    return _by_date(candidates, word[1:])


def _good(headers: Sequence[Header], source: str | None) -> list[Header]:
    if source is not None:
        return [header for header in of_source(headers, source) if is_good(header)]
    good = [header for header in headers if is_good(header)]
    sources = sources_of(good)
    if len(sources) > 1:
        raise SourceNeeded(f"the store holds several sources; say which with --source: {', '.join(sources)}")
    return good


def _good_ones(count: int, headers: Sequence[Header]) -> str:
    if not headers:
        return "no snapshots"
    return f"{count or 'no'} good snapshot{'' if count == 1 else 's'} of this source"


def _by_date(candidates: Sequence[Header], text: str) -> Header:
    end = end_ns(text)
    found = [header for header in candidates if header.timestamp_ns < end]
    if found:
        return found[-1]
    oldest = f"; the oldest is of {local_text(candidates[0].timestamp_ns)}" if candidates else ""
    raise SnapshotNotFound(f"there is no snapshot up to {text}{oldest}")


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
