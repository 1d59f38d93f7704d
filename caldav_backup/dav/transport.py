"""Requests over the network: credentials, redirections, retries, and how many at once.

Owns the httpx client. Does not own what requests say (`requests`) or what answers mean (`multistatus`, `refusals`).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar
from urllib.parse import urlsplit

import httpx

from caldav_backup.dav import hrefs
from caldav_backup.dav.answer import Answer
from caldav_backup.dav.errors import (
    BadAnswer,
    DavError,
    InvalidLocation,
    ServerUnreachable,
    Unauthorized,
    UntrustedServer,
)
from caldav_backup.dav.limits import Limits
from caldav_backup.dav.refusals import refusal
from caldav_backup.dav.retries import Retries

if TYPE_CHECKING:
    from caldav_backup.dav.authentication import Authentication
    from caldav_backup.dav.requests import Request

_T = TypeVar("_T")

_REDIRECTIONS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTIONS = 5
#: `timeout` bounds each silence of a server; a whole exchange may take this many times as long.
_WHOLE_EXCHANGE = 20


class Transport:
    """One account's way to its server: `base_url` is where the credentials belong.

    `timeout` is in seconds; `tls_ca` is a file or directory of further certificates to trust (PEM); `insecure` allows
    plain http beyond this machine. `network` replaces httpx's own transport in tests. Safe to cancel at any point.
    """

    def __init__(
        self,
        base_url: str,
        authentication: Authentication | None = None,
        *,
        timeout: float = 60.0,
        concurrency: int = 3,
        tls_ca: Path | None = None,
        insecure: bool = False,
        user_agent: str = "caldav-backup",
        retries: Retries = Retries(),  # noqa: B008  # frozen
        limits: Limits = Limits(),  # noqa: B008  # frozen
        network: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.base_url = base_url
        self.retries = retries
        self.limits = limits
        #: How many requests were sent so far, repeated and redirected ones counted.
        self.requests = 0
        self._authentication = authentication
        self._timeout = timeout
        self._tls_ca = tls_ca
        self._insecure = insecure
        self._headers = {"user-agent": user_agent, "accept-encoding": "gzip, deflate"}
        self._network = network
        self._turns = asyncio.Semaphore(concurrency)
        self._concurrency = concurrency
        self._clients: dict[str, httpx.AsyncClient] = {}

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
        async with self._turns, self._translated(request):
            response = await self._send(request)
            try:
                answer = Answer(request, response)
                if answer.status not in request.expected:
                    raise await self._refusal(request, answer)
                yield answer
            finally:
                await response.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _send(self, request: Request) -> httpx.Response:
        """The answer after redirections, which keep method and body (RFC 9110 §15.4 allows that for all but 303).

        A 303 does too: no server means that a PROPFIND should become a GET.
        """
        for _ in range(_MOST_REDIRECTIONS + 1):
            response = await self._send_signed(request)
            target = response.headers.get("location")
            if response.status_code not in _REDIRECTIONS or target is None:
                return response
            await self._finish(request, response)
            request = request._replace(url=self._redirected(request, target))
        raise _about(BadAnswer, request, f"redirected more than {_MOST_REDIRECTIONS} times")

    async def _send_signed(self, request: Request) -> httpx.Response:
        """The answer to the request with credentials; after a 401 once more, then never again: accounts get locked."""
        response = await self._send_plain(request, self._authorization(request, None))
        if response.status_code != 401:
            return response
        authorization = self._authorization(request, response.headers.get("www-authenticate", ""))
        if authorization is None:
            return response
        await self._finish(request, response)
        return await self._send_plain(request, authorization)

    async def _send_plain(self, request: Request, authorization: str | None) -> httpx.Response:
        client = self._client(request)
        headers = dict(request.headers)
        if authorization is not None:
            headers["authorization"] = authorization
        self.requests += 1
        message = client.build_request(request.method, request.url, headers=headers, content=request.content)
        try:
            return await client.send(message, stream=True, follow_redirects=False)
        except httpx.InvalidURL as error:  # httpx reads the Location header also when it does not follow it
            raise _about(BadAnswer, request, f"redirected to no usable address: {error}") from error

    async def _finish(self, request: Request, response: httpx.Response) -> None:
        """Done with an answer that leads to another request; read to its end, so that the connection is used again."""
        try:
            await Answer(request, response).beginning(self.limits.refusal)
        finally:
            await response.aclose()

    def _authorization(self, request: Request, challenge: str | None) -> str | None:
        if self._authentication is None or not hrefs.may_see_credentials(self.base_url, request.url):
            return None
        return self._authentication.authorize(request.method, request.url, challenge)

    def _redirected(self, request: Request, target: str) -> str:
        try:
            url = hrefs.redirected(request.url, target)
        except ValueError as error:
            raise _about(BadAnswer, request, str(error)) from error
        if urlsplit(request.url).scheme == "https" and urlsplit(url).scheme == "http":
            raise _about(BadAnswer, request, f"redirected from https to plain http at {hrefs.origin_of(url)}")
        return url

    async def _refusal(self, request: Request, answer: Answer) -> DavError:
        body = await answer.beginning(self.limits.refusal)
        if self._authentication is not None:
            body = self._authentication.mask(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        href = hrefs.path_of(request.url)
        if answer.status == 401:
            return Unauthorized(self._why_unauthorized(answer.url), method=request.method, href=href, status=401)
        return refusal(request.method, href, answer.status, answer.headers, body)

    def _why_unauthorized(self, url: str) -> str:
        if self._authentication is None:
            return "401 the server wants a login; give a user name and a password"
        if not hrefs.may_see_credentials(self.base_url, url):
            origin = hrefs.origin_of(url)
            return (
                f"401 redirected to {origin}, which is not shown the password; if that is right, make it the location"
            )
        return "401 the server does not accept the user name and password (some want an app password)"

    def _client(self, request: Request) -> httpx.AsyncClient:
        """The client for the URL's scheme; made when first needed, since loading certificates takes its time."""
        scheme = urlsplit(request.url).scheme
        if scheme == "http" and not self._insecure and not hrefs.is_loopback(request.url):
            raise _about(InvalidLocation, request, "plain http would send everything in clear; use https")
        if scheme not in self._clients:
            self._clients[scheme] = httpx.AsyncClient(
                headers=self._headers,
                timeout=httpx.Timeout(self._timeout, pool=None),
                limits=httpx.Limits(max_connections=self._concurrency, max_keepalive_connections=self._concurrency),
                verify=_tls(self._tls_ca) if scheme == "https" and self._network is None else False,
                transport=self._network,
            )
        return self._clients[scheme]

    @asynccontextmanager
    async def _translated(self, request: Request) -> AsyncIterator[None]:
        """httpx's errors become ours here and nowhere else."""
        whole = self._timeout * _WHOLE_EXCHANGE
        try:
            async with asyncio.timeout(whole):
                yield
        except TimeoutError as error:
            raise _about(ServerUnreachable, request, f"no complete answer within {whole:g} s") from error
        except httpx.TimeoutException as error:
            raise _about(ServerUnreachable, request, f"no answer within {self._timeout:g} s") from error
        except httpx.TransportError as error:
            kind, reason = _why_unreachable(error)
            raise _about(kind, request, f"{hrefs.origin_of(request.url)}: {reason}") from error
        except httpx.InvalidURL as error:
            raise _about(InvalidLocation, request, f"no usable address: {error}") from error


def _about(kind: type[DavError], request: Request, reason: str) -> DavError:
    return kind(reason, method=request.method, href=hrefs.path_of(request.url))


def _tls(further: Path | None) -> ssl.SSLContext:
    context = httpx.create_ssl_context()
    if further is None:
        return context
    try:
        context.load_verify_locations(**({"capath": str(further)} if further.is_dir() else {"cafile": str(further)}))
    except OSError as error:
        raise InvalidLocation(
            f"tls_ca: no certificates can be read from {further} ({error.strerror or error})"
        ) from error
    return context


def _why_unreachable(error: httpx.TransportError) -> tuple[type[ServerUnreachable], str]:
    """What a person can do something about, found along the chain of causes."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                UntrustedServer,
                f"its certificate is not trusted ({cause.verify_message}); tls_ca names a CA to trust",
            )
        if isinstance(cause, socket.gaierror):
            return ServerUnreachable, "the host's name is not found"
        if isinstance(cause, ConnectionRefusedError):
            return ServerUnreachable, "the connection is refused"
        cause = cause.__cause__ or cause.__context__
    return ServerUnreachable, f"the connection failed ({str(error) or type(error).__name__})"
