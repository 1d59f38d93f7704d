"""Which UIDs an account has, and in which calendar, for servers that take each UID once (Cyrus 3.6 and Fastmail)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from caldav_backup.connectors.base import Collection, CollectionUnreadable, Version
from caldav_backup.restorer.deciding import Elsewhere
from caldav_backup.restorer.existing import same_uid

if TYPE_CHECKING:
    from caldav_backup.connectors.destination import Destination


async def find_elsewhere(destination: Destination, collections: Sequence[Collection]) -> Mapping[str, Elsewhere]:
    """Every UID of the calendars. Of those that cannot be asked, the server refuses what they have all the same."""
    found: dict[str, Elsewhere] = {}
    for collection in collections:
        try:
            uids = await destination.list_uids(collection)
        except CollectionUnreadable:
            continue
        for key, uid in (uids or {}).items():
            # What is there is read before it is replaced, and its ETag comes with it.
            found[same_uid(uid)] = Elsewhere(collection, Version(key, key.rstrip("/").rpartition("/")[2], "", 0, -1))
    return found
