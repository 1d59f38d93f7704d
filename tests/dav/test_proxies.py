"""HTTP_PROXY and NO_PROXY, with a proxy that is one. The environment belongs to a process: each trial has its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

PROGRAM = """
import asyncio, sys
from caldav_backup import dav
from caldav_backup.dav import requests

async def main() -> None:
    async def read(answer):
        return await answer.read(100)

    login, retries = dav.PasswordAuthentication("alice", "s3cret"), dav.Retries(attempts=1)
    async with dav.Transport(sys.argv[1], login, insecure=True, retries=retries) as network:
        try:
            print((await network.exchange(requests.get(sys.argv[1]), read)).decode())
        except dav.DavError as error:
            print(type(error).__name__, error)

asyncio.run(main())
"""


class Proxy:
    """Answers every request itself, once a connection."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.heads: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        with suppress(OSError):  # the listener is closed at the end
            while True:
                connection, _ = self.listener.accept()
                with connection:
                    self.heads.append(connection.recv(65536))
                    connection.sendall(self.answer)


@contextmanager
def proxy(status: str = "200 OK") -> Iterator[Proxy]:
    served = Proxy(f"HTTP/1.1 {status}\r\nContent-Length: 9\r\nConnection: close\r\n\r\nthe proxy".encode())
    thread = threading.Thread(target=served.serve, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.listener.shutdown(socket.SHUT_RDWR)
        served.listener.close()
        thread.join(5)


def ask(url: str, **environ: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, url], env=kept | environ, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.full
def test_plain_http_goes_through_the_proxy() -> None:
    with proxy() as served:
        assert ask("http://nas.example/dav/", HTTP_PROXY=served.url) == "the proxy"
    assert served.heads[0].startswith(b"GET http://nas.example/dav/ HTTP/1.1\r\n")


@pytest.mark.full
def test_hosts_of_no_proxy_are_asked_themselves() -> None:
    with proxy() as served, proxy("200 Itself") as server:
        assert ask(f"{server.url}/dav/", HTTP_PROXY=served.url, NO_PROXY="127.0.0.1,nas.example") == "the proxy"
    assert served.heads == []
    assert server.heads[0].startswith(b"GET /dav/ HTTP/1.1\r\n")


@pytest.mark.full
def test_https_goes_through_a_tunnel_and_the_proxy_sees_no_credentials() -> None:
    with proxy("407 Proxy Authentication Required") as served:
        said = ask("https://cloud.example/dav/", HTTPS_PROXY=served.url)
    assert said.startswith("ServerUnreachable GET /dav/: https://cloud.example: the proxy of HTTPS_PROXY or HTTP_PROXY")
    assert "407" in said
    assert served.heads[0].startswith(b"CONNECT cloud.example:443 HTTP/1.1\r\n")
    assert b"authorization" not in served.heads[0].lower()
