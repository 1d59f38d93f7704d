"""The verbs of CalDAV: list, fetch, get, put, delete, make a calendar, set properties.

Owns what each verb does when the network or the server fails in the middle of it. Does not own what requests look like
(`requests`), how batches are fetched (`fetching`), or where calendars are found (`discovery`).
"""

from __future__ import annotations

import operator
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self

from caldav_backup.dav import hrefs, names, requests
from caldav_backup.dav.content import begins_calendar, ends_calendar
from caldav_backup.dav.errors import BadAnswer, Forbidden, NotFound, PreconditionFailed, Refused
from caldav_backup.dav.fetching import Fetching
from caldav_backup.dav.listing import PROPERTIES, Members
from caldav_backup.dav.models import Calendar, Changes, Fetched, Listing, Resource, Version
from caldav_backup.dav.multigets import Multigets
from caldav_backup.dav.multistatus import Parser, Response
from caldav_backup.dav.responses import Multistatus, iter_responses, read_multistatus
from caldav_backup.dav.slowness import unless_slow
from caldav_backup.dav.sync import sync
from caldav_backup.dav.uid_query import list_uids

if TYPE_CHECKING:
    from caldav_backup.dav.answer import Answer
    from caldav_backup.dav.requests import Request
    from caldav_backup.dav.transport import Transport

_MULTIGET = (names.GETETAG, names.GETLASTMODIFIED, names.GETCONTENTLENGTH, names.CALENDAR_DATA)
_NO_MKCALENDAR = frozenset({405, 501})


class Client:
    """A CalDAV account behind `transport`, which it closes.

    Every `href` may be a path as a server writes it, or a URL; a path belongs to the transport's base URL. All methods
    raise `DavError`s.
    """

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self._multigets: dict[str, Multigets] = {}

    async def propfind(self, url: str, properties: Iterable[str], depth: str) -> Multistatus:
        """The named properties of a resource (`depth` "0"), or of it and its members ("1")."""
        return await self._multistatus(requests.propfind(self._url(url), properties, depth))

    async def propname(self, url: str, depth: str) -> Multistatus:
        """The names of all properties there are."""
        return await self._multistatus(requests.propname(self._url(url), depth))

    async def allprop(self, url: str, depth: str) -> Multistatus:
        """All properties that clients have put there, and some others."""
        return await self._multistatus(requests.allprop(self._url(url), depth))

    async def describe(self, url: str, properties: Iterable[str]) -> tuple[str, Response]:
        """The named properties of one resource, and the URL that answered after redirections."""
        multistatus = await self.propfind(url, properties, requests.ITSELF)
        if not multistatus.responses:
            raise BadAnswer("the server says nothing of what was asked", method="PROPFIND", href=hrefs.path_of(url))
        # With depth 0 there is only one, also where a proxy makes its path look like another.
        return multistatus.url, multistatus.itself or multistatus.responses[0]

    async def listing(self, calendar: Calendar) -> Listing:
        """The members of a calendar, without their contents; the collection itself and other things are left out.

        Read as it arrives. A list without even the calendar itself, or cut short, is a BadAnswer. A member that is
        refused alone (403, 500) is there, with an empty version; one that is listed as gone (404) is not.
        """

        async def read(answer: Answer) -> Listing:
            members = Members(answer.url)
            async with aclosing(iter_responses(answer, Parser(self.transport.limits))) as responses:
                async for response in responses:
                    members.add(response)
            return Listing(members.versions(), answer.headers.get("date", ""))

        return await self.transport.exchange(requests.propfind(calendar.url, PROPERTIES, requests.MEMBERS), read)

    async def list_versions(self, calendar: Calendar) -> list[Version]:
        """The listing's members alone."""
        return (await self.listing(calendar)).versions

    async def sync(self, calendar: Calendar, token: str) -> Changes:
        """What changed since the calendar's sync-token was `token` (RFC 6578); all members for an empty one.

        Raises TokenRefused when the server does not know the token or the report, and whenever its answer cannot be
        relied on: a listing says it all the same.
        """
        return await sync(self, calendar.url, token)

    async def fetch(self, calendar: Calendar, versions: Sequence[Version]) -> list[Fetched]:
        """The contents of `versions` of one calendar, in the same order; hold some hundred at most in one call.

        Raises only what ends a run: a refused login, a server that is away, a calendar that is gone or forbidden.
        """
        multigets = self._multigets.setdefault(calendar.url, Multigets())
        return await Fetching(self, calendar.url, versions, multigets).run()

    async def multiget(self, url: str, members: Sequence[str]) -> list[Response]:
        """One calendar-multiget with ETag, last modification, length and data of each member that the server gives.

        Only a server that is busy is asked again: what else fails may be due to a member, and half of the batch is the
        better repeat.
        """
        request = requests.multiget(url, _MULTIGET, members)

        async def read(answer: Answer) -> list[Response]:
            size = 0
            found: list[Response] = []
            parser = Parser(self.transport.limits.for_what_is_held())
            async with aclosing(iter_responses(answer, parser)) as responses:
                async for response in responses:
                    found.append(response)
                    size += len(response.text(names.CALENDAR_DATA))
                    if size > self.transport.limits.batch:
                        raise answer.bad("the batch brings more calendar data than is taken at once")
            return found

        return await unless_slow(self.transport, request, read)

    async def list_uids(self, url: str, kind: str, uid_of: Callable[[bytes], str | None]) -> dict[str, str] | None:
        """The UIDs of a calendar that is not empty, by href, in one or two requests without its contents.

        None when the server does not tell them; it may leave some out. `kind` is what most members are (`VEVENT`),
        `uid_of` finds the UID in a piece of calendar data.
        """
        return await list_uids(self.transport, url, kind, uid_of)

    async def find_principals(self, url: str, address: str) -> list[str]:
        """The paths of the principals that have a calendar user address, or one that it is a part of."""
        found = await self._multistatus(requests.principal_search(self._url(url), address))
        return [found.path(response) for response in found.responses]

    async def get(self, href: str) -> Resource:
        """One calendar object. Raises BadAnswer when what comes is no calendar, whatever its status."""
        return await self.transport.exchange(requests.get(self._url(href)), self._read_resource)

    @asynccontextmanager
    async def stream(self, href: str) -> AsyncIterator[AsyncGenerator[bytes, None]]:
        """The bytes of one resource as they come; nothing is asked again when they break off."""
        async with (
            self.transport.open(requests.get(self._url(href))) as answer,
            aclosing(answer.chunks(self.transport.limits.resource)) as chunks,
        ):
            yield chunks

    async def put(
        self,
        href: str,
        content: bytes,
        *,
        if_match: str | None = None,
        if_none_match: bool = False,
        headers: Mapping[str, str] | None = None,
        is_same: Callable[[bytes, bytes], bool] = operator.eq,
    ) -> str | None:
        """Write one object; the ETag that the server gives, which does not mean that it kept the bytes.

        After a failure that leaves it open whether the object arrived, the server is asked before it is sent again:
        `is_same` says whether what was sent is what is there, which some servers have written anew.
        """
        request = requests.put(
            self._url(href), content, if_match=if_match, if_none_match=if_none_match, headers=headers or {}
        )

        async def attempt(number: int) -> str | None:
            there = await self._find_resource(request.url) if number else None
            if there is not None and is_same(content, there.content):
                return there.version.etag or None
            return await self.transport.exchange_once(request, self._read_etag)

        return await self.transport.retries.run(attempt)

    async def delete(self, href: str, *, if_match: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        """Remove one resource. That it is gone when the request has to be repeated is success."""
        request = requests.delete(self._url(href), if_match=if_match, headers=headers or {})

        async def attempt(number: int) -> None:
            try:
                await self.transport.exchange_once(request, self._read_nothing)
            except NotFound:
                if not number:
                    raise

        await self.transport.retries.run(attempt)

    async def mkcalendar(self, href: str, displayname: str | None = None, components: Sequence[str] = ()) -> None:
        """Make a calendar with the least that it needs; by extended MKCOL where MKCALENDAR is not known.

        Raises Refused when it was not made, also when it is there already.
        """
        url = self._url(href)
        try:
            await self._make(requests.mkcalendar(url, displayname, components))
        except Refused as error:
            if error.status not in _NO_MKCALENDAR:
                raise
            await self._make_otherwise(requests.extended_mkcol(url, displayname, components), error)

    async def proppatch(self, href: str, values: Mapping[str, str | bytes | None]) -> dict[str, int]:
        """Set properties one by one (`requests.proppatch` says what values are); the status of each.

        Together would be shorter, but one that is refused takes the others with it (sabre/dav 1.8: 424).
        """
        return {name: await self._proppatch(self._url(href), name, value) for name, value in values.items()}

    async def aclose(self) -> None:
        """Close the connections."""
        await self.transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def _url(self, href: str) -> str:
        return hrefs.resolve(self.transport.base_url, href)

    async def _multistatus(self, request: Request) -> Multistatus:
        return await self.transport.exchange(request, lambda answer: read_multistatus(answer, self.transport.limits))

    async def _read_resource(self, answer: Answer) -> Resource:
        content = await answer.read(self.transport.limits.resource)
        if not begins_calendar(content):
            raise answer.bad("what came is no calendar" if content else "what came is empty")
        if not answer.says_its_end and not ends_calendar(content):
            raise answer.cut("the calendar ends in the middle")
        etag, modified = answer.headers.get("etag", ""), answer.headers.get("last-modified", "")
        return Resource(Version(hrefs.path_of(answer.url), etag, modified, len(content)), content)

    async def _read_etag(self, answer: Answer) -> str | None:
        await self._read_nothing(answer)
        return answer.headers.get("etag")

    async def _read_nothing(self, answer: Answer) -> None:
        """The status has said everything; the body is read so that the connection can be used again."""
        await answer.beginning(self.transport.limits.refusal)

    async def _find_resource(self, url: str) -> Resource | None:
        """What is at `url` now; None when nothing is, or nothing that could be compared."""
        try:
            return await self.transport.exchange_once(requests.get(url), self._read_resource)
        except (NotFound, Forbidden, Refused, BadAnswer):
            return None  # the request is repeated then, and its preconditions guard what is there

    async def _make(self, request: Request) -> None:
        async def attempt(number: int) -> None:
            if number and await self._is_calendar(request.url):
                return
            await self.transport.exchange_once(request, self._read_nothing)

        await self.transport.retries.run(attempt)

    async def _make_otherwise(self, request: Request, first: Refused) -> None:
        """405 may mean that the method is not known, or that the calendar is there: the first answer says it best."""
        try:
            await self._make(request)
        except Refused as second:
            raise first from second

    async def _is_calendar(self, url: str) -> bool:
        try:
            _, response = await self.describe(url, [names.RESOURCETYPE])
        except NotFound:
            return False
        kinds = response.found.get(names.RESOURCETYPE)
        return kinds is not None and kinds.find(names.CALENDAR) is not None

    async def _proppatch(self, url: str, name: str, value: str | bytes | None) -> int:
        try:
            multistatus = await self._multistatus(requests.proppatch(url, name, value))
        except (Forbidden, Refused, PreconditionFailed) as error:
            return error.status or 403
        refused = [response.refused[name] for response in multistatus.responses if name in response.refused]
        return refused[0] if refused else 200
