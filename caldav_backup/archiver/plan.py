"""What is to be done for one calendar: which records are kept from the parent, which are fetched, what they are called.

Pure: a listing and the parent's known records go in, spans of work come out, in ascending byte order of names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from caldav_backup.connectors import naming
from caldav_backup.connectors.base import Collection, Version
from caldav_backup.connectors.incremental import KnownResource

#: Records of one request (RFC 4791 §7.9 sets no limit; servers do).
BATCH = 100
#: Bytes of one request, as far as they are known beforehand: several are held in memory at once.
BATCH_BYTES = 16 * 1024 * 1024
#: Kept records that one span may carry besides.
KEPT_PER_SPAN = 5_000


@dataclass(frozen=True, slots=True)
class Item:
    """One record's place in the directory: its name, its listed version, and whether the parent's copy stands."""

    name: str
    version: Version
    keep: bool


@dataclass(frozen=True, slots=True)
class CalendarPlan:
    """A calendar's listing, named, ordered and compared with its parent."""

    path: str
    collection: Collection
    items: Sequence[Item]
    to_fetch: int
    deleted: int

    @property
    def is_unchanged(self) -> bool:
        """True when the parent's directory is this one, record for record."""
        return self.to_fetch == 0 and self.deleted == 0

    def spans(self) -> Iterator[Sequence[Item]]:
        """Consecutive items with at most `BATCH` and `BATCH_BYTES` to fetch in each, or one larger record."""
        span: list[Item] = []
        fetches = size = 0
        for item in self.items:
            length = 0 if item.keep else max(0, item.version.length)
            is_full = fetches == BATCH or (fetches > 0 and size + length > BATCH_BYTES)
            if is_full or len(span) == KEPT_PER_SPAN + BATCH:
                yield span
                span, fetches, size = [], 0, 0
            span.append(item)
            fetches += not item.keep
            size += length
        if span:
            yield span


def plan_calendar(
    path: str,
    collection: Collection,
    listing: Sequence[Version],
    known: Iterable[tuple[str, KnownResource]],
    *,
    full: bool = False,
) -> CalendarPlan:
    """Compare a listing with what the parent holds (`known`: name, state). `full`: nothing is taken for unchanged."""
    before = dict(known)
    names = name_records(listing, before)
    items = []
    for name, version in sorted(zip(names, listing, strict=True), key=_byte_order):
        resource = before.pop(name, None)
        items.append(Item(name, version, keep=not full and resource is not None and resource.matches(version)))
    return CalendarPlan(path, collection, items, sum(not item.keep for item in items), len(before))


def name_records(listing: Sequence[Version], before: dict[str, KnownResource]) -> list[str]:
    """A name for each listed version: the one it had, else its leaf made safe."""
    wishes = [naming.record_name(version.leaf) for version in listing]
    named_by_key = {resource.key: name for name, resource in before.items() if resource.key is not None}
    if not named_by_key and len({naming.fold(wish) for wish in wishes}) == len(wishes):
        return wishes
    kept = {version.key: named_by_key[version.key] for version in listing if version.key in named_by_key}
    given = set(kept.values())
    for version in listing:
        if (
            version.key not in kept
            and version.leaf not in given
            and version.leaf in before
            and before[version.leaf].key is None
        ):
            kept[version.key] = version.leaf
            given.add(version.leaf)
    order = sorted(range(len(listing)), key=lambda index: listing[index].key)
    assigned = naming.assign([(listing[index].key, wishes[index]) for index in order], kept)
    names = [""] * len(listing)
    for index, name in zip(order, assigned, strict=True):
        names[index] = name
    return names


def _byte_order(pair: tuple[str, Version]) -> bytes:
    return pair[0].encode("utf-8", "surrogateescape")
