"""The contents of many members: in batches where the server can, alone where it cannot.

Owns what is done about members that a batch leaves out or garbles, and about batches that are refused. One bad member
never costs another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from caldav_backup.dav import hrefs, names
from caldav_backup.dav.content import begins_calendar
from caldav_backup.dav.errors import (
    DavError,
    Forbidden,
    NotFound,
    ServerUnreachable,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)
from caldav_backup.dav.listing import content_length
from caldav_backup.dav.models import Failed, Fetched, Gone, Resource, Version, comparable_etag
from caldav_backup.dav.multistatus import Response, calendar_data
from caldav_backup.dav.tasks import together

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from caldav_backup.dav.client import Client

BATCH = 100
#: Members above this size in bytes are no part of a batch: the parser takes 10,000,000 characters of text at most.
LARGE = 1024 * 1024
#: Bytes in one batch, as far as they are known beforehand.
_BATCH_BYTES = 8 * 1024 * 1024

#: What says nothing of a member or batch, but of the account: the whole run has to stop.
_OF_THE_ACCOUNT = (Unauthorized, TooManyRequests)
#: What may be due to one member, or to the server as a whole.
_UNCLEAR = (ServerUnreachable, Unavailable)
_NO_REPORT = frozenset({405, 501})


class Fetching:
    """One call's worth of members of the calendar at `url`."""

    def __init__(self, client: Client, url: str, versions: Sequence[Version]) -> None:
        self._client = client
        self._url = url
        self._versions = versions
        self._wanted = {hrefs.normalise(version.href): version for version in versions}
        self._fetched: dict[str, Fetched] = {}
        self._is_there = False
        self._has_report = True

    async def run(self) -> list[Fetched]:
        """What came of each version, in their order."""
        alone: list[str] = []
        for batch in _batches(self._wanted):
            alone.extend(await self._fetch_batch(batch))
        async with together() as group:
            for key in alone:
                group.create_task(self._fetch_alone(key))
        return [self._fetched[hrefs.normalise(version.href)] for version in self._versions]

    async def _fetch_batch(self, keys: Sequence[str]) -> Sequence[str]:
        """Those that have to be fetched alone. A refused batch is halved, down to the member that is the cause."""
        if len(keys) == 1 or not self._has_report:
            return keys
        try:
            responses = await self._client.multiget(self._url, [self._wanted[key].href for key in keys])
        except _OF_THE_ACCOUNT:
            raise
        except DavError as error:
            await self._look_at_calendar(error)
            if error.status in _NO_REPORT or error.condition == "supported-report":
                self._has_report = False
                return keys
            middle = len(keys) // 2
            return [*await self._fetch_batch(keys[:middle]), *await self._fetch_batch(keys[middle:])]
        answered = self._by_key(responses)
        return [key for key in keys if not self._accept(key, answered.get(key))]

    def _by_key(self, responses: Iterable[Response]) -> dict[str, Response]:
        """Servers spell hrefs in their own way, leave their path out, and may say something twice: data win."""
        answered: dict[str, Response] = {}
        for response in responses:
            key = hrefs.normalise(hrefs.member(self._url, response.href))
            if key not in answered or names.CALENDAR_DATA in response.found:
                answered[key] = response
        return answered

    def _accept(self, key: str, response: Response | None) -> bool:
        """True when the response holds the member's exact bytes, as far as can be known without asking again."""
        data = response.found.get(names.CALENDAR_DATA) if response is not None else None
        if response is None or data is None:
            return False
        listed = self._wanted[key]
        version = Version(
            listed.href, response.text(names.GETETAG), response.text(names.GETLASTMODIFIED), content_length(response)
        )
        content = calendar_data(data)
        if not begins_calendar(content) or _length(listed, version) not in {-1, len(content)}:
            return False
        self._fetched[key] = Resource(_recorded(listed, version), content)
        return True

    async def _fetch_alone(self, key: str) -> None:
        listed = self._wanted[key]
        try:
            resource = await self._client.get(hrefs.resolve(self._url, listed.href))
        except NotFound:
            self._fetched[key] = Gone(listed.href)
        except _OF_THE_ACCOUNT:
            raise
        except DavError as error:
            if isinstance(error, _UNCLEAR):
                await self._look_at_calendar(error)
            self._fetched[key] = Failed(listed.href, str(error))
        else:
            version = resource.version._replace(href=listed.href)
            self._fetched[key] = Resource(_recorded(listed, version), resource.content)

    async def _look_at_calendar(self, error: DavError) -> None:
        """Raises when the calendar or the server is the cause of `error`, and not what was asked of it.

        sabre/dav 1.8 answers 404 to a whole batch when one member of it is gone.
        """
        is_unclear = isinstance(error, _UNCLEAR)
        if is_unclear or (isinstance(error, (NotFound, Forbidden)) and not self._is_there):
            await self._client.describe(self._url, [names.RESOURCETYPE])
            self._is_there = True


def _batches(wanted: dict[str, Version]) -> Iterable[list[str]]:
    """Keys in their order, at most BATCH and _BATCH_BYTES together; a large member is a batch of its own."""
    batch: list[str] = []
    size = 0
    for key, version in wanted.items():
        length = max(0, version.content_length)
        if length > LARGE:
            yield [key]
            continue
        if len(batch) == BATCH or (batch and size + length > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(key)
        size += length
    if batch:
        yield batch


def _length(listed: Version, version: Version) -> int:
    """How many bytes the content should have; -1 when nothing says it.

    Radicale 3.9 gives `getcontentlength` in a PROPFIND and not in a multiget: the listing's counts for the same ETag.
    """
    if version.content_length >= 0:
        return version.content_length
    is_same = version.etag != "" and comparable_etag(version.etag) == comparable_etag(listed.etag)
    return listed.content_length if is_same else -1


def _recorded(listed: Version, version: Version) -> Version:
    """The version to remember with the bytes: as the next listing will show it if nothing changes until then.

    Headers and properties differ in spelling (a proxy's `-gzip`, dates), so the listed version stands while the ETag is
    the same or was not given. That is never too new: the listing came before the bytes.
    """
    if not version.etag or comparable_etag(version.etag) == comparable_etag(listed.etag):
        return listed
    return version
