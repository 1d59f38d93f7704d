"""Requests that may be too much for the server, so that another one is the better repeat.

Owns which failures say so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from caldav_backup.dav.errors import AnswerCut, ConnectionLost, DavError, ServerUnreachable, Unavailable

if TYPE_CHECKING:
    from caldav_backup.dav.answer import Answer
    from caldav_backup.dav.requests import Request
    from caldav_backup.dav.transport import Transport

_T = TypeVar("_T")

#: A gateway that got no answer or no more of it, as for something that takes the server too long.
_OF_A_GATEWAY = frozenset({502, 504})


async def unless_slow(transport: Transport, request: Request, read: Callable[[Answer], Awaitable[_T]]) -> _T:
    """What `read` makes of the answer. Only a server that is busy is asked again, and over a new connection."""

    async def attempt(_: int) -> tuple[_T] | DavError:
        try:
            return (await transport.exchange_once(request, read),)
        except ConnectionLost:
            raise
        except (ServerUnreachable, AnswerCut) as error:
            return error
        except Unavailable as error:
            if error.status not in _OF_A_GATEWAY:
                raise
            return error

    found = await transport.retries.run(attempt)
    if isinstance(found, DavError):
        raise found
    return found[0]
