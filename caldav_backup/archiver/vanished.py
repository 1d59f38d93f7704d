"""Records that are listed and answer 404: deleted meanwhile, or listed by a server that has them no more.

iCloud and Google list such hrefs for ever (reported). Owns the question whether a calendar still lists them; it is
asked once, and only when there is a reason to.
"""

from __future__ import annotations

from typing import NamedTuple

from caldav_backup.connectors.base import Collection, CollectionUnreadable, Source, Version


class Verdict(NamedTuple):
    """Why a record is missed. `is_warning`: the source is at odds with itself, and nothing can be had from it."""

    reason: str
    is_warning: bool


class Vanished:
    """Judges the records of one calendar."""

    def __init__(self, source: Source, collection: Collection) -> None:
        self._source = source
        self._collection = collection
        self._listed: frozenset[str] | CollectionUnreadable | None = None

    async def judge(self, version: Version) -> Verdict | None:
        """None when the record was deleted since it was listed, which is no trouble."""
        if self._listed is None:
            self._listed = await self._list()
        if isinstance(self._listed, CollectionUnreadable):
            return Verdict(f"is not there, and whether it was deleted cannot be told: {self._listed}", False)
        if version.key in self._listed:
            return Verdict("listed by the server, which answers that it is not there", True)
        return None

    async def _list(self) -> frozenset[str] | CollectionUnreadable:
        try:
            listing = await self._source.list_versions(self._collection)
        except CollectionUnreadable as error:
            return error
        return frozenset(version.key for version in listing.versions)
