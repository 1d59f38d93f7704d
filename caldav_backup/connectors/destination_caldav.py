"""A CalDAV account as a destination: records put with preconditions, so that nothing is overwritten unseen.

Owns where a record goes and names that every server takes. Reading is `caldav`'s, making calendars `calendar_making`'s,
what an answer to a PUT means `putting`'s, keeping a server from mailing guests `silence`'s, the protocol `dav`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2b

from caldav_backup import dav
from caldav_backup.connectors.base import Catalogue, Collection, Failed, Gone, Record, Resource, Version
from caldav_backup.connectors.caldav import CalDavSource
from caldav_backup.connectors.calendar_limits import limits_of
from caldav_backup.connectors.calendar_making import complete_calendar, make_calendar
from caldav_backup.connectors.destination import (
    Created,
    Deletion,
    DestinationBusy,
    DestinationError,
    DestinationUnreachable,
    Ending,
    Limits,
    LoginRefused,
    Outcome,
    Refused,
    Scheduling,
)
from caldav_backup.connectors.invitations import ANY_ORGANIZER, scheduling_of
from caldav_backup.connectors.products import Product, recognise
from caldav_backup.connectors.putting import Putter
from caldav_backup.connectors.silence import SilentPutter
from caldav_backup.connectors.uid_listing import list_uids
from caldav_backup.dav import hrefs
from caldav_backup.dav.names import RESOURCETYPE

#: Names that no server refuses or mangles. Radicale 3.9 refuses a leading dot and ; , [ ' # ? :, and SOGo 5.8 took one
#: with brackets for another object and overwrote that.
_PLAIN_LEAF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,195}\.ics")

#: Rights of which one is needed to write a record (RFC 3744 §3, RFC 4791 §6.1).
_MAY_WRITE = frozenset({"all", "write", "write-content", "bind"})

#: Records in a row that a server has no time for or no answer to, after all retries, before the rest is left for later.
_BUSY_IN_A_ROW = 3


class CalDavDestination:
    """Writes to the account that `client` is signed in to, beginning at `url`."""

    can_read_back = True
    #: As many as a server is ever asked for at once; how many it gets is the transport's care.
    concurrency = 8

    def __init__(self, client: dav.Client, url: str, *, origin: str) -> None:
        self._client = client
        self._url = url
        # What is restored belongs to the account: a name must not lead into a calendar of somebody else.
        self._source = CalDavSource(client, url, origin=origin, of_others=False)
        self._product = Product("", "", None)
        self._putter = Putter(client, self._product)
        self._silent = SilentPutter(client, self._product, self._putter)
        self._busy = 0
        self._segments: set[str] = set()

    @property
    def origin(self) -> str:
        """`user@host[:port]/path`, without secrets."""
        return self._source.origin

    @property
    def scheduling(self) -> Scheduling:
        """As the server describes itself; known after `catalogue`."""
        return scheduling_of(self._product)

    @property
    def has_account_wide_uids(self) -> bool:
        """As the product is known to do."""
        return self._product.has_account_wide_uids

    @property
    def can_create(self) -> bool:
        """False for the address of a single calendar."""
        return bool(self._source.homes)

    async def catalogue(self) -> Catalogue:
        """The account's calendars, and what the server says about itself."""
        with _translated():
            found = await self._source.catalogue()
        keys = [*(one.key for one in found.collections), *(one.key for one in found.left_out)]
        self._segments = {_last_segment(key) for key in keys}
        with _translated():
            self._product = await recognise(self._client, self._source.homes[0] if self._source.homes else self._url)
        self._putter = Putter(self._client, self._product)
        self._silent = SilentPutter(self._client, self._product, self._putter)
        return found

    async def list_versions(self, collection: Collection) -> list[Version]:
        """One PROPFIND of depth 1."""
        with _translated():
            return (await self._source.list_versions(collection)).versions

    async def list_uids(self, collection: Collection) -> Mapping[str, str] | None:
        """As the server tells them."""
        with _translated():
            return await list_uids(self._client, self._source.url_of(collection), _components(collection))

    async def limits(self, collection: Collection | None) -> Limits:
        """As the server tells them."""
        with _translated():
            url = self._source.url_of(collection) if collection is not None else None
            return await limits_of(self._client, url, self._product)

    async def fetch(self, collection: Collection, versions: Sequence[Version]) -> list[Record]:
        """Contents by multiget."""
        with _translated():
            return await self._source.fetch(collection, versions)

    async def read(self, key: str) -> Record:
        """One GET."""
        url = hrefs.resolve(self._source.homes[0] if self._source.homes else self._url, key)
        version = Version(key, (hrefs.segments(key) or [""])[-1], "", 0, -1)
        with _translated():
            try:
                found = await self._client.get(url)
            except dav.NotFound:
                return Gone(version)
            except (dav.Refused, dav.Forbidden, dav.BadAnswer) as error:
                return Failed(version, str(error))
        return Resource(version._replace(etag=dav.comparable_etag(found.version.etag)), found.content)

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
            home = self._source.homes[0]
            made = await make_calendar(self._client, home, hint, attributes, self._segments, product=self._product)
        self._segments.add(_last_segment(made.calendar.href))
        return Created(self._source.adopt(made.calendar), made.not_kept)

    async def complete(self, collection: Collection, attributes: Mapping[str, bytes]) -> Sequence[str]:
        """Set those properties that the calendar does not have."""
        with _translated():
            return await complete_calendar(self._client, self._source.url_of(collection), attributes)

    async def write(
        self, collection: Collection, leaf: str, content: bytes, *, replaced: Version | None, silent: bool
    ) -> Outcome:
        """PUT with `If-Match` or `If-None-Match: *`."""
        href = self._href(collection, replaced.key if replaced else hrefs.quote_segment(leaf))
        try:
            with _translated():
                if silent:
                    outcome = await self._silent.put(href, content, replaced)
                else:
                    outcome = await self._putter.put(href, content, replaced, ANY_ORGANIZER)
        except (DestinationBusy, DestinationUnreachable) as error:
            self._busy += 1
            if self._busy >= _BUSY_IN_A_ROW or not await self._is_there(error):
                raise
            return Refused(str(error))
        self._busy = 0
        return outcome

    async def delete(self, collection: Collection, version: Version, *, silent: bool) -> Deletion:
        """DELETE with `If-Match`."""
        href = self._href(collection, version.key)
        with _translated():
            if silent:
                return await self._silent.delete(href, version)
            return await self._putter.delete(href, version, {})

    async def finish(self, *, replace: bool) -> Ending:
        """Every record was lasting when the server took it."""
        del replace
        return Ending.WRITTEN

    async def close(self) -> None:
        """Close the connections."""
        await self._source.close()

    async def _is_there(self, error: DestinationError) -> bool:
        """False when the server answers nothing any more; else it is the one record that it has no answer to."""
        if isinstance(error, DestinationBusy):
            return True
        if isinstance(error.__cause__, dav.GaveUp):
            return False
        try:
            await self._client.describe(self._source.homes[0] if self._source.homes else self._url, [RESOURCETYPE])
        except dav.DavError:
            return False
        return True

    def _href(self, collection: Collection, key: str) -> str:
        """A home may lie at another host than the address that led to it (iCloud), so hrefs are the calendar's."""
        return hrefs.resolve(hrefs.collection(self._source.url_of(collection)), key)


def _components(collection: Collection) -> list[str]:
    """Kinds of components that a calendar takes; none where it does not say."""
    return [kind for kind in collection.attributes.get("components", b"").decode("utf-8", "replace").split(",") if kind]


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
