"""The members of one calendar from a PROPFIND of depth 1.

Owns which members are calendar objects, and when a listing is not to be believed: it decides what counts as deleted.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from caldav_backup.dav import hrefs, names
from caldav_backup.dav.errors import BadAnswer
from caldav_backup.dav.models import Version
from caldav_backup.dav.responses import require_success

if TYPE_CHECKING:
    from caldav_backup.dav.multistatus import Response

PROPERTIES = (
    names.GETETAG,
    names.GETLASTMODIFIED,
    names.GETCONTENTLENGTH,
    names.GETCONTENTTYPE,
    names.RESOURCETYPE,
)
#: Statuses of what is listed and not there.
GONE = frozenset({404, 410})
#: A type that says nothing; Xandikos 0.4 gives it to objects whose name does not end in .ics.
_UNKNOWN_TYPES = frozenset({"", "text/calendar", "application/octet-stream"})


class Members:
    """Takes the responses one by one and keeps a `Version` of each calendar object."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._own = hrefs.normalise(url).rstrip("/")
        self._is_empty = True
        self._has_collection = False
        self._versions: dict[str, Version] = {}

    def add(self, response: Response) -> None:
        """Raises the error of a collection that cannot be listed, BadAnswer for a list that the server cut short."""
        self._is_empty = False
        path = hrefs.member(self._url, response.href)
        key = hrefs.normalise(path)
        if response.status == 507:
            # RFC 6578 §3.6 has this for sync-collection; some send it for a PROPFIND that is too long, too.
            raise self._not_believable("the server cut the list of members short (507)")
        if key.rstrip("/") == self._own:
            require_success("PROPFIND", self._url, response)
            self._has_collection = True
        elif is_collection(path, response):
            self._has_collection = True
        elif response.status not in GONE and _looks_like_calendar(path, response):
            self._versions[key] = version(path, response)

    def versions(self) -> list[Version]:
        """The members. Raises BadAnswer when the answer names nothing at all, or not the collection they lie in.

        The collection may be told by its type, since a proxy can make its path look like another.
        """
        if self._is_empty:
            raise self._not_believable("the server lists nothing, not even the calendar itself")
        if not self._has_collection:
            raise self._not_believable("the server lists members without the calendar that they belong to")
        return list(self._versions.values())

    def _not_believable(self, reason: str) -> BadAnswer:
        return BadAnswer(reason, method="PROPFIND", href=hrefs.path_of(self._url))


def version(path: str, response: Response) -> Version:
    """The member at `path` as the response shows it."""
    last_modified = sys.intern(response.text(names.GETLASTMODIFIED))  # one text for all of the same second
    return Version(path, response.text(names.GETETAG), last_modified, content_length(response))


def content_length(response: Response) -> int:
    """Bytes of the member as `getcontentlength` says; -1 when it does not (0 is none: no calendar is empty)."""
    text = response.text(names.GETCONTENTLENGTH)
    return int(text) if text.isascii() and text.isdigit() and int(text) > 0 else -1


def is_collection(path: str, response: Response) -> bool:
    """True for what has members of its own."""
    kinds = response.found.get(names.RESOURCETYPE)
    return path.endswith("/") or (kinds is not None and kinds.find(names.COLLECTION) is not None)


def is_calendar_object(path: str, response: Response) -> bool:
    """True for a member that is no collection and, as far as its type or its name says, a calendar object."""
    return not is_collection(path, response) and _looks_like_calendar(path, response)


def _looks_like_calendar(path: str, response: Response) -> bool:
    if path.lower().endswith(".ics"):
        return True
    content_type = response.text(names.GETCONTENTTYPE).partition(";")[0].strip().lower()
    return content_type in _UNKNOWN_TYPES
