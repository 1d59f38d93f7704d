"""A real server behind a proxy that breaks some of its answers."""

from __future__ import annotations

import http.client
import http.server
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.servers.server import Server

_VERBS = ("GET", "PUT", "DELETE", "OPTIONS", "PROPFIND", "PROPPATCH", "REPORT", "MKCALENDAR")
_KEPT = ("Content-Type", "ETag", "DAV", "Last-Modified", "WWW-Authenticate")


class Break(Enum):
    """What happens to one answer."""

    CUT = "half of it, then the connection ends"
    DROPPED = "the connection ends instead"
    GARBAGE = "bytes that are no XML in its place"
    LOGIN_PAGE = "a captive portal's page with status 200 in its place"
    UNAUTHORIZED = "401 in its place"


class Asked(NamedTuple):
    """One request; `number` counts them from 1."""

    number: int
    method: str
    path: str


Rule = Callable[[Asked], Break | None]


@contextmanager
def breaking(server: Server, rule: Rule, *, port: int = 0) -> Iterator[str]:
    """The URL of a proxy in front of `server`; `rule` says what becomes of each answer. It may wait as it likes.

    On a port of its own, or on that of an earlier one: another port is another server.
    """
    asked: list[Asked] = []
    verbs = {f"do_{verb}": _Handler.forward for verb in _VERBS}
    kind = type(
        "Handler", (_Handler,), {"upstream": urlsplit(server.url), "rule": staticmethod(rule), "asked": asked, **verbs}
    )
    with _Proxy(("127.0.0.1", port), kind) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{proxy.server_port}/"
        finally:
            proxy.shutdown()
            thread.join()


class _Proxy(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that gives up is none of the proxy's business."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.asked.append(Asked(len(self.asked) + 1, self.command, self.path))  # type: ignore[attr-defined]
        broken = self.rule(self.asked[-1])  # type: ignore[attr-defined]
        if broken is Break.DROPPED:
            self.end()
            return
        status, headers, content = self.answer(body)
        if broken is Break.GARBAGE:
            content = b"<multistatus <<<" + bytes(range(256))
        elif broken is Break.LOGIN_PAGE:
            status, headers, content = 200, {"Content-Type": "text/html"}, b"<html>please log in</html>"
        elif broken is Break.UNAUTHORIZED:
            status, headers, content = 401, {"WWW-Authenticate": "Basic"}, b""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if broken is Break.CUT else content)
        if broken is Break.CUT:
            self.wfile.flush()
            self.end()

    def answer(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        upstream = self.upstream  # type: ignore[attr-defined]
        connection = http.client.HTTPConnection(upstream.hostname, upstream.port, timeout=30)
        left_out = {"host", "connection", "accept-encoding"}
        headers = {name: value for name, value in self.headers.items() if name.lower() not in left_out}
        try:
            connection.request(self.command, self.path, body, headers)
            reply = connection.getresponse()
            content = reply.read()
        finally:
            connection.close()
        return reply.status, {name: reply.headers[name] for name in _KEPT if name in reply.headers}, content

    def end(self) -> None:
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        """Nobody reads it."""
