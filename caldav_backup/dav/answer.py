"""An answer that is still coming: status and headers are there, the body arrives in pieces.

Owns the reading of bodies: their limits, and what it means when they break off.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, NamedTuple

import httpx

from caldav_backup.dav import inflating
from caldav_backup.dav.errors import AnswerCut, BadAnswer, ServerUnreachable
from caldav_backup.dav.hrefs import path_of
from caldav_backup.dav.patience import Patience

if TYPE_CHECKING:
    from caldav_backup.dav.requests import Request

#: Seconds of silence that end an answer which nobody said more about.
_TIMEOUT = 60.0


class Encryption(NamedTuple):
    """How a connection is encrypted: `TLSv1.3`; `valid_until` is the certificate's end in Unix seconds, if known."""

    version: str
    valid_until: int | None


class Answer:
    """What a server says to `request`. `headers` are found by any spelling; `url` is what answered in the end.

    `received` counts the body's bytes as they came over the wire, `waited` the seconds that they were waited for.
    """

    def __init__(
        self,
        request: Request,
        response: httpx.Response,
        *,
        timeout: float = _TIMEOUT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.method = request.method
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self.url = str(response.url)
        self.received = 0
        self._href = path_of(request.url)
        self._response = response
        self._patience = Patience(timeout)
        self._clock = clock

    @property
    def waited(self) -> float:
        """Seconds."""
        return self._patience.waited

    @property
    def says_its_end(self) -> bool:
        """True when HTTP tells where the body ends; else only its content can show that it was cut."""
        return "content-length" in self.headers or "chunked" in self.headers.get("transfer-encoding", "")

    @property
    def encryption(self) -> Encryption | None:
        """None where the connection is in clear. Asked before the body is read to its end."""
        stream = self._response.extensions.get("network_stream")
        session = stream.get_extra_info("ssl_object") if stream is not None else None
        if session is None:
            return None
        # A certificate that only its fingerprint vouches for is not taken apart by ssl.
        end = (session.getpeercert() or {}).get("notAfter")
        return Encryption(session.version() or "", ssl.cert_time_to_seconds(end) if end else None)

    async def chunks(self, limit: int) -> AsyncGenerator[bytes, None]:
        """The body, decompressed. Raises BadAnswer above `limit` bytes, AnswerCut when it ends too early."""
        try:
            inflate = inflating.inflating(self.headers.get("content-encoding", ""))
        except inflating.UnknownEncoding:
            raise self.bad("the answer is compressed in a way that was not asked for") from None
        size = 0
        try:
            async with aclosing(self._raw()) as compressed:
                async for raw in compressed:
                    for chunk in (raw,) if inflate is None else inflate.pieces(raw):
                        size += len(chunk)
                        if size > limit:
                            raise self.bad(f"the answer has more than {limit:,} bytes")
                        yield chunk
            if inflate is not None:
                inflate.finish()
        except inflating.Damaged as error:
            raise self.bad("the answer's compression is damaged") from error
        except (httpx.RemoteProtocolError, httpx.ReadError, ssl.SSLError) as error:
            raise self.cut("the connection ended in the middle of the answer") from error

    async def read(self, limit: int) -> bytes:
        """The whole body; the same errors."""
        return b"".join([chunk async for chunk in self.chunks(limit)])

    async def beginning(self, limit: int) -> bytes:
        """About the first `limit` bytes, for a message: a body that breaks off or is too long serves as well."""
        pieces: list[bytes] = []
        try:
            async for chunk in self.chunks(limit):
                pieces.append(chunk)  # noqa: PERF401  # what came before an error is wanted
        except BadAnswer:
            return b"".join(pieces)
        return b"".join(pieces)

    def bad(self, reason: str) -> BadAnswer:
        """An error about this answer."""
        return BadAnswer(reason, method=self.method, href=self._href, status=self.status)

    def cut(self, reason: str) -> AnswerCut:
        """An error about this answer that asking again may mend."""
        return AnswerCut(reason, method=self.method, href=self._href, status=self.status)

    async def _raw(self) -> AsyncGenerator[bytes, None]:
        """The body as it comes, and in time."""
        stream = self._response.stream
        assert isinstance(stream, httpx.AsyncByteStream)
        begins = self._clock()
        async for raw in stream:
            self.received += len(raw)
            over = self._patience.why_over(self._clock() - begins, len(raw))
            if over is not None:
                raise ServerUnreachable(over, method=self.method, href=self._href, status=self.status)
            yield raw
            begins = self._clock()
