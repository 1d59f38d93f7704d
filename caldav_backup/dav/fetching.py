"""The contents of many members: in batches where the server can, alone where it cannot.

Owns what is done about members that a batch leaves out or garbles, and about batches that are refused. One bad member
never costs another one. Whether a batch is worth a try is said by `multigets`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from caldav_backup.dav import hrefs, names
from caldav_backup.dav.content import begins_calendar
from caldav_backup.dav.errors import (
    AnswerCut,
    DavError,
    Forbidden,
    NotFound,
    OtherHost,
    ServerUnreachable,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)
from caldav_backup.dav.listing import content_length
from caldav_backup.dav.models import Failed, Fetched, Gone, Resource, Version, comparable_etag
from caldav_backup.dav.multistatus import Response, calendar_data, has_lost_line_ends
from caldav_backup.dav.tasks import together

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from caldav_backup.dav.client import Client
    from caldav_backup.dav.multigets import Multigets

#: Members above this size in bytes are no part of a batch: the parser takes 10,000,000 characters of text at most.
LARGE = 1024 * 1024
#: Bytes in one batch, as far as they are known beforehand.
_BATCH_BYTES = 8 * 1024 * 1024

#: What says nothing of a member or batch, but of the account: the whole run has to stop.
_OF_THE_ACCOUNT = (Unauthorized, TooManyRequests)
#: What may be due to one member, or to the server as a whole.
_UNCLEAR = (ServerUnreachable, Unavailable)
_NO_REPORT = frozenset({405, 501})
#: A batch of at least so many that brings nothing at all is no accident.
_NO_ACCIDENT = 10
#: U+FFFD in UTF-8. DAViCal 1.1.12 writes it into XML for U+FFFE, U+FFFF and the like, which are as long: what GET gives
#: is then another thing, and no length tells.
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}".encode()
#: Members that are looked at to learn of line ends.
_PROBES = 3


class _Read(NamedTuple):
    """What a batch gave of a member. `is_exact`: a length agrees with the bytes, or XML could not change them."""

    resource: Resource
    is_exact: bool


class Fetching:
    """One call's worth of members of the calendar at `url`, of whose multigets `multigets` knows."""

    def __init__(self, client: Client, url: str, versions: Sequence[Version], multigets: Multigets) -> None:
        self._client = client
        self._url = url
        self._versions = versions
        self._multigets = multigets
        self._keys = {version.href: hrefs.normalise(version.href) for version in versions}
        self._wanted = {self._keys[version.href]: version for version in versions}
        self._fetched: dict[str, Fetched] = {}
        self._alone: list[str] = []
        self._is_there = False

    async def run(self) -> list[Fetched]:
        """What came of each version, in their order."""
        await self._fetch_batches(list(_batches(self._wanted, self._multigets.most)))
        alone = [key for key in self._alone if key not in self._fetched]
        async with together() as group:
            for key in alone:
                if not self._is_large(key):
                    group.create_task(self._fetch_alone(key))
        for key in filter(self._is_large, alone):
            await self._fetch_alone(key)  # not at once: each is held in memory
        return [self._fetched[self._keys[version.href]] for version in self._versions]

    async def _fetch_batches(self, batches: Sequence[Sequence[str]]) -> None:
        """All of them, then the halves of those that were refused, down to the member that is the cause.

        In that order, so that one bad member shows itself as such: the half without it succeeds.
        """
        refused = [keys for keys in batches if not await self._fetch_batch(keys)]
        for keys in refused:
            middle = len(keys) // 2
            await self._fetch_batches([keys[:middle], keys[middle:]])

    async def _fetch_batch(self, keys: Sequence[str]) -> bool:
        """False when the batch was refused and is to be halved."""
        if len(keys) == 1 or not self._multigets.allow(len(keys)):
            self._alone.extend(keys)
            return True
        try:
            responses = await self._client.multiget(self._url, [self._wanted[key].href for key in keys])
        except _OF_THE_ACCOUNT:
            raise
        except DavError as error:
            await self._look_at_calendar(error)
            if error.status in _NO_REPORT or error.condition == "supported-report":
                self._multigets.give_up()
                self._alone.extend(keys)
                return True
            self._multigets.failed(len(keys), is_slow=isinstance(error, (*_UNCLEAR, AnswerCut)))
            return False
        await self._take(keys, self._by_key(responses))
        return True

    async def _take(self, keys: Sequence[str], answered: dict[str, Response]) -> None:
        """What the answer holds of these members; the others are to be fetched alone."""
        unsure: dict[str, Resource] = {}
        missing: list[str] = []
        for key in keys:
            found = self._read(key, answered.get(key))
            if found is None:
                missing.append(key)
            elif found.is_exact:
                self._fetched[key] = found.resource
            else:
                unsure[key] = found.resource
        if len(missing) == len(keys) >= _NO_ACCIDENT:
            self._multigets.failed(len(keys))
        else:
            self._multigets.succeeded(len(keys))
        self._alone.extend(missing)
        if unsure and await self._have_crlf(unsure):
            self._fetched = unsure | self._fetched
        else:
            self._alone.extend(unsure)

    def _by_key(self, responses: Iterable[Response]) -> dict[str, Response]:
        """Servers spell hrefs in their own way, leave their path out, and may say something twice: data win."""
        answered: dict[str, Response] = {}
        for response in responses:
            # Most write them as they did in the listing, and then nothing has to be taken apart.
            key = self._keys.get(response.href) or hrefs.normalise(hrefs.member(self._url, response.href))
            if key not in answered or names.CALENDAR_DATA in response.found:
                answered[key] = response
        return answered

    def _read(self, key: str, response: Response | None) -> _Read | None:
        """The member's bytes where the response has them and no length speaks against them."""
        data = response.found.get(names.CALENDAR_DATA) if response is not None else None
        if response is None or data is None:
            return None
        listed = self._wanted[key]
        version = _version(listed, response)
        content = calendar_data(data)
        length = _length(listed, version)
        is_suspect = not begins_calendar(content) or _REPLACEMENT in content
        if is_suspect or length not in {-1, len(content)}:
            return None
        return _Read(Resource(_recorded(listed, version), content), length >= 0 or not has_lost_line_ends(data))

    async def _have_crlf(self, unsure: dict[str, Resource]) -> bool:
        """True when members whose lengths nothing tells have CR LF, as one of this calendar shows that GET gives.

        A guess for the others, and the only one that costs less than a GET for each. None of the six servers that were
        tried needs it: each tells lengths in the multiget or in the listing.
        """
        for key in list(unsure)[:_PROBES]:
            if self._multigets.has_crlf is not None:
                break
            await self._fetch_alone(key)
            got, guess = self._fetched[key], unsure[key].content
            if isinstance(got, Resource) and _without_cr(got.content) == _without_cr(guess):
                self._multigets.has_crlf = got.content == guess
                if not self._multigets.has_crlf:
                    self._multigets.give_up()
        return self._multigets.has_crlf is True

    async def _fetch_alone(self, key: str) -> None:
        listed = self._wanted[key]
        try:
            resource = await self._client.get(hrefs.resolve(self._url, listed.href))
        except NotFound:
            self._fetched[key] = Gone(listed.href)
        except OtherHost as error:  # the member is elsewhere, and the account is as it was
            self._fetched[key] = Failed(listed.href, str(error))
        except _OF_THE_ACCOUNT:
            raise
        except DavError as error:
            if isinstance(error, _UNCLEAR):
                await self._look_at_calendar(error)
            self._fetched[key] = Failed(listed.href, str(error))
        else:
            version = resource.version._replace(href=listed.href)
            self._fetched[key] = Resource(_recorded(listed, version), resource.content)

    def _is_large(self, key: str) -> bool:
        return self._wanted[key].content_length > LARGE

    async def _look_at_calendar(self, error: DavError) -> None:
        """Raises when the calendar or the server is the cause of `error`, and not what was asked of it.

        sabre/dav 1.8 answers 404 to a whole batch when one member of it is gone.
        """
        is_unclear = isinstance(error, _UNCLEAR)
        if is_unclear or (isinstance(error, (NotFound, Forbidden)) and not self._is_there):
            await self._client.describe(self._url, [names.RESOURCETYPE])
            self._is_there = True


def _batches(wanted: dict[str, Version], most: int) -> Iterable[list[str]]:
    """Keys in their order, at most `most` and _BATCH_BYTES together; a large member is a batch of its own."""
    batch: list[str] = []
    size = 0
    for key, version in wanted.items():
        length = max(0, version.content_length)
        if length > LARGE:
            yield [key]
            continue
        if len(batch) == most or (batch and size + length > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(key)
        size += length
    if batch:
        yield batch


def _version(listed: Version, response: Response) -> Version:
    """The version that came with a multiget's data."""
    etag, modified = response.text(names.GETETAG), response.text(names.GETLASTMODIFIED)
    return Version(listed.href, etag, modified, content_length(response))


def _without_cr(content: bytes) -> bytes:
    return content.replace(b"\r\n", b"\n")


def _length(listed: Version, version: Version) -> int:
    """How many bytes the content should have; -1 when nothing says it.

    Radicale 3.9 gives `getcontentlength` in a PROPFIND and not in a multiget: the listing's counts for the same ETag.
    """
    if version.content_length >= 0:
        return version.content_length
    return listed.content_length if version.etag and _has_same_etag(listed, version) else -1


def _recorded(listed: Version, version: Version) -> Version:
    """The version to remember with the bytes: as the next listing will show it if nothing changes until then.

    Headers and properties differ in spelling (a proxy's `-gzip`, dates), so the listed version stands while the ETag is
    the same or was not given. That is never too new: the listing came before the bytes.
    """
    return listed if not version.etag or _has_same_etag(listed, version) else version


def _has_same_etag(one: Version, other: Version) -> bool:
    """Also where one of them comes without quotes: DavMail and Kerio leave them out in XML."""
    return one.etag == other.etag or comparable_etag(one.etag).strip('"') == comparable_etag(other.etag).strip('"')
