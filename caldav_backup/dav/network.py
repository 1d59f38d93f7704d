"""httpx's side of a transport: its clients, what a connection was doing when it failed, and its errors in our words.

Owns the httpx clients. Does not know of credentials, redirections or retries.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from caldav_backup.dav import hrefs, patience
from caldav_backup.dav.errors import (
    BadAnswer,
    ConnectionLost,
    DavError,
    InvalidLocation,
    ServerUnreachable,
    UntrustedServer,
)
from caldav_backup.dav.tls import Tls, why_failed, why_untrusted

if TYPE_CHECKING:
    from caldav_backup.dav.requests import Request

#: What h11 0.16 says when the headers of an answer exceed httpcore's 100 KiB.
_HEADER_FLOOD = "Receive buffer too long"


class Phase:
    """What one request's connection is doing: httpcore tells it, as the request's `trace` extension."""

    def __init__(self) -> None:
        self.name = ""
        self.is_new = False

    async def __call__(self, name: str, details: Mapping[str, object]) -> None:
        """`name` is like `connection.start_tls.started`."""
        del details
        _, _, event = name.partition(".")
        phase, _, state = event.rpartition(".")
        if state == "started":
            self.name = phase
        self.is_new = self.is_new or phase == "connect_tcp"

    @property
    def is_kept_connection(self) -> bool:
        """True when the request went over a connection from an earlier one."""
        return bool(self.name) and not self.is_new


class Network:
    """Sends single requests; honours HTTP_PROXY, HTTPS_PROXY, NO_PROXY. `inner` replaces httpx's transport in tests."""

    def __init__(
        self,
        *,
        timeout: float,
        connections: int,
        headers: Mapping[str, str],
        tls: Tls,
        insecure: bool,
        inner: httpx.AsyncBaseTransport | None,
    ) -> None:
        self._timeout = timeout
        self._connections = connections
        self._headers = headers
        self._tls = tls
        self._insecure = insecure
        self._inner = inner
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def send(self, request: Request, authorization: str | None) -> httpx.Response:
        """The beginning of the answer. Raises our errors."""
        phase = Phase()
        async with self.translated(request, phase):
            client = self._client(request)
            headers = [(name.encode(), value.encode()) for name, value in request.headers.items()]
            if authorization is not None:
                headers.append((b"authorization", authorization.encode("utf-8", "surrogateescape")))
            message = client.build_request(
                request.method,
                request.url,
                headers=headers,
                content=request.content,
                timeout=self._bounds(request),
                extensions={"trace": phase},
            )
            most = patience.beginning(self._timeout, len(request.content or b""))
            try:
                async with asyncio.timeout(most):
                    return await client.send(message, stream=True, follow_redirects=False)
            except TimeoutError as error:
                raise about(ServerUnreachable, request, f"no answer within {most:.3g} s") from error
            except httpx.InvalidURL as error:  # httpx reads the Location header also when it does not follow it
                raise about(BadAnswer, request, f"redirected to no usable address: {error}") from error

    async def aclose(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    def _client(self, request: Request) -> httpx.AsyncClient:
        """The client for the URL's scheme; made when first needed, since loading certificates takes its time."""
        scheme = urlsplit(request.url).scheme
        if scheme == "http":
            self._require_clear_text_allowed(request)
        if scheme not in self._clients:
            self._clients[scheme] = httpx.AsyncClient(
                headers=self._headers,
                # How many at once is decided before, host by host; here a request must not wait for another host's.
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=self._connections),
                verify=self._tls.context() if scheme == "https" and self._inner is None else False,
                transport=self._inner,
            )
        return self._clients[scheme]

    def _bounds(self, request: Request) -> httpx.Timeout:
        connecting = patience.connecting(self._timeout)
        return httpx.Timeout(self._timeout, connect=connecting, read=self._silence(request), pool=None)

    def _silence(self, request: Request) -> float:
        return patience.silence(self._timeout, len(request.content or b""))

    def _require_clear_text_allowed(self, request: Request) -> None:
        if self._tls.fingerprint is not None:
            raise about(InvalidLocation, request, "plain http shows no certificate to compare with tls_fingerprint")
        if not self._insecure and not hrefs.is_loopback(request.url):
            raise about(InvalidLocation, request, "plain http would send everything in clear; use https")

    @asynccontextmanager
    async def translated(self, request: Request, phase: Phase | None = None) -> AsyncIterator[None]:
        """httpx's errors become ours here and nowhere else."""
        try:
            yield
        except httpx.TimeoutException as error:
            raise about(ServerUnreachable, request, self._why_late(request, error, phase)) from error
        except (httpx.TransportError, ssl.SSLError) as error:  # httpcore 1.0 lets an alert after the handshake through
            kind, reason = _why_unreachable(error, phase)
            raise about(kind, request, f"{hrefs.origin_of(request.url)}: {reason}") from error
        except (httpx.InvalidURL, UnicodeError) as error:  # a name that is none is reported as it is by idna 3
            raise about(InvalidLocation, request, f"no usable address: {error}") from error

    def _why_late(self, request: Request, error: httpx.TimeoutException, phase: Phase | None) -> str:
        if isinstance(error, httpx.ConnectTimeout):
            what = "TLS handshake" if phase is not None and phase.name == "start_tls" else "connection"
            return f"no {what} within {patience.connecting(self._timeout):g} s"
        if isinstance(error, httpx.WriteTimeout):
            return f"the server took nothing of the request for {self._timeout:g} s"
        if phase is None:
            return f"the answer stopped for {self._silence(request):g} s"
        return f"no answer within {self._silence(request):g} s"


def about(kind: type[DavError], request: Request, reason: str) -> DavError:
    """An error about one request."""
    return kind(reason, method=request.method, href=hrefs.path_of(request.url))


def _why_unreachable(error: Exception, phase: Phase | None) -> tuple[type[DavError], str]:
    """What a person can do something about, found along the chain of causes."""
    if isinstance(error, httpx.ProxyError):
        return ServerUnreachable, f"the proxy of HTTPS_PROXY or HTTP_PROXY refuses ({error})"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return UntrustedServer, why_untrusted(cause)
        if isinstance(cause, ssl.SSLError):
            why = why_failed(cause)
            if why is not None:
                return UntrustedServer, why
        if isinstance(cause, socket.gaierror):
            return ServerUnreachable, "the host's name is not found"
        if isinstance(cause, ConnectionRefusedError):
            return ServerUnreachable, "the connection is refused"
        cause = cause.__cause__ or cause.__context__
    if _HEADER_FLOOD in str(error):
        return BadAnswer, "the headers of the answer are too large"
    is_lost = phase is not None and phase.is_kept_connection and not isinstance(error, httpx.UnsupportedProtocol)
    return (
        ConnectionLost if is_lost else ServerUnreachable,
        f"the connection failed ({str(error) or type(error).__name__})",
    )
