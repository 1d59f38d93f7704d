"""What is to be done for one calendar: which records are kept from a parent, which are fetched, what they are called.

Pure: a listing, or what changed since an earlier one, and the parents' known records go in; spans of work come out, in
ascending byte order of names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from caldav_backup.connectors import naming
from caldav_backup.connectors.base import Changes, Collection, Listing, Version
from caldav_backup.connectors.incremental import KnownResource

#: Records of one request (RFC 4791 §7.9 sets no limit; servers do).
BATCH = 100
#: The same of small ones where so many are fetched that it is felt: each request has its price, with 100 a seventh of
#: the whole at Radicale 3.9, 40 ms at Cyrus 3.6 and DAViCal 1.1. Fewer are read sooner by several requests at once.
LARGE_BATCH = 200
_MANY = 1_000
_SMALL_BATCH_BYTES = 1024 * 1024
#: Bytes of one request, as far as they are known beforehand: several are held in memory at once.
BATCH_BYTES = 16 * 1024 * 1024
#: Kept records that one span may carry besides.
KEPT_PER_SPAN = 5_000


class Item(NamedTuple):
    """One record's place in the directory.

    `version` is what the source lists, None only where the record is kept and was not listed again. `before` is what
    the parent number `source` (0 = the newest) holds under this name, None when no parent holds it.
    """

    name: str
    version: Version | None
    before: KnownResource | None = None
    source: int = 0
    keep: bool = False

    @property
    def wanted(self) -> Version:
        """The version to fetch."""
        assert self.version is not None
        return self.version


@dataclass(frozen=True, slots=True)
class CalendarPlan:
    """A calendar's records, named, ordered and compared with its parents.

    `whole` is the number of the parent whose directory is this one, record for record; None when there is none.
    `newest_ns` is the last modification of the newest record that the source told, `date_ns` its clock at that time.
    """

    path: str
    collection: Collection
    items: Sequence[Item]
    to_fetch: int
    deleted: int
    whole: int | None = None
    newest_ns: int = 0
    date_ns: int = 0

    def spans(self) -> Iterator[Sequence[Item]]:
        """Consecutive items with at most `BATCH_BYTES` to fetch in each, or one larger record.

        At most `BATCH` records are fetched in each; `LARGE_BATCH` small ones where there are many.
        """
        most = LARGE_BATCH if self.to_fetch >= _MANY else BATCH
        span: list[Item] = []
        fetches = size = 0
        for item in self.items:
            length = 0 if item.keep else max(0, item.wanted.length)
            is_large = fetches >= BATCH and size + length > _SMALL_BATCH_BYTES
            is_full = fetches == most or is_large or (fetches > 0 and size + length > BATCH_BYTES)
            if is_full or len(span) == KEPT_PER_SPAN + BATCH:
                yield span
                span, fetches, size = [], 0, 0
            span.append(item)
            fetches += not item.keep
            size += length
        if span:
            yield span


def plan_listing(
    path: str,
    collection: Collection,
    listing: Listing,
    known: Sequence[Iterable[tuple[str, KnownResource]]],
    *,
    full: bool = False,
) -> CalendarPlan:
    """Compare a listing with what the parents hold (`known`: name and state for each, newest parent first).

    Of several parents the last one is the complete one. `full`: nothing is taken for unchanged.
    """
    held = [dict(each) for each in known]
    names = name_records(listing.versions, _merged(held))
    pairs = sorted(zip(names, listing.versions, strict=True), key=_byte_order)
    items = [_item(name, version, held, full=full) for name, version in pairs]
    return CalendarPlan(
        path,
        collection,
        items,
        to_fetch=sum(not item.keep for item in items),
        deleted=_count_deleted(pairs, held[-1]) if held else 0,
        whole=_whole(items, held),
        newest_ns=max((version.mtime_ns for version in listing.versions), default=0),
        date_ns=listing.date_ns,
    )


def plan_changes(
    path: str, collection: Collection, changes: Changes, known: Iterable[tuple[str, KnownResource]]
) -> CalendarPlan:
    """The same from what changed since the one parent, whose records are otherwise kept."""
    before = dict(known)
    removed = _names_of(changes.removed, before)
    after = {name: Item(name, None, known, keep=True) for name, known in before.items() if name not in removed}
    names = _name_changes(changes.changed, after, before)
    for name, version in zip(names, changes.changed, strict=True):
        after[name] = _item(name, version, [before])
    items = sorted(after.values(), key=_byte_order)
    return CalendarPlan(
        path,
        collection,
        items,
        to_fetch=sum(not item.keep for item in items),
        deleted=len(removed),
        whole=_whole(items, [before]),
        newest_ns=max((version.mtime_ns for version in changes.changed), default=0),
        date_ns=changes.date_ns,
    )


def name_records(listing: Sequence[Version], before: Mapping[str, KnownResource]) -> list[str]:
    """A name for each listed version: the one it had, else its leaf made safe."""
    wishes = [naming.record_name(version.leaf) for version in listing]
    named_by_key = _named_by_key(before)
    if not named_by_key and len({naming.fold(wish) for wish in wishes}) == len(wishes):
        return wishes
    return _assign(listing, _names_kept(listing, named_by_key, before))


def _name_changes(
    changed: Sequence[Version], after: Mapping[str, Item], before: Mapping[str, KnownResource]
) -> list[str]:
    """Names for changed records beside those that stay; only a newcomer has to look for a free one."""
    kept = _names_kept(changed, _named_by_key(before), before)
    if len(kept) == len(changed):
        return [kept[version.key] for version in changed]
    return _assign(changed, kept, reserved={naming.fold(name) for name in after} - set(map(naming.fold, kept.values())))


def _names_of(removed: Sequence[Version], before: Mapping[str, KnownResource]) -> set[str]:
    """Names of those removed records that the parent holds."""
    return set(_names_kept(removed, _named_by_key(before), before).values())


def _named_by_key(before: Mapping[str, KnownResource]) -> dict[str, str]:
    return {resource.key: name for name, resource in before.items() if resource.key is not None}


def _names_kept(
    versions: Sequence[Version], named_by_key: Mapping[str, str], before: Mapping[str, KnownResource]
) -> dict[str, str]:
    """Names by key of the versions that had one."""
    kept = {version.key: named_by_key[version.key] for version in versions if version.key in named_by_key}
    given = set(kept.values())
    for version in versions:
        leaf = version.leaf
        if version.key not in kept and leaf not in given and leaf in before and before[leaf].key is None:
            kept[version.key] = leaf
            given.add(leaf)
    return kept


def _assign(versions: Sequence[Version], kept: Mapping[str, str], reserved: Iterable[str] = ()) -> list[str]:
    """A name for each version; newcomers get theirs in the order of keys, so that it does not depend on the listing."""
    order = sorted(range(len(versions)), key=lambda index: versions[index].key)
    wishes = [(versions[index].key, naming.record_name(versions[index].leaf)) for index in order]
    names = [""] * len(versions)
    for index, name in zip(order, naming.assign(wishes, kept, set(reserved)), strict=True):
        names[index] = name
    return names


def _count_deleted(pairs: Sequence[tuple[str, Version]], before: Mapping[str, KnownResource]) -> int:
    """Records of the parent that are not listed any more."""
    return len(before) - sum(name in before and _is_same(name, before[name], version) for name, version in pairs)


def _merged(held: Sequence[Mapping[str, KnownResource]]) -> dict[str, KnownResource]:
    """All names that were given, as the newest parent knows them."""
    if len(held) == 1:
        return dict(held[0])
    merged: dict[str, KnownResource] = {}
    for each in reversed(held):
        merged.update(each)
    return merged


def _item(name: str, version: Version, held: Sequence[Mapping[str, KnownResource]], *, full: bool = False) -> Item:
    """Kept from the first parent that has this version; where none has, the first that has any stands ready."""
    ready: Item | None = None
    for source, names in enumerate(held):
        resource = names.get(name)
        if resource is None or not _is_same(name, resource, version):
            continue
        if not full and resource.matches(version):
            return Item(name, version, resource, source, keep=True)
        ready = ready or Item(name, version, resource, source)
    return ready or Item(name, version)


def _is_same(name: str, resource: KnownResource, version: Version) -> bool:
    """False for another record that had the name before: ETags compare versions of one resource only."""
    return resource.key == version.key if resource.key is not None else version.leaf == name


def _whole(items: Sequence[Item], held: Sequence[Mapping[str, KnownResource]]) -> int | None:
    if not items:
        return next((number for number, names in enumerate(held) if not names), None)
    number = items[0].source
    if all(item.keep and item.source == number for item in items):
        return number if len(held[number]) == len(items) else None
    return None


def _byte_order(pair: Item | tuple[str, Version]) -> bytes:
    return pair[0].encode("utf-8", "surrogateescape")
