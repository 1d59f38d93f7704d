"""Writing and removing one record of a server, and what its answer means for a restore.

Owns the preconditions and what stands in for them where a server does not heed them.
"""

from __future__ import annotations

from collections.abc import Mapping

from caldav_backup import dav
from caldav_backup.connectors.base import Version
from caldav_backup.connectors.destination import Deleted, Deletion, Outcome, Refused, Taken, Written
from caldav_backup.dav import hrefs

#: Refusals of one record; whatever else a request fails with ends the restore.
_OF_ONE_RECORD = (dav.Refused, dav.Forbidden, dav.NotFound, dav.BadAnswer)


class Putter:
    """Writes through `client`."""

    def __init__(self, client: dav.Client) -> None:
        self._client = client

    async def put(self, href: str, content: bytes, replaced: Version | None, headers: Mapping[str, str]) -> Outcome:
        """Write over `replaced` while that is there, else only where nothing is."""
        etag = replaced.etag if replaced else None
        try:
            given = await self._put_guarded(href, content, etag, headers)
        except dav.PreconditionFailed as error:
            return Taken(f"something else is there now: {error}")
        except _OF_ONE_RECORD as error:
            return Refused(str(error))
        leaf = (hrefs.segments(href) or [""])[-1]
        return Written(Version(hrefs.path_of(href), leaf, dav.comparable_etag(given or ""), 0, -1))

    async def delete(self, href: str, version: Version, headers: Mapping[str, str]) -> Deletion:
        """Remove `version` while that is there."""
        try:
            await self._client.delete(href, if_match=version.etag or None, headers=headers)
        except dav.NotFound:
            return Deleted("it was gone already")
        except dav.PreconditionFailed as error:
            return Taken(f"it has changed meanwhile: {error}")
        except _OF_ONE_RECORD as error:
            return Refused(str(error))
        return Deleted()

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
