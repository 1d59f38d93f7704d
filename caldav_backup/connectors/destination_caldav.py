"""A CalDAV account as a destination: records put with preconditions, so that nothing is overwritten unseen.

Owns what an answer to a PUT means for a restore, the request headers that keep a server from mailing guests, and names
that every server takes. Reading is `caldav`'s, making calendars `calendar_making`'s, the protocol `dav`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2b

from caldav_backup import dav
from caldav_backup.connectors.base import Catalogue, Collection, Record, Version
from caldav_backup.connectors.caldav import CalDavSource
from caldav_backup.connectors.calendar_making import make_calendar
from caldav_backup.connectors.destination import (
    Created,
    DestinationBusy,
    DestinationUnreachable,
    Ending,
    LoginRefused,
    Outcome,
    Refused,
    Scheduling,
    Taken,
    Written,
)
from caldav_backup.dav import hrefs
from caldav_backup.dav.answer import Answer
from caldav_backup.dav.requests import Request

#: Names that no server refuses or mangles. Radicale 3.9 refuses a leading dot and ; , [ ' # ? :, and SOGo 5.8 took one
#: with brackets for another object and overwrote that.
_PLAIN_LEAF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,195}\.ics")

#: sabre/dav 4.7 and Cyrus 3.6 (deletions) honour the first (RFC 6638 §8.1), Nextcloud the second.
_SILENT = {"Schedule-Reply": "F", "X-NC-Scheduling": "false"}

#: Rights of which one is needed to write a record (RFC 3744 §3, RFC 4791 §6.1).
_MAY_WRITE = frozenset({"all", "write", "write-content", "bind"})

#: What nothing keeps from mailing guests: SOGo 5.8 heeds neither headers nor SCHEDULE-AGENT, nor does Google by report.
_UNSTOPPABLE_PATH = re.compile(r"/SOGo/dav/", re.IGNORECASE)
_UNSTOPPABLE_HOSTS = ("apidata.googleusercontent.com", "www.google.com", "calendar.google.com")

#: Records in a row that a server has no time for, after all retries, before the rest is left for later.
_BUSY_IN_A_ROW = 3

#: Refusals of one record; whatever else a request fails with ends the restore.
_OF_ONE_RECORD = (dav.Refused, dav.Forbidden, dav.NotFound, dav.BadAnswer)


class CalDavDestination:
    """Writes to the account that `client` is signed in to, beginning at `url`."""

    can_read_back = True
    concurrency = 3

    def __init__(self, client: dav.Client, url: str, *, origin: str) -> None:
        self._client = client
        self._url = url
        # What is restored belongs to the account: a name must not lead into a calendar of somebody else.
        self._source = CalDavSource(client, url, origin=origin, of_others=False)
        self._scheduling = Scheduling.SUPPRESSIBLE
        self._busy = 0
        self._segments: set[str] = set()

    @property
    def origin(self) -> str:
        """`user@host[:port]/path`, without secrets."""
        return self._source.origin

    @property
    def scheduling(self) -> Scheduling:
        """As the server describes itself; known after `catalogue`."""
        return self._scheduling

    @property
    def can_create(self) -> bool:
        """False for the address of a single calendar."""
        return bool(self._source.homes)

    async def catalogue(self) -> Catalogue:
        """The account's calendars, and what the server says about itself."""
        found = await self._source.catalogue()
        keys = [*(one.key for one in found.collections), *(one.key for one in found.left_out)]
        self._segments = {_last_segment(key) for key in keys}
        self._scheduling = await self._ask_scheduling()
        return found

    async def list_versions(self, collection: Collection) -> list[Version]:
        """One PROPFIND of depth 1."""
        with _translated():
            return (await self._source.list_versions(collection)).versions

    async def fetch(self, collection: Collection, versions: Sequence[Version]) -> list[Record]:
        """Contents by multiget."""
        with _translated():
            return await self._source.fetch(collection, versions)

    def refusal(self, collection: Collection) -> str:
        """What the calendar's privileges say; a server that tells none is tried."""
        rights = collection.attributes.get("rights", b"").decode("utf-8", "replace")
        if not rights or not _MAY_WRITE.isdisjoint(rights.split(",")):
            return ""
        return f"the calendar is read-only (your rights there: {rights})"

    def leaf(self, name: str, uid: str | None, attempt: int = 0) -> str:
        """The stored name where it is plain, else a digest of the UID."""
        if attempt == 0 and _PLAIN_LEAF.fullmatch(name):
            return name
        text = f"{uid or name}\0{attempt}" if attempt else (uid or name)
        return blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest() + ".ics"

    async def begin(self, displaynames: Sequence[str]) -> None:
        """Nothing to prepare."""
        del displaynames

    async def create(self, hint: str, attributes: Mapping[str, bytes]) -> Created:
        """Make a calendar in the account's home, and set and read back its properties."""
        with _translated():
            made = await make_calendar(self._client, self._source.homes[0], hint, attributes, self._segments)
        self._segments.add(_last_segment(made.calendar.href))
        return Created(self._source.adopt(made.calendar), made.not_kept)

    async def write(
        self, collection: Collection, leaf: str, content: bytes, *, replaced: Version | None, silent: bool
    ) -> Outcome:
        """PUT with `If-Match` or `If-None-Match: *`."""
        # A home may lie at another host than the address that led to it (iCloud), so hrefs are the calendar's.
        calendar = hrefs.collection(self._source.url_of(collection))
        href = hrefs.resolve(calendar, replaced.key if replaced else hrefs.quote_segment(leaf))
        headers = _SILENT if silent else {}
        try:
            with _translated():
                outcome = await self._put(href, content, replaced, headers)
        except DestinationBusy as error:
            self._busy += 1
            if self._busy >= _BUSY_IN_A_ROW:
                raise
            return Refused(str(error))
        self._busy = 0
        return outcome

    async def finish(self, *, replace: bool) -> Ending:
        """Every record was lasting when the server took it."""
        del replace
        return Ending.WRITTEN

    async def close(self) -> None:
        """Close the connections."""
        await self._source.close()

    async def _put(self, href: str, content: bytes, replaced: Version | None, headers: Mapping[str, str]) -> Outcome:
        etag = replaced.etag if replaced else None
        try:
            given = await self._put_guarded(href, content, etag, headers)
        except dav.PreconditionFailed as error:
            return Taken(f"something else is there now: {error}")
        except _OF_ONE_RECORD as error:
            return Refused(str(error))
        leaf = (hrefs.segments(href) or [""])[-1]
        return Written(Version(hrefs.path_of(href), leaf, dav.comparable_etag(given or ""), 0, -1))

    async def _put_guarded(self, href: str, content: bytes, etag: str | None, headers: Mapping[str, str]) -> str | None:
        """PUT over the version `etag` (""; whatever is there), or where nothing is; looked up where a server cannot."""
        try:
            return await self._client.put(
                href, content, if_match=etag or None, if_none_match=etag is None, headers=headers
            )
        except dav.PreconditionFailed:
            # Google knows no If-None-Match, and a server of weak ETags no If-Match: then its own word has to do.
            if await self._current_etag(href) != etag:
                raise
        return await self._client.put(href, content, headers=headers)

    async def _current_etag(self, href: str) -> str | None:
        """The ETag of what is there; None when nothing is."""
        try:
            return dav.comparable_etag((await self._client.get(href)).version.etag)
        except dav.NotFound:
            return None

    async def _ask_scheduling(self) -> Scheduling:
        url = self._source.homes[0] if self._source.homes else self._url
        host = re.split(r"[/:]", hrefs.origin_of(url).partition("://")[2])[0]
        if host in _UNSTOPPABLE_HOSTS or _UNSTOPPABLE_PATH.search(hrefs.path_of(url)):
            return Scheduling.UNSTOPPABLE
        features = await self._features(url)
        if features is None or "calendar-auto-schedule" in features:
            return Scheduling.SUPPRESSIBLE
        # DavMail advertises the older draft only, and Exchange behind it invites by itself.
        return Scheduling.UNSTOPPABLE if "calendar-schedule" in features else Scheduling.NONE

    async def _features(self, url: str) -> frozenset[str] | None:
        """The compliance classes of the `DAV` header (RFC 4918 §10.1); None when the server does not tell."""

        async def read(answer: Answer) -> str:
            await answer.beginning(0)
            return answer.headers.get("dav", "")

        try:
            told = await self._client.transport.exchange(Request("OPTIONS", url, frozenset({200, 204})), read)
        except _OF_ONE_RECORD:
            return None
        return frozenset(word.strip().lower() for word in told.split(",") if word.strip()) or None


def _last_segment(key: str) -> str:
    return (hrefs.segments(key) or [""])[-1].casefold()


@contextmanager
def _translated() -> Iterator[None]:
    """What ends a restore, in the words of destinations."""
    try:
        yield
    except dav.Unauthorized as error:
        raise LoginRefused(str(error)) from error
    except (dav.TooManyRequests, dav.Unavailable) as error:
        raise DestinationBusy(str(error)) from error
    except dav.ServerUnreachable as error:
        raise DestinationUnreachable(str(error)) from error
