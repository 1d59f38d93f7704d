"""What can be told of one request that was sent, without anything secret.

Owns the value; `transport` makes one for each request, whatever came of it.
"""

from __future__ import annotations

from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from caldav_backup.dav.hrefs import origin_of

#: Why a request was sent: for itself; once more with what the server asked for by 401; once more since something went
#: wrong before; where the answer before pointed to.
Kind = Literal["request", "challenge", "repeat", "redirect"]


class RequestLine(NamedTuple):
    """The `number`th request of a run, from 1; `url` is without userinfo and query.

    `status` is None when no answer came; `seconds` is the time until it began, or failed.
    """

    number: int
    method: str
    url: str
    status: int | None
    seconds: float
    kind: Kind


def bare(url: str) -> str:
    """`url` without userinfo, query and fragment, any of which may be a secret."""
    return origin_of(url) + urlsplit(url).path
