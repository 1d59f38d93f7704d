"""Which server a destination is, as far as its own words tell it, so that its known ways can be heeded.

Owns the recognition and nothing that follows from it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from caldav_backup import dav
from caldav_backup.dav import hrefs, requests
from caldav_backup.dav.answer import Answer

#: What says that there is no answer, and nothing else about the server.
_NO_ANSWER = (dav.Refused, dav.Forbidden, dav.NotFound, dav.BadAnswer)


class Product(NamedTuple):
    """A server: its host and path, and the compliance classes of its `DAV` header (RFC 4918 §10.1), None if untold."""

    host: str
    path: str
    features: frozenset[str] | None


async def recognise(client: dav.Client, url: str) -> Product:
    """What the server at `url` tells of itself by OPTIONS."""

    async def read(answer: Answer) -> str:
        await answer.beginning(0)
        return answer.headers.get("dav", "")

    host = re.split(r"[/:]", hrefs.origin_of(url).partition("://")[2])[0]
    try:
        told = await client.transport.exchange(requests.options(url), read)
    except _NO_ANSWER:
        told = ""
    features = frozenset(word.strip().lower() for word in told.split(",") if word.strip())
    return Product(host, hrefs.path_of(url), features or None)
