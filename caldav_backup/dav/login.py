"""Logging in, at most as often as an account bears: one 401 is answered once, then no request is sent any more.

Owns the counting. How a request is signed is `authentication`'s business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from caldav_backup.dav import hrefs
from caldav_backup.dav.authentication import Next
from caldav_backup.dav.challenges import Challenge, parse_challenges
from caldav_backup.dav.errors import Unauthorized

if TYPE_CHECKING:
    import httpx

    from caldav_backup.dav.authentication import Authentication
    from caldav_backup.dav.requests import Request

#: Sends a request with this header, and is told whether that answers a challenge. Of a 401 nothing is left to read.
Send = Callable[["Request", str | None, bool], Awaitable["httpx.Response"]]

#: A server may change its nonce at any time; one that never stops is broken.
_MOST_STALE = 3


class Login:
    """One account's credentials for the host of `base_url`, and what came of them.

    Several requests may meet a 401 at the same time, when a password is revoked in the middle of a run: one of them
    tries again while the others wait for what comes of it, so that the account sees one failed login and not many.
    """

    def __init__(self, base_url: str, authentication: Authentication | None) -> None:
        self.base_url = base_url
        self._authentication = authentication
        self._one_at_a_time = asyncio.Lock()
        self._refused: dict[str, str] = {}

    @property
    def knows_credentials(self) -> bool:
        """False where nothing could be sent to anybody."""
        return self._authentication is not None

    def mask(self, text: str) -> str:
        """`text` without any credentials."""
        return self._authentication.mask(text) if self._authentication is not None else text

    async def send(self, request: Request, send: Send) -> httpx.Response:
        """The answer to the signed request. Unauthorized when the login is refused, now or earlier in this run.

        A 401 where no credentials may go is an answer like any other; `why_not_shown` explains it.
        """
        authentication = self._authentication
        if authentication is None or not hrefs.may_see_credentials(self.base_url, request.url):
            return await send(request, None, False)
        self._require_not_refused(request)
        header = await authentication.authorize(request.method, request.url)
        response = await send(request, header, False)
        if response.status_code != 401:
            return response
        async with self._one_at_a_time:
            return await self._once_more(authentication, request, header, _challenges(response), send)

    async def _once_more(
        self,
        authentication: Authentication,
        request: Request,
        header: str | None,
        challenges: Sequence[Challenge],
        send: Send,
    ) -> httpx.Response:
        is_last, stale = False, 0
        while True:
            self._require_not_refused(request)
            follows = await authentication.challenged(request.url, header, challenges, is_last=is_last)
            stale += follows is Next.STALE
            if follows is Next.NEVER or (follows is Next.REPEAT and is_last) or stale > _MOST_STALE:
                self._refused[hrefs.origin_of(request.url)] = f"401 {authentication.why_refused(challenges)}"
                continue
            is_last = is_last or follows is Next.REPEAT
            header = await authentication.authorize(request.method, request.url)
            response = await send(request, header, True)
            if response.status_code != 401:
                return response
            challenges = _challenges(response)

    def _require_not_refused(self, request: Request) -> None:
        reason = self._refused.get(hrefs.origin_of(request.url))
        if reason is not None:
            raise Unauthorized(reason, method=request.method, href=hrefs.path_of(request.url), status=401)

    def why_not_shown(self, url: str) -> str:
        """What a 401 means where no credentials went."""
        if self._authentication is None:
            return "401 the server wants a login; give a user name and a password"
        return (
            f"401 redirected to {hrefs.origin_of(url)}, which is not shown the password; "
            "if that is right, make it the location"
        )


def _challenges(response: httpx.Response) -> list[Challenge]:
    return parse_challenges(response.headers.get_list("www-authenticate"))
