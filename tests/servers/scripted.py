"""A real HTTP/1.1 server on the loopback interface that is a correct CalDAV server, unless a rule says otherwise.

Owns sockets, framing and the log of what was asked. What the honest answers are is said by `scripted_dav`.
"""

from __future__ import annotations

import gzip
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import Enum
from http.client import parse_headers
from io import BufferedReader

from tests.servers.scripted_account import Account
from tests.servers.scripted_dav import Asked, CalDav, Reply
from tests.servers.scripted_xml import Multistatus

__all__ = ["Account", "Answer", "Asked", "Framing", "Rule", "ScriptedServer", "scripted"]

_HOST = "127.0.0.1"
_RESET = struct.pack("ii", 1, 0)


class Framing(Enum):
    """How the client learns where a body ends."""

    LENGTH = "Content-Length"
    CHUNKED = "chunked, without a length"
    CLOSE = "the connection ends"


@dataclass(frozen=True)
class Answer:
    """What becomes of one answer; what is not said is as the honest server has it.

    `headers` go before the server's own, None takes one away. A status from 300 on has no body but this one. `alter`
    changes a multistatus. `delay` is before the status line and `pause` between any two bytes of the body, in seconds.
    `cut` ends the connection after so many bytes of the body, `reset` before any byte of the answer, by RST; `hang_up`
    ends it after the answer without having said so. `endless` is sent again and again after the body.
    """

    status: int | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    body: bytes | None = None
    alter: Callable[[Multistatus], Multistatus] | None = None
    delay: float = 0.0
    pause: float = 0.0
    cut: int | None = None
    reset: bool = False
    hang_up: bool = False
    framing: Framing = Framing.LENGTH
    gzip: bool = False
    endless: bytes = b""


Rule = Callable[[Asked], Answer | None]


class ScriptedServer:
    """Serves `account` by `rule`; both may be changed at any time. `asked` are the requests so far."""

    def __init__(self, account: Account, rule: Rule, *, tls: ssl.SSLContext | None = None, page: int = 0) -> None:
        self.account = account
        self.rule = rule
        self.dav = CalDav(account, page=page)
        self.asked: list[Asked] = []
        self._tls = tls
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server((_HOST, 0), backlog=64)
        self._start(self._accept)

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def origin(self) -> str:
        return f"{'https' if self._tls else 'http'}://{_HOST}:{self.port}"

    @property
    def url(self) -> str:
        """The address that a person would give."""
        return self.origin + self.account.root

    def requests(self, method: str = "", part: str = "") -> list[Asked]:
        """Those asked so far with this method, and `part` in their path."""
        return [each for each in self.asked if method in {"", each.method} and part in each.path]

    def forget(self) -> None:
        """Count from 1 again."""
        with self._lock:
            self.asked = []

    def stop(self) -> None:
        self._stopping.set()
        # A listener that is closed while another thread waits on it would keep that one waiting.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # stopped
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        # A client that gives up, in whatever way, is none of the server's business.
        with suppress(OSError, ssl.SSLError):
            with self._lock:
                self._open.add(connection)
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                with self._lock:
                    self._open.add(connection)
            with connection, connection.makefile("rb") as stream:
                while not self._stopping.is_set() and (asked := self._read(stream)) is not None:
                    if not self._answer(connection, asked):
                        break
        with self._lock:
            self._open.discard(connection)

    def _read(self, stream: BufferedReader) -> Asked | None:
        """The next request; None when the client has gone."""
        words = stream.readline().decode("latin-1").split()
        if len(words) < 3:
            return None
        headers = {name.lower(): value for name, value in parse_headers(stream).items()}
        body = stream.read(int(headers.get("content-length", "0")))
        with self._lock:
            self.asked.append(Asked(len(self.asked) + 1, words[0], words[1], headers, body))
            return self.asked[-1]

    def _answer(self, connection: socket.socket, asked: Asked) -> bool:
        """True when the connection may be used again."""
        answer = self.rule(asked) or Answer()
        if answer.delay and self._stopping.wait(answer.delay):
            return False
        if answer.reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            return False
        reply = self.dav.answer(asked)
        body = _body(reply, answer)
        status = answer.status or reply.status
        connection.sendall(_head(status, _headers(reply, answer, body)))
        framing = Framing.CHUNKED if answer.endless and answer.framing is Framing.LENGTH else answer.framing
        if status in {204, 304}:
            return not answer.hang_up
        self._send(connection, body[: answer.cut], answer.pause, framing)
        while answer.endless and not self._stopping.is_set():
            self._send(connection, answer.endless, answer.pause, framing)
        if answer.cut is not None or answer.hang_up or framing is Framing.CLOSE:
            return False
        if framing is Framing.CHUNKED:
            connection.sendall(b"0\r\n\r\n")
        return True

    def _send(self, connection: socket.socket, body: bytes, pause: float, framing: Framing) -> None:
        size = 1 if pause else 64 * 1024
        for start in range(0, len(body), size):
            piece = body[start : start + size]
            connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if framing is Framing.CHUNKED else piece)
            if pause and self._stopping.wait(pause):
                return


@contextmanager
def scripted(
    account: Account, rule: Rule = lambda _: None, *, tls: ssl.SSLContext | None = None, page: int = 0
) -> Iterator[ScriptedServer]:
    """A server for the time of a test."""
    server = ScriptedServer(account, rule, tls=tls, page=page)
    try:
        yield server
    finally:
        server.stop()


def _body(reply: Reply, answer: Answer) -> bytes:
    if answer.body is not None or (answer.status is not None and answer.status >= 300):
        body = answer.body or b""
    elif reply.multistatus is not None:
        multistatus = answer.alter(reply.multistatus) if answer.alter is not None else reply.multistatus
        body = multistatus.to_xml()
    else:
        body = reply.body
    return gzip.compress(body) if answer.gzip else body


def _headers(reply: Reply, answer: Answer, body: bytes) -> dict[str, str]:
    headers: dict[str, str | None] = {"Date": format_datetime(datetime.now(UTC), usegmt=True), **reply.headers}
    if answer.gzip:
        headers["Content-Encoding"] = "gzip"
    if answer.framing is Framing.CHUNKED or (answer.endless and answer.framing is Framing.LENGTH):
        headers["Transfer-Encoding"] = "chunked"
    elif answer.framing is Framing.LENGTH:
        headers["Content-Length"] = str(len(body))
    headers |= answer.headers
    return {name: value for name, value in headers.items() if value is not None}


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")
