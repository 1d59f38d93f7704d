"""What a calendar of the destination holds already, by UID, small enough to keep for 100,000 records.

Owns the one listing, the question for UIDs and the fetching in batches that tell it; decides nothing.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from itertools import islice
from typing import NamedTuple, Protocol

from caldav_backup import ics
from caldav_backup.connectors import naming
from caldav_backup.connectors.base import Collection, Record, Resource, Version
from caldav_backup.connectors.destination import Destination
from caldav_backup.ics.lines import unescape

#: Records of one request, and requests under way at once; the destination's own limit may be lower.
BATCH = 200
AT_ONCE = 3
#: Bytes of one request, as far as they are known beforehand.
BATCH_BYTES = 16 * 1024 * 1024

#: What every UID looks like; most objects have one, and then the first look has told it.
_UID_LINE = re.compile(rb"[\r\n]UID[:;]", re.IGNORECASE)
#: Matches no meaning.
_UNREAD = ics.Meaning(b"", b"")


class There(NamedTuple):
    """One record: its meaning, and its version; None for a record that this restore is going to write.

    The meaning of such a one may be told when it is asked for, since hardly any has a twin. `title` is for people,
    `guests` is how many people it names. A record of which nothing but its UID is known has a meaning that no other
    matches, neither title nor guests, and is not `is_read`.
    """

    meaning: ics.Meaning | Callable[[], ics.Meaning]
    version: Version | None
    uids: tuple[str, ...] = ()
    title: str = ""
    guests: int = 0

    @property
    def is_read(self) -> bool:
        """False when the contents are not known."""
        return self.meaning is not _UNREAD

    def matches(self, meaning: ics.Meaning) -> bool:
        """True when it says the same."""
        own = self.meaning() if callable(self.meaning) else self.meaning
        return own.matches(meaning)


class Extra(NamedTuple):
    """A record that is there and that nothing stands for in what is restored; `uid` is "" when it has none."""

    uid: str
    there: There
    version: Version


class Existing:
    """The records of one calendar by UID (by name where they have none), and all names that are taken."""

    def __init__(self) -> None:
        #: Records that are listed and could not be read: nothing is known of them, not even the UID.
        self.unreadable: list[Version] = []
        self._there: list[There] = []
        self._by_uid: dict[str, There | tuple[There, ...]] = {}
        self._taken: set[str] = set()

    def add(self, uid: str | None, leaf: str, there: There | None) -> None:
        """A record that is going to be there; None for `there` takes the name only."""
        self._taken.add(naming.fold(leaf))
        if there is not None:
            self._put(_key(uid, leaf), there)

    def add_record(self, version: Version, there: There) -> None:
        """A record that is there."""
        self._there.append(there)
        self._taken.add(naming.fold(version.leaf))
        for uid in there.uids or (None,):
            self._put(_key(uid, version.leaf), there)

    def add_unreadable(self, version: Version) -> None:
        """A record that is there, and nothing more is known of it."""
        self.unreadable.append(version)
        self._taken.add(naming.fold(version.leaf))

    def find(self, uid: str | None, leaf: str) -> Sequence[There]:
        """The records of that UID; of that name for a record without one."""
        found = self._by_uid.get(_key(uid, leaf), ())
        return (found,) if isinstance(found, There) else found

    def is_taken(self, leaf: str) -> bool:
        """True when a record of that name is there, letter case apart."""
        return naming.fold(leaf) in self._taken

    @property
    def count(self) -> int:
        """How many records were there when it was read."""
        return len(self._there) + len(self.unreadable)

    def extras(self, uids: Iterable[str]) -> Iterator[Extra]:
        """The records that are there with none of `uids`, also those without any.

        `unreadable` ones are never among them: who knows what they are.
        """
        known = frozenset(map(same_uid, uids))
        for there in self._there:
            if there.version is not None and not any(same_uid(uid) in known for uid in there.uids):
                yield Extra(there.uids[0] if there.uids else "", there, there.version)

    def _put(self, key: str, there: There) -> None:
        found = self._by_uid.get(key)
        if found is None:
            self._by_uid[key] = there
        else:
            self._by_uid[key] = (found, there) if isinstance(found, There) else (*found, there)


async def read_existing(
    destination: Destination, collection: Collection, wanted: frozenset[str] | None = None
) -> Existing:
    """What `collection` holds; raises `CollectionUnreadable` when it cannot be listed.

    Of a calendar with more records than one request brings, contents are only read of those with a UID of `wanted`
    (None: of all), and of those whose UIDs the destination does not tell.
    """
    existing = Existing()
    versions = await destination.list_versions(collection)
    told: Mapping[str, str] = {}
    known = None if wanted is None else frozenset(map(same_uid, wanted))
    if wanted is not None and len(versions) > BATCH:
        told = await destination.list_uids(collection) or {}
    to_read = []
    for version in versions:
        uid = told.get(version.key)
        if uid is None or known is None or same_uid(uid) in known:
            to_read.append(version)
        else:
            existing.add_record(version, There(_UNREAD, version, (uid,)))
    async with aclosing(fetch_all(destination, collection, to_read)) as records:
        async for record in records:
            _add(existing, record, told.get(record.version.key))
    return existing


def _add(existing: Existing, record: Record, uid: str | None) -> None:
    version = record.version
    if isinstance(record, Resource):
        existing.add_record(version, _there(version, record.content))
    elif uid is not None:
        existing.add_record(version, There(_UNREAD, version, (uid,)))
    else:
        existing.add_unreadable(version)


def _there(version: Version, content: bytes) -> There:
    looked = ics.glance(content)
    uids = (looked.uid,) if looked.uid and len(_UID_LINE.findall(content)) == 1 else ics.uids(content)
    guests = len(ics.guests(content)) if looked.has_guests else 0
    return There(ics.meaning_of(content), version, uids, looked.summary or "", guests)


class Readable(Protocol):
    """What records are fetched from: a destination, or a source."""

    async def fetch(self, collection: Collection, versions: Sequence[Version]) -> list[Record]:
        """As `Source.fetch` and `Destination.fetch`."""


async def fetch_all(
    destination: Readable, collection: Collection, versions: Sequence[Version]
) -> AsyncGenerator[Record, None]:
    """The records of all `versions`, in order; while one batch is looked at, some others are on their way.

    Close it when it is left before its end.
    """
    batches = _batches(versions)
    under_way: deque[asyncio.Task[list[Record]]] = deque()
    try:
        while True:
            for batch in islice(batches, AT_ONCE - len(under_way)):
                under_way.append(asyncio.create_task(destination.fetch(collection, batch)))
            if not under_way:
                return
            for record in await under_way[0]:
                yield record
            under_way.popleft()
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


def _batches(versions: Sequence[Version]) -> Iterator[Sequence[Version]]:
    """Versions of one request each: at most `BATCH`, and `BATCH_BYTES` unless one alone is larger."""
    start = size = 0
    for position, version in enumerate(versions):
        length = max(0, version.length)
        if position - start == BATCH or (position > start and size + length > BATCH_BYTES):
            yield versions[start:position]
            start, size = position, 0
        size += length
    if start < len(versions):
        yield versions[start:]


def same_uid(uid: str) -> str:
    """The same for two spellings of one UID: Radicale 3.9, Xandikos 0.4, Cyrus 3.6 and SOGo 5.8 give `a;b` back as
    `a\\;b`, which is how RFC 5545 §3.3.11 wants it.
    """
    return unescape(uid)


def _key(uid: str | None, leaf: str) -> str:
    return same_uid(uid) if uid else f"\0{leaf}"
