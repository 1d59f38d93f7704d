"""An account in memory that answers as it is told: the archiver's seam to the world."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from caldav_backup.connectors.base import (
    Catalogue,
    Changes,
    Collection,
    CollectionUnreadable,
    Failed,
    Gone,
    LeftOut,
    Listing,
    Record,
    Resource,
    Version,
)


@dataclass
class Account:
    """`calendars` maps a calendar's name to its events; the dictionaries below say what goes wrong."""

    calendars: dict[str, dict[str, bytes]]
    attributes: dict[str, Mapping[str, bytes]] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    failing: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    vanishing: set[str] = field(default_factory=set)
    #: Calendars that go away once this many of their events were fetched.
    lost_after: dict[str, int] = field(default_factory=dict)
    #: How often a calendar can be listed.
    listings: dict[str, int] = field(default_factory=dict)
    left_out: Sequence[LeftOut] = ()
    unlisted: Sequence[LeftOut] = ()
    origin: str = "alice@example.org/"
    #: The account's clock in Unix nanoseconds; all events were last changed long before.
    now_ns: int = 0
    #: What `list_changes` says of a calendar, by its name.
    changes: dict[str, Changes | None] = field(default_factory=dict)
    #: Raised instead of an answer once this many events were fetched.
    breaks_after: tuple[int, BaseException] | None = None
    #: Calendars in the order in which they were listed.
    listed: list[str] = field(default_factory=list)
    #: (calendar, token) for each time that changes were asked for.
    synced: list[tuple[str, bytes]] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    hint: str = ""
    in_flight: int = 0
    most_in_flight: int = 0

    async def catalogue(self) -> Catalogue:
        return Catalogue([self._collection(name) for name in self.calendars], self.left_out, self.unlisted)

    @property
    def requests(self) -> int:
        return 0

    async def complete(self, collections: Sequence[Collection]) -> list[Collection]:
        return list(collections)

    async def list_changes(self, collection: Collection, since: bytes) -> Changes | None:
        self.synced.append((collection.hint, since))
        return self.changes.get(collection.hint)

    async def list_versions(self, collection: Collection) -> Listing:
        await asyncio.sleep(0)
        self.listed.append(collection.hint)
        if collection.hint in self.unreadable:
            raise CollectionUnreadable(self.unreadable[collection.hint])
        if self.listings.get(collection.hint, 1) == 0:
            raise CollectionUnreadable("500 Internal Server Error")
        if collection.hint in self.listings:
            self.listings[collection.hint] -= 1
        events = self.calendars[collection.hint]
        return Listing([self._version(collection, leaf) for leaf in reversed(events)], self.now_ns)

    async def fetch(self, collection: Collection, versions: Sequence[Version]) -> list[Record]:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        await asyncio.sleep(0.002 if len(self.fetched) % 3 else 0)  # answers overtake each other
        self.in_flight -= 1
        if len(self.fetched) >= self.lost_after.get(collection.hint, len(self.fetched) + 1):
            self.unreadable[collection.hint] = "410 Gone"
            raise CollectionUnreadable("410 Gone")
        if self.breaks_after is not None and len(self.fetched) >= self.breaks_after[0]:
            raise self.breaks_after[1]
        return [self._record(collection, version) for version in versions]

    async def close(self) -> None:
        pass

    def _collection(self, name: str) -> Collection:
        attributes = {"displayname": name.title().encode(), **self.attributes.get(name, {})}
        return Collection(f"/alice/{name}/", name, name.title(), attributes, self.now_ns)

    def _version(self, collection: Collection, leaf: str) -> Version:
        content = self.calendars[collection.hint][leaf]
        return Version(collection.key + leaf, leaf, f'"{hash(content):x}"', 1_700_000_000_000_000_000, len(content))

    def _record(self, collection: Collection, version: Version) -> Record:
        self.fetched.append(version.leaf)
        if version.leaf in self.failing:
            return Failed(version, self.failing[version.leaf])
        if version.leaf in self.vanishing:
            self.calendars[collection.hint].pop(version.leaf, None)
            return Gone(version)
        if version.leaf in self.gone:
            return Gone(version)
        return Resource(version, self.calendars[collection.hint][version.leaf])


def expected(account: Account) -> dict[str, bytes]:
    """What a snapshot of the account should hold, by path."""
    return {f"/{name}/{leaf}": content for name, held in account.calendars.items() for leaf, content in held.items()}
