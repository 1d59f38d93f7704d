"""A CalDAV account as a source: calendars with their properties, listings by ETag, records by multiget.

Owns how `dav`'s values become collections, versions and records. The protocol itself is `dav`'s.
"""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from types import TracebackType
from typing import Self
from urllib.parse import quote

from caldav_backup import dav
from caldav_backup.connectors import naming
from caldav_backup.connectors.base import (
    CTAG,
    PRINCIPAL,
    SYNC_TOKEN,
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
from caldav_backup.connectors.timestamps import http_date_ns
from caldav_backup.dav.hrefs import collection as hrefs_collection
from caldav_backup.dav.hrefs import leaf, normalise, segments
from caldav_backup.dav.names import RESOURCETYPE

#: Attributes for properties that clients have put there begin with this.
FURTHER = "prop."

#: What one calendar's refusal may be without ending the run: the others may still be readable.
_OF_ONE_CALENDAR = (dav.OtherHost, dav.Forbidden, dav.NotFound, dav.Refused, dav.BadAnswer, dav.TokenRefused)

#: What may be due to one calendar (a gateway that waits for a large one) or to the server.
_UNCLEAR = (dav.ServerUnreachable, dav.Unavailable)


#: A sync-token that says nothing of the calendar it belongs to. One that was deleted and made again reaches the number
#: once more, and then sabre/dav 4.7 answers that nothing changed, SOGo 5.8 with what is new and without what is gone,
#: DAViCal 1.1 with everything and without what is gone. Other servers' tokens name the calendar or its contents.
_MERE_NUMBER = re.compile(r"[^0-9]*[0-9]+")


class CalDavSource:
    """Reads an account through `client`, beginning at `url`.

    `hint` is what `hint` was after an earlier catalogue of the same `url`; `resolver` asks the DNS where `url` is a
    bare domain without CalDAV; `of_others` takes calendars too that other people have delegated to the account. `clock`
    counts seconds.
    """

    def __init__(
        self,
        client: dav.Client,
        url: str,
        *,
        origin: str,
        hint: str = "",
        resolver: dav.Resolver | None = None,
        of_others: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._url = url
        self._origin = origin
        self._resolver = resolver
        self._of_others = of_others
        self._clock = clock
        #: What makes the next catalogue cheaper (two requests), after this one; empty where nothing does.
        self.hint = hint
        #: Who the server takes us for, after a catalogue.
        self.principal: dav.Principal | None = None
        self._calendars: dict[str, dav.Calendar] = {}
        #: Keys of records that a change log told of without their lengths, which a listing has (Xandikos 0.4).
        self._without_length: dict[str, set[str]] = {}
        self._homes: tuple[str, ...] = ()

    @property
    def origin(self) -> str:
        """`user@host[:port]/path`, without secrets."""
        return self._origin

    @property
    def homes(self) -> tuple[str, ...]:
        """URLs below which calendars lie; known after `catalogue`, none for the address of a single calendar."""
        return self._homes

    def adopt(self, calendar: dav.Calendar) -> Collection:
        """A calendar that was made since: known from now on like those of the catalogue."""
        key = normalise(calendar.href)
        self._calendars[key] = calendar
        return _collection(key, calendar)

    def url_of(self, collection: Collection) -> str:
        """The URL that the calendar's records lie below, with a final slash."""
        return hrefs_collection(self._calendars[collection.key].url)

    async def catalogue(self) -> Catalogue:
        """Discover the account's calendars (RFC 4791 §6.2, RFC 6764 §6)."""
        found = await dav.discover(
            self._client, self._url, hint=self.hint, resolver=self._resolver, of_others=self._of_others
        )
        self.hint, self.principal = found.hint, found.principal
        self._homes = found.homes
        self._calendars = _by_key(found.calendars)
        where = {PRINCIPAL: found.hint.encode("utf-8", "surrogateescape")} if found.hint else {}
        collections = [_collection(key, calendar, where) for key, calendar in self._calendars.items()]
        left_out = [LeftOut(each.href, each.name, each.reason, each.source or "") for each in found.left_out]
        unreadable = [LeftOut(each.href, leaf(each.href), f"{each.name}: {each.reason}") for each in found.unreadable]
        return Catalogue(collections, left_out, unreadable)

    @property
    def requests(self) -> int:
        """How many requests were sent so far, apart from the second halves of logins."""
        return self._client.transport.requests - self._client.transport.challenges

    async def complete(self, collections: Sequence[Collection]) -> list[Collection]:
        """The same collections with the properties that clients have put there: two requests for each home."""
        calendars = [self._calendars[collection.key] for collection in collections]
        further = await dav.further_properties(self._client, calendars)
        return [_completed(collection, further.get(collection.key, {})) for collection in collections]

    async def list_changes(self, collection: Collection, since: bytes) -> Changes | None:
        """A sync-collection (RFC 6578); None when its answer cannot be relied on, whatever the reason."""
        token = since.decode("utf-8", "surrogateescape")
        if not token or SYNC_TOKEN not in collection.attributes or _MERE_NUMBER.fullmatch(token):
            return None
        began = self._clock()
        try:
            async with self._of_one_calendar():
                changes = await self._client.sync(self._calendars[collection.key], token)
        except CollectionUnreadable:
            return None  # the listing will say whether it is the calendar that cannot be read
        changed = [_version(version) for version in changes.changed]
        self._without_length[collection.key] = {version.key for version in changed if version.length < 0}
        removed = [_version(dav.Version(href)) for href in changes.removed]
        return Changes(changed, removed, self._asked_ns(changes.date, began))

    async def list_versions(self, collection: Collection) -> Listing:
        """One PROPFIND of depth 1 (RFC 4918 §9.1): hrefs with ETag, time and length."""
        began = self._clock()
        async with self._of_one_calendar():
            listing = await self._client.listing(self._calendars[collection.key])
        self._without_length.pop(collection.key, None)
        return Listing(_versions(listing.versions), self._asked_ns(listing.date, began))

    async def fetch(self, collection: Collection, versions: Sequence[Version]) -> list[Record]:
        """Contents by calendar-multiget (RFC 4791 §7.9), alone where a batch does not give them."""
        asked = [dav.Version(version.key, version.etag, content_length=version.length) for version in versions]
        async with self._of_one_calendar():
            fetched = await self._client.fetch(self._calendars[collection.key], asked)
        records = [_record(*each) for each in zip(versions, asked, fetched, strict=True)]
        without = self._without_length.get(collection.key, ())
        return [_with_length(record) if record.version.key in without else record for record in records]

    def _asked_ns(self, date: str, began: float) -> int:
        """When a question was put, by the clock of the server that answered: `date`, less the time that it all took.

        A server may look first and date its answer when it is complete; what changes in between is not in it.
        """
        answered = http_date_ns(date)
        return answered - int((self._clock() - began) * 1e9) if answered else 0

    @asynccontextmanager
    async def _of_one_calendar(self) -> AsyncIterator[None]:
        """What fails inside is one calendar's failure, unless the whole account cannot be reached either."""
        try:
            yield
        except _OF_ONE_CALENDAR as error:
            raise CollectionUnreadable(str(error)) from error
        except _UNCLEAR as error:
            if not await self._answers():
                raise
            raise CollectionUnreadable(str(error)) from error

    async def _answers(self) -> bool:
        """True when the calendars' home gives any answer; where only one calendar is known, that is asked already."""
        try:
            if self._homes:
                await self._client.describe(self._homes[0], [RESOURCETYPE])
        except _UNCLEAR:
            return False
        except _OF_ONE_CALENDAR:
            return True
        return bool(self._homes)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


def _collection(key: str, calendar: dav.Calendar, where: Mapping[str, bytes] = {}) -> Collection:  # read
    return Collection(
        key=key,
        hint=naming.collection_hint(segments(calendar.href)),
        displayname=calendar.displayname or "",
        attributes={**_attributes(calendar), **where},
        date_ns=http_date_ns(calendar.date),
    )


def _by_key(calendars: Sequence[dav.Calendar]) -> dict[str, dav.Calendar]:
    """The path says which calendar it is, whatever the host; of two hosts' same paths the second has its URL."""
    found: dict[str, dav.Calendar] = {}
    for calendar in calendars:
        path = normalise(calendar.href)
        found[path if path not in found else calendar.url] = calendar
    return found


def _completed(collection: Collection, further: Mapping[str, bytes]) -> Collection:
    """With its further properties. A qualified name holds slashes, and attributes are found by path: it is escaped."""
    others = {f"{FURTHER}{quote(name, safe='')}": element for name, element in further.items()}
    return replace(collection, attributes={**collection.attributes, **others})


def _attributes(calendar: dav.Calendar) -> Mapping[str, bytes]:
    """What must not be lost of a calendar, under the names of its extended attributes."""
    texts = {
        "displayname": calendar.displayname,
        "color": calendar.color,
        "order": calendar.order,
        "description": calendar.description,
        "timezone": calendar.timezone,
        "components": ",".join(calendar.components) or None,
        "transp": calendar.transp,
        "owner": calendar.owner,
        "rights": ",".join(calendar.privileges) or None,
        CTAG: calendar.ctag,
        SYNC_TOKEN: calendar.sync_token,
    }
    return {name: text.encode("utf-8", "surrogateescape") for name, text in texts.items() if text is not None}


def _versions(members: list[dav.Version]) -> list[Version]:
    """All of `members`, which is empty then: two lists of 100,000 at once would take another 40 MiB."""
    members.reverse()
    return [_version(members.pop()) for _ in range(len(members))]


def _version(version: dav.Version) -> Version:
    return Version(
        key=version.href,
        leaf=leaf(version.href),
        etag=dav.comparable_etag(version.etag),
        mtime_ns=http_date_ns(version.last_modified) if version.last_modified else 0,
        length=version.content_length,
    )


def _record(listed: Version, asked: dav.Version, answer: dav.Fetched) -> Record:
    """What came of fetching `listed`, for which `asked` stood; a resource has the version that came with its bytes."""
    match answer:
        case dav.Resource(version, content):
            return Resource(listed if version is asked else _merged(listed, _version(version)), content)
        case dav.Failed(_, reason):
            return Failed(listed, reason)
        case _:
            return Gone(listed)


def _with_length(record: Record) -> Record:
    """With the length that the next listing will show."""
    match record:
        case Resource(version, content):
            return Resource(version._replace(length=len(content)), content)
        case _:
            return record


def _merged(listed: Version, fetched: Version) -> Version:
    """The version of fetched bytes, with those parts only that a listing has too: it is compared with the next one."""
    return listed._replace(
        etag=fetched.etag or listed.etag,
        mtime_ns=(fetched.mtime_ns or listed.mtime_ns) if listed.mtime_ns else 0,
        length=fetched.length if fetched.length >= 0 and listed.length >= 0 else listed.length,
    )
