"""What is too much for a server is not asked of it again; a kept connection that it has closed says nothing of that."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import httpx
import pytest

from caldav_backup import dav
from caldav_backup.dav import requests
from caldav_backup.dav.answer import Answer
from caldav_backup.dav.slowness import unless_slow
from tests.dav.fakes import BASE, FakeServer, Reply, Waits, failure, reply, run, transport
from tests.dav.sockets import listening

ASKED = requests.get(f"{BASE}/x")


async def read(answer: Answer) -> bytes:
    return await answer.read(100)


def asked(*replies: Reply) -> tuple[bytes | dav.DavError, int, list[float]]:
    """What comes of it, the number of requests, and the waits in between."""
    server, waits = FakeServer(), Waits()
    server.on("GET", "/x", *replies)

    async def story() -> bytes:
        async with transport(server, waits=waits) as way:
            return await unless_slow(way, ASKED, read)

    try:
        return run(story()), len(server.seen), list(waits)
    except dav.DavError as error:
        return error, len(server.seen), list(waits)


@pytest.mark.parametrize(
    "how", [reply(504), reply(502), failure(httpx.ReadTimeout("slow"))], ids=["504", "502", "none"]
)
def test_what_may_have_been_too_much_is_asked_once(how: Reply) -> None:
    error, requests, waits = asked(how, reply(200, b"x"))
    assert isinstance(error, (dav.Unavailable, dav.ServerUnreachable))
    assert (requests, waits) == (1, [])


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again(status: int) -> None:
    assert asked(reply(status), reply(200, b"x")) == (b"x", 2, [2.0])


def test_a_kept_connection_that_is_gone_is_replaced() -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
        with suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")  # and no answer

    async def story() -> list[bytes]:
        async with listening(serve) as port, dav.Transport(f"http://127.0.0.1:{port}/") as way:
            request = requests.get(f"http://127.0.0.1:{port}/x")
            return [await unless_slow(way, request, read) for _ in range(2)]

    assert run(story()) == [b"x", b"x"]
    assert connections == 2
