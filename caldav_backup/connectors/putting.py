"""Writing and removing one record of a server, and what becomes of it.

Owns the preconditions, and what stands in for them where a server does not heed them: a look before and a look after.
What a refusal means is said by `reasons`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from caldav_backup import dav, ics
from caldav_backup.connectors.base import Version
from caldav_backup.connectors.destination import (
    Deleted,
    Deletion,
    DestinationNotWritable,
    Outcome,
    Refused,
    Taken,
    UidTaken,
    Written,
)
from caldav_backup.connectors.products import Product
from caldav_backup.connectors.reasons import is_full, meaning_of
from caldav_backup.connectors.timestamps import http_date_ns
from caldav_backup.dav import hrefs, listing, names

#: Refusals of one record; whatever else a request fails with ends the restore.
_OF_ONE_RECORD = (dav.Refused, dav.Forbidden, dav.NotFound, dav.BadAnswer, dav.PreconditionFailed)
_GONE = frozenset({404, 410})
_VERSION = (names.GETETAG, names.GETLASTMODIFIED, names.GETCONTENTLENGTH)

#: Servers that do not say 412 because they do not know the header; SOGo 5.8 ignores it.
_KNOW_IF_NONE_MATCH = frozenset(
    {"radicale", "xandikos", "sabredav", "nextcloud", "owncloud", "cyrus", "fastmail", "davical", "sogo"}
)

#: Records in a row that a full account refuses before the rest is not tried, and the bytes of a usual one: a larger one
#: may only be larger than the room that is left.
_FULL_IN_A_ROW = 3
_USUAL_SIZE = 16 * 1024

#: SOGo 5.8.0 counts the versions of an object in its ETag, from 0 for one that was not there.
_COUNTED = re.compile(r'"gcs(\d+)"')


class Putter:
    """Writes through `client` to a server of this `product`."""

    def __init__(self, client: dav.Client, product: Product = Product("", "", None)) -> None:  # noqa: B008  # frozen
        self._client = client
        self._product = product
        self._full = 0

    async def put(self, href: str, content: bytes, replaced: Version | None, headers: Mapping[str, str]) -> Outcome:
        """Write over `replaced` while that is there, else only where nothing is.

        Raises `DestinationNotWritable` when the account is full, so that no further record need be tried.
        """
        if self._product.name == "sogo" and len(ics.uids(content)) > 1:
            # 5.8.0 answers 201 and keeps the first one.
            return Refused("SOGo keeps one event only of an object with several", for_its_form=True)
        try:
            outcome = await self._put_in_turn(href, content, replaced, headers)
        except _OF_ONE_RECORD as error:
            self._count_full(error, len(content))
            return await self._refusal(error, href, content, replaced)
        self._full = 0
        return outcome

    async def delete(self, href: str, version: Version, headers: Mapping[str, str]) -> Deletion:
        """Remove `version` while that is there."""
        try:
            return await self._delete(href, version, headers)
        except dav.NotFound:
            return Deleted("it was gone already")
        except _OF_ONE_RECORD as error:
            return Refused(str(error))

    async def _put_in_turn(
        self, href: str, content: bytes, replaced: Version | None, headers: Mapping[str, str]
    ) -> Outcome:
        try:
            return await self._put(href, content, replaced, headers)
        except dav.DavError as error:
            # DAViCal 1.1.12 fails with 500 on one of two objects that come at once with a time zone that is new to it.
            if error.status != 500 or self._product.name != "davical":
                raise
        return await self._put(href, content, replaced, headers)

    async def _put(self, href: str, content: bytes, replaced: Version | None, headers: Mapping[str, str]) -> Outcome:
        if self._needs_look(replaced):
            seen = await self._find(href)
            if not _is_as_expected(seen, replaced):
                return await self._other(href, content, _why_other(seen, replaced))
            replaced = seen
        etag = replaced.etag if replaced else None
        try:
            given = await self._client.put(
                href,
                content,
                if_match=etag or None,
                if_none_match=etag is None,
                headers=headers,
                is_same=ics.same_meaning,
            )
        except dav.PreconditionFailed as error:
            return await self._put_after_all(href, content, etag, headers, error)
        return Written(_written(href, given), self._after(etag, given))

    async def _put_after_all(
        self, href: str, content: bytes, etag: str | None, headers: Mapping[str, str], error: dav.PreconditionFailed
    ) -> Outcome:
        """A precondition did not hold: since something else is there, or since the server cannot tell (Google knows no
        `If-None-Match`, a server of weak ETags no `If-Match`), or for another reason; looked up, then written without.
        """
        there = await self._get(href)
        if there is not None and ics.same_meaning(content, there.content):
            return Written(_written(href, there.version.etag))
        if (dav.comparable_etag(there.version.etag) if there else None) != etag:
            return Taken(f"{'something else is there now' if there else 'it is gone meanwhile'}: {error}")
        if etag is None and self._product.name in _KNOW_IF_NONE_MATCH:
            raise error  # for another reason: Radicale 3.9 finds the object too large, DAViCal 1.1 not a calendar
        given = await self._client.put(href, content, headers=headers, is_same=ics.same_meaning)
        return Written(_written(href, given))

    async def _other(self, href: str, content: bytes, reason: str) -> Outcome:
        """Not what was expected stands there; an earlier attempt may have come through, though."""
        there = await self._get(href)
        if there is not None and ics.same_meaning(content, there.content):
            return Written(_written(href, there.version.etag))
        return Taken(reason)

    async def _refusal(
        self, error: dav.DavError, href: str, content: bytes, replaced: Version | None
    ) -> Refused | Taken | UidTaken:
        outcome = meaning_of(error, href, self._product, is_new=replaced is None)
        if isinstance(outcome, UidTaken) and not ics.uids(content):
            # SOGo 5.8.0 takes one object without a UID into a calendar, and of the next it says that this UID is taken.
            return Refused(outcome.reason, for_its_form=True)
        is_unnamed = isinstance(outcome, UidTaken) and not outcome.key
        if is_unnamed and replaced is not None and await self._has_another_uid(href, content):
            # Radicale 3.9 says the same, without an href, of an object that is to get another UID.
            return Taken(f"an object with another UID stands there: {error}")
        return outcome

    async def _has_another_uid(self, href: str, content: bytes) -> bool:
        try:
            there = await self._client.get(href)
        except _OF_ONE_RECORD:
            return False
        return ics.uid(there.content) != ics.uid(content)

    def _count_full(self, error: dav.DavError, size: int) -> None:
        if not is_full(error):
            self._full = 0
        elif size <= _USUAL_SIZE:
            self._full += 1
            if self._full >= _FULL_IN_A_ROW:
                raise DestinationNotWritable(f"the account is full: {error}") from error

    def _after(self, before: str | None, given: str | None) -> str:
        """What a look at the new version tells, where no precondition kept two writers apart."""
        counted = [_COUNTED.fullmatch(etag or "") for etag in (before, given)]
        if self._product.name != "sogo" or counted[1] is None:
            return ""
        expected = int(counted[0][1]) + 1 if counted[0] else 0
        overwrote = int(counted[1][1]) > expected
        return "something that came there in the same moment was overwritten" if overwrote else ""

    async def _delete(self, href: str, version: Version, headers: Mapping[str, str]) -> Deletion:
        etag = version.etag
        if self._needs_look(version):
            seen = await self._find(href)
            if seen is None:
                return Deleted("it was gone already")
            if not _is_as_expected(seen, version):
                return Taken(_why_other(seen, version))
            etag = seen.etag
        try:
            await self._client.delete(href, if_match=etag or None, headers=headers)
        except dav.PreconditionFailed as error:
            seen = await self._find(href)
            if seen is None:  # sabre/dav 1.8 says that by 412
                return Deleted("it was gone already")
            if not etag or seen.etag != etag:
                return Taken(f"it has changed meanwhile: {error}")
            # Only a server of weak ETags, which If-Match never matches (RFC 9110 §13.1.1), comes here.
            await self._client.delete(href, headers=headers)
        return Deleted()

    def _needs_look(self, replaced: Version | None) -> bool:
        """True where the server would not keep from overwriting: it does not heed, or there is no ETag to heed."""
        return not self._product.heeds_preconditions or (replaced is not None and not replaced.etag)

    async def _find(self, href: str) -> Version | None:
        """What is there, as a listing would show it; None when nothing is. Raises what one record's request may."""
        try:
            _, response = await self._client.describe(href, _VERSION)
        except dav.NotFound:
            return None
        if response.status in _GONE:  # Xandikos 0.4 says so inside of a 207
            return None
        found = listing.version(hrefs.path_of(href), response)
        modified = http_date_ns(found.last_modified) if found.last_modified else 0
        return _version(href, found.etag)._replace(mtime_ns=modified, length=found.content_length)

    async def _get(self, href: str) -> dav.Resource | None:
        try:
            return await self._client.get(href)
        except dav.NotFound:
            return None


def _is_as_expected(seen: Version | None, expected: Version | None) -> bool:
    """True when both are nothing, or the same version as far as both tell it."""
    if seen is None or expected is None:
        return seen is expected
    both = (
        (seen.etag, expected.etag, ""),
        (seen.mtime_ns, expected.mtime_ns, 0),
        (seen.length, expected.length, -1),
    )
    return all(one == other for one, other, untold in both if untold not in (one, other))


def _why_other(seen: Version | None, expected: Version | None) -> str:
    if expected is None:
        return "something else is there now"
    return "it has changed meanwhile" if seen is not None else "it is gone meanwhile"


def _written(href: str, etag: str | None) -> Version:
    return _version(href, etag or "")


def _version(href: str, etag: str) -> Version:
    leaf = hrefs.leaf(href)
    return Version(hrefs.path_of(href), leaf, dav.comparable_etag(etag), 0, -1)
