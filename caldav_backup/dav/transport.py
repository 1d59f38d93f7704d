"""Requests over the network: signed, redirected, asked again, and how many at once.

Owns the order in which that happens. Each of it has a module of its own: `login`, `turns`, `retries`, `network`.
Does not own what requests say (`requests`) or what answers mean (`multistatus`, `refusals`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar
from urllib.parse import urlsplit

from caldav_backup.dav import hrefs
from caldav_backup.dav.answer import Answer
from caldav_backup.dav.budget import Budget
from caldav_backup.dav.errors import (
    BadAnswer,
    ConnectionLost,
    DavError,
    OtherHost,
    ServerUnreachable,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)
from caldav_backup.dav.limits import Limits
from caldav_backup.dav.login import Login
from caldav_backup.dav.network import Network, about
from caldav_backup.dav.refusals import refusal
from caldav_backup.dav.request_line import Kind, RequestLine, bare
from caldav_backup.dav.retries import Repeating, Retries, is_repeating
from caldav_backup.dav.tls import Tls
from caldav_backup.dav.turns import Rate, Turn, Turns
from caldav_backup.dav.width import Width

if TYPE_CHECKING:
    import httpx

    from caldav_backup.dav.authentication import Authentication
    from caldav_backup.dav.requests import Request

_T = TypeVar("_T")

_REDIRECTIONS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTIONS = 5


class Transport:
    """One account's way to its server: `base_url` is where the credentials belong.

    `timeout` is in seconds and bounds each silence; `concurrency` is how many requests one host gets at once, or fewer,
    or up to `room` where the host has time to spare (`width`); `rate` is the most requests per second; `insecure`
    allows plain http beyond this machine. `on_request` is told of each request that was sent. `network` replaces
    httpx's own transport in tests. Safe to cancel at any point.
    """

    def __init__(
        self,
        base_url: str,
        authentication: Authentication | None = None,
        *,
        timeout: float = 60.0,
        concurrency: int = 3,
        room: int | None = None,
        rate: float | None = None,
        tls: Tls = Tls(),  # noqa: B008  # frozen
        insecure: bool = False,
        user_agent: str = "caldav-backup",
        retries: Retries = Retries(),  # noqa: B008  # frozen
        limits: Limits = Limits(),  # noqa: B008  # frozen
        on_request: Callable[[RequestLine], None] | None = None,
        network: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.base_url = base_url
        self.retries = Repeating(retries, Budget(retries.clock))
        self.limits = limits
        self.on_request = on_request
        #: How many requests were sent so far, of all kinds.
        self.requests = 0
        #: How many of them only answered a challenge.
        self.challenges = 0
        self._timeout = timeout
        self._policy = retries
        self._concurrency = concurrency
        self._room = max(concurrency, room or 0)
        self._login = Login(base_url, authentication)
        self._turns: dict[str, Turns] = {}
        self._rate = Rate(rate, clock=retries.clock, sleep=retries.sleep)
        self._network = Network(
            timeout=timeout,
            connections=self._room,
            headers={"user-agent": user_agent, "accept-encoding": "gzip, deflate"},
            tls=tls,
            insecure=insecure,
            inner=network,
        )

    async def exchange(self, request: Request, read: Callable[[Answer], Awaitable[_T]]) -> _T:
        """What `read` makes of the answer, asked again where that may help (`retries`).

        `read` begins anew for each attempt. Raises the error family's members, and nothing else, for what the network
        and the server do.
        """
        return await self.retries.run(lambda _: self.exchange_once(request, read))

    async def exchange_once(self, request: Request, read: Callable[[Answer], Awaitable[_T]]) -> _T:
        """The same with one attempt."""
        async with self.open(request) as answer:
            return await read(answer)

    @asynccontextmanager
    async def open(self, request: Request) -> AsyncIterator[Answer]:
        """The answer to one attempt, its body still coming; the connection is given back at the end.

        Raises the error of a status that is not expected.
        """
        async with AsyncExitStack() as held:
            answer = await self._answer(request, held)
            async with self._network.translated(request), self._heeded(answer):
                if answer.status not in request.expected:
                    raise await self._refusal(request, answer)
                yield answer
                self.retries.budget.succeeded()

    def move_to(self, base_url: str) -> None:
        """The account lies at another address than was thought; the credentials belong there from now on."""
        self.base_url = self._login.base_url = base_url

    async def aclose(self) -> None:
        """Close the connections."""
        await self._network.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _answer(self, request: Request, held: AsyncExitStack) -> Answer:
        """The answer after redirections, which keep method and body (RFC 9110 §15.4 allows that for all but 303).

        A 303 does too: no server means that a PROPFIND should become a GET. `held` gets the turn and the answer.
        """
        kind: Kind = "repeat" if is_repeating() else "request"
        for _ in range(_MOST_REDIRECTIONS + 1):
            async with AsyncExitStack() as hop:
                turn = await hop.enter_async_context(self._turns_at(request.url).turn(request.method))
                began = self._policy.clock()
                response = await self._send(request, kind)
                answer = Answer(request, response, timeout=self._timeout, clock=self._policy.clock)
                hop.push_async_callback(response.aclose)
                target = answer.headers.get("location")
                if answer.status not in _REDIRECTIONS or target is None:
                    hop.callback(_measure, turn, answer, self._policy.clock() - began)
                    await held.enter_async_context(hop.pop_all())
                    return answer
                await answer.beginning(self.limits.refusal)
                request = request._replace(url=_redirected(request, target))
                kind = "redirect"
        raise about(BadAnswer, request, f"redirected more than {_MOST_REDIRECTIONS} times")

    async def _send(self, request: Request, kind: Kind) -> httpx.Response:
        """The answer to the signed request, and to it only."""

        async def send(request: Request, authorization: str | None, is_challenge: bool) -> httpx.Response:
            return await self._send_once(request, authorization, "challenge" if is_challenge else kind)

        return await self._login.send(request, send)

    async def _send_once(self, request: Request, authorization: str | None, kind: Kind) -> httpx.Response:
        self.retries.budget.require_left()
        await self._rate.wait()
        self.retries.budget.sent()
        self.requests += 1
        self.challenges += kind == "challenge"
        number, began, status = self.requests, self._policy.clock(), None
        try:
            response = await self._network.send(request, authorization)
            status = response.status_code
            if status == 401:
                await self._finish(request, response)
        except ServerUnreachable as error:
            if not isinstance(error, ConnectionLost):
                self._turns_at(request.url).width.turned_away()
            raise
        finally:
            if self.on_request is not None:
                seconds = self._policy.clock() - began
                self.on_request(RequestLine(number, request.method, bare(request.url), status, seconds, kind))
        return response

    async def _finish(self, request: Request, response: httpx.Response) -> None:
        """Done with an answer whose status says it all; read to its end, so that the connection is used again."""
        try:
            async with self._network.translated(request):
                await Answer(request, response, timeout=self._timeout).beginning(self.limits.refusal)
        finally:
            await response.aclose()

    def _turns_at(self, url: str) -> Turns:
        host = urlsplit(url).hostname or ""
        if host not in self._turns:
            self._turns[host] = Turns(
                Width(self._concurrency, self._room),
                longest_pause=self._policy.longest_wait,
                clock=self._policy.clock,
                sleep=self._policy.sleep,
            )
        return self._turns[host]

    @asynccontextmanager
    async def _heeded(self, answer: Answer) -> AsyncIterator[None]:
        """What an answer says of the host as a whole concerns all requests to it, not only this one."""
        turns = self._turns_at(answer.url)
        try:
            yield
        except (TooManyRequests, Unavailable) as error:
            turns.width.turned_away()
            if error.retry_after is not None:
                turns.pause(error.retry_after, error)
            raise
        except ServerUnreachable:
            turns.width.turned_away()
            raise
        except DavError:
            self.retries.budget.succeeded()  # a server that says no is there
            raise

    async def _refusal(self, request: Request, answer: Answer) -> DavError:
        href = hrefs.path_of(request.url)
        if answer.status == 401:
            reason = self._login.why_not_shown(answer.url)
            kind = OtherHost if self._login.knows_credentials else Unauthorized
            return kind(reason, method=request.method, href=href, status=401)
        body = await answer.beginning(self.limits.refusal)
        body = self._login.mask(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        return refusal(request.method, href, answer.status, answer.headers, body)


def _measure(turn: Turn, answer: Answer, until_it_began: float) -> None:
    turn.waited, turn.size = until_it_began + answer.waited, answer.received


def _redirected(request: Request, target: str) -> str:
    """Where to; BadAnswer when that is no web address, or would be in clear."""
    try:
        url = hrefs.redirected(request.url, target)
    except ValueError as error:
        raise about(BadAnswer, request, str(error)) from error
    if urlsplit(request.url).scheme == "https" and urlsplit(url).scheme == "http":
        raise about(BadAnswer, request, f"redirected from https to plain http at {hrefs.origin_of(url)}")
    return url
