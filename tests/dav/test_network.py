"""The same over real sockets: what broken connections look like is httpx's business, what comes of it is ours."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from caldav_backup import dav
from tests.dav.fakes import CALENDAR, Waits, event, kind, listed, multistatus, response, run
from tests.dav.sockets import listening

_T = TypeVar("_T")

LISTING = multistatus(response("/cal/", kind("c:calendar")), listed("a.ics"), listed("b.ics"))


def http(body: bytes, *headers: str, length: int | None = None, version: str = "1.1", status: str = "207 M") -> bytes:
    """An answer as bytes; without `length` nothing says where it ends."""
    lines = [f"HTTP/{version} {status}", *headers, *([] if length is None else [f"Content-Length: {length}"]), "", ""]
    return "\r\n".join(lines).encode() + body


def whole(body: bytes, status: str = "207 M") -> bytes:
    return http(body, "Content-Type: application/xml", length=len(body), status=status)


class Connections:
    """Plays one script per connection: each entry answers one request; the connection is closed at a script's end."""

    def __init__(self, *scripts: list[bytes]) -> None:
        self._scripts = list(scripts)
        self.opened = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
        self.opened += 1
        try:
            for bytes_ in script:
                await self.take(reader)
                writer.write(bytes_)
                await writer.drain()
        except asyncio.IncompleteReadError:
            return  # the client is done

    async def take(self, reader: asyncio.StreamReader) -> None:
        """One request with its body."""
        head = await reader.readuntil(b"\r\n\r\n")
        lengths = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        await reader.readexactly(sum(lengths))


def talk(
    connections: Connections,
    deed: Callable[[dav.Client, str], Awaitable[_T]],
    waits: Waits | None = None,
    *,
    timeout: float = 60.0,
    attempts: int = 4,
) -> _T:
    async def story() -> _T:
        passed = Waits() if waits is None else waits
        retries = dav.Retries(attempts, sleep=passed, chance=lambda: 0.0, clock=passed.clock)
        async with listening(connections.serve) as port:
            url = f"http://127.0.0.1:{port}/"
            async with dav.Client(dav.Transport(url, retries=retries, timeout=timeout)) as client:
                return await deed(client, url)

    return run(story())


async def list_them(client: dav.Client, url: str) -> list[dav.Version]:
    return await client.list_versions(dav.Calendar(CALENDAR.href, url + "cal/"))


BROKEN = {
    "nothing": [b""],
    "half a header": [b"HTTP/1.1 207 Multi"],
    "cut": [whole(LISTING)[:-40]],
    "cut chunks": [http(b"40\r\n" + LISTING[:0x40] + b"\r\n", "Transfer-Encoding: chunked")],
    "cut without length": [http(LISTING[:-40], version="1.0")],
    "no http": [b"SSH-2.0-OpenSSH_9.2\r\n\r\n"],
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_connection_is_mended_by_asking_again(broken: list[bytes]) -> None:
    waits = Waits()
    connections = Connections(broken, [whole(LISTING)])
    assert len(talk(connections, list_them, waits)) == 2
    assert waits == [0.5]


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_server_that_always_dies_is_reported(broken: list[bytes]) -> None:
    with pytest.raises((dav.ServerUnreachable, dav.AnswerCut)) as caught:
        talk(Connections(broken), list_them)
    assert "\n" not in str(caught.value)


def test_a_kept_connection_is_used_again_and_its_end_is_no_trouble() -> None:
    async def three(client: dav.Client, url: str) -> int:
        return sum([len(await list_them(client, url)) for _ in range(3)])

    connections = Connections([whole(LISTING), whole(LISTING)])
    assert talk(connections, three) == 6
    assert connections.opened == 2


def test_answers_that_are_not_wanted_do_not_cost_the_connection() -> None:
    refusal = whole(b"no", status="401 No")
    moved = http(b"", "Location: /moved/", length=0, status="301 Moved")

    async def deed(client: dav.Client, url: str) -> int:
        for _ in range(2):
            with pytest.raises(dav.Unauthorized):
                await list_them(client, url)
        return len(await list_them(client, url))

    connections = Connections([refusal, refusal, moved, whole(LISTING)])
    assert talk(connections, deed) == 2
    assert connections.opened == 1


def test_an_object_that_is_cut_is_never_taken() -> None:
    async def deed(client: dav.Client, url: str) -> dav.Resource:
        return await client.get(url + "a.ics")

    body = event("a")
    cut = http(body[:-5], version="1.0", status="200 OK")
    full = http(body, version="1.0", status="200 OK")
    assert talk(Connections([cut], [full]), deed).content == body


def test_tls_where_there_is_none_is_said_to_be_none() -> None:
    async def deed(_: dav.Client, url: str) -> dav.Resource:
        async with dav.Client(dav.Transport(url.replace("http:", "https:"))) as client:
            return await client.get("/a.ics")

    class Plain(Connections):
        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(65536)
            writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")

    with pytest.raises(dav.UntrustedServer, match="there is no TLS at this port"):
        talk(Plain([]), deed)


class Resetting(Connections):
    """Answers two requests a connection, and resets it when the third one comes."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        try:
            for _ in range(2):
                await self.take(reader)
                writer.write(whole(LISTING))
            await self.take(reader)
        except asyncio.IncompleteReadError:
            return  # the client is done
        writer.transport.abort()


def test_a_kept_connection_that_is_reset_is_replaced_at_once() -> None:
    """SOGo 5.8 does so with up to one request in five."""
    told: list[dav.RequestLine] = []

    async def nine(client: dav.Client, url: str) -> int:
        client.transport.on_request = told.append
        return sum([len(await list_them(client, url)) for _ in range(9)])

    waits = Waits()
    connections = Resetting([])
    assert talk(connections, nine, waits) == 18
    assert waits == []
    assert [line.status for line in told].count(None) == 4
    assert [line.kind for line in told].count("repeat") == 4
    assert connections.opened == 5


FLOODS = {
    "one header": b"X-Flood: " + b"x" * 2_000_000 + b"\r\n",
    "many headers": b"X-Flood: x\r\n" * 200_000,
    "no end of a line": b"x" * 2_000_000,
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS.keys())
def test_a_flood_of_headers_is_one_clear_line(flood: bytes) -> None:
    waits = Waits()
    with pytest.raises(dav.BadAnswer, match="the headers of the answer are too large") as caught:
        talk(Connections([b"HTTP/1.1 207 Multi\r\n" + flood + b"\r\n"]), list_them, waits)
    assert "\n" not in str(caught.value)
    assert waits == []


class Provisional(Connections):
    """Says for ever that it is at work (RFC 2518 §10.1, which Cyrus 3.6 knows too)."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self.take(reader)
        while not reader.at_eof():
            writer.write(b"HTTP/1.1 102 Processing\r\n\r\n")
            await writer.drain()
            await asyncio.sleep(0.01)


@pytest.mark.full
def test_provisional_answers_for_ever_are_given_up() -> None:
    with pytest.raises(dav.ServerUnreachable, match=r"no answer within 0\.\d+ s"):
        talk(Provisional([]), list_them, timeout=0.1, attempts=1)


def test_provisional_answers_before_the_answer_are_no_trouble() -> None:
    working = b"HTTP/1.1 102 Processing\r\n\r\n" * 3
    assert len(talk(Connections([working + whole(LISTING)]), list_them)) == 2
