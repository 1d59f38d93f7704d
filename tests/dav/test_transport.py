from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
from collections.abc import AsyncIterator

import httpx
import pytest

from caldav_backup import dav
from caldav_backup.dav import requests
from tests.dav.exchanges import GET, PASSWORD, exchange, failing, read
from tests.dav.fakes import BASE, FakeServer, Waits, failure, reply, run, streamed, transport


def test_credentials_go_with_the_first_request() -> None:
    server = FakeServer()
    server.on("GET", "/x", reply(200, "ok"))
    assert exchange(server) == b"ok"
    (only,) = server.seen
    assert only.headers["authorization"].startswith("Basic ")
    assert only.headers["user-agent"] == "caldav-backup"
    assert only.headers["accept-encoding"] == "gzip, deflate"


def test_no_credentials_no_header() -> None:
    server = FakeServer()
    server.on("GET", "/x", reply(200))
    exchange(server, authentication=None)
    assert "authorization" not in server.seen[0].headers


def test_one_401_is_tried_once_more() -> None:
    server = FakeServer()
    server.on("GET", "/x", reply(401, headers={"www-authenticate": "Basic"}), reply(200, "ok"))
    assert exchange(server) == b"ok"
    assert len(server.seen) == 2


def test_a_second_401_is_the_last() -> None:
    server, waits = FakeServer(), Waits()
    server.on("GET", "/x", reply(401, f"no {PASSWORD}"))
    error = failing(server, waits=waits)
    assert isinstance(error, dav.Unauthorized)
    assert "app password" in str(error)
    assert len(server.seen) == 2
    assert waits == []


def test_a_401_without_credentials_is_asked_once() -> None:
    server = FakeServer()
    server.on("GET", "/x", reply(401))
    assert "give a user name" in str(failing(server, authentication=None))
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("first", "wait"),
    [
        (reply(429, headers={"retry-after": "7"}), 7.0),
        (reply(503, headers={"retry-after": "0"}), 2.0),
        (reply(502), 2.0),
        (reply(504), 2.0),
        (reply(403, '{"reason": "quotaExceeded"}'), 2.0),
        (failure(httpx.ConnectError("refused")), 0.5),
        (failure(httpx.ReadTimeout("slow")), 0.5),
        (failure(httpx.RemoteProtocolError("Server disconnected")), 0.5),
        (streamed(200, b"half", httpx.RemoteProtocolError("incomplete")), 0.5),
        (streamed(200, b"half", httpx.ReadError("reset")), 0.5),
    ],
    ids=["429", "503", "502", "504", "quota", "refused", "timeout", "disconnected", "incomplete", "reset"],
)
def test_what_may_pass_is_asked_again(first: object, wait: float) -> None:
    server, waits = FakeServer(), Waits()
    server.on("GET", "/x", first, reply(200, "whole"))  # type: ignore[arg-type]  # replies
    assert exchange(server, waits=waits) == b"whole"
    assert waits == [wait]


@pytest.mark.parametrize(
    ("always", "kind"),
    [
        (reply(429), dav.TooManyRequests),
        (reply(503), dav.Unavailable),
        (failure(httpx.ConnectError("refused")), dav.ServerUnreachable),
        (failure(httpx.ReadTimeout("slow")), dav.ServerUnreachable),
        (streamed(200, b"half", httpx.ReadError("reset")), dav.AnswerCut),
    ],
    ids=["429", "503", "refused", "timeout", "reset"],
)
def test_attempts_end(always: object, kind: type[dav.DavError]) -> None:
    server, waits = FakeServer(), Waits()
    server.on("GET", "/x", always)  # type: ignore[arg-type]  # a reply
    assert type(failing(server, waits=waits)) is kind
    assert len(server.seen) == 4


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 412, 413, 500, 501, 507])
def test_an_answer_that_says_no_is_not_asked_again(status: int) -> None:
    server = FakeServer()
    server.on("GET", "/x", reply(status, "because"))
    error = failing(server)
    assert (error.status, error.method, error.href, error.excerpt) == (status, "GET", "/x", "because")
    assert len(server.seen) == 1


def test_an_error_page_that_shows_the_password_is_masked() -> None:
    server = FakeServer()
    server.on("GET", "/x", reply(500, f"Debug: password={PASSWORD} \xff"))
    assert "password=***" in failing(server).excerpt


def test_an_error_page_may_be_endless_or_break_off() -> None:
    server = FakeServer()
    server.on("GET", "/x", streamed(500, b"oops " * 100_000, b"x" * 10_000_000))
    assert failing(server).status == 500
    server = FakeServer()
    server.on("GET", "/x", streamed(500, b"oops", httpx.ReadError("reset")))
    assert failing(server).excerpt == "oops"


def test_bodies_are_bounded_after_decompression() -> None:
    server = FakeServer()
    bomb = gzip.compress(b"\0" * 5_000_000)
    server.on("GET", "/x", reply(200, bomb, {"content-encoding": "gzip"}))
    error = failing(server)
    assert isinstance(error, dav.BadAnswer)
    assert "more than 1,000,000 bytes" in str(error)


def test_a_body_that_stops_is_a_silence_like_any_other() -> None:
    server = FakeServer()
    server.on("GET", "/x", streamed(200, b"half", httpx.ReadTimeout("")))
    assert "the answer stopped for 60 s" in str(failing(server))


def test_damaged_compression_is_a_bad_answer() -> None:
    server = FakeServer()
    server.on("GET", "/x", streamed(200, b"no gzip", headers={"content-encoding": "gzip"}))
    assert isinstance(failing(server), dav.BadAnswer)


def with_cause(cause: Exception) -> httpx.ConnectError:
    error = httpx.ConnectError("all attempts failed")
    error.__cause__ = cause
    return error


def test_messages_say_what_can_be_done() -> None:
    causes = {
        "name is not found": with_cause(socket.gaierror(-2, "unknown")),
        "is refused": with_cause(ConnectionRefusedError(111, "refused")),
        "ConnectError": httpx.ConnectError(""),
        "no connection within 30 s": httpx.ConnectTimeout(""),
        "took nothing of the request for 60 s": httpx.WriteTimeout(""),
        "no answer within 60 s": httpx.ReadTimeout(""),
        "HTTP_PROXY refuses (407)": httpx.ProxyError("407"),
    }
    for text, error in causes.items():
        server = FakeServer()
        server.on("GET", "/x", failure(error))
        assert text in str(failing(server))


def test_a_certificate_that_is_not_trusted_is_not_asked_again() -> None:
    refusal = ssl.SSLCertVerificationError(1, "failed")
    refusal.verify_message = "self-signed certificate"
    server, waits = FakeServer(), Waits()
    server.on("GET", "/x", failure(with_cause(refusal)))
    error = failing(server, waits=waits)
    assert isinstance(error, dav.UntrustedServer)
    assert "self-signed certificate" in str(error)
    assert waits == []


def test_an_answer_that_only_trickles_is_given_up() -> None:
    waits = Waits()

    async def drip() -> AsyncIterator[bytes]:
        while True:
            await waits(5.0)
            yield b"x"

    def handle(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=drip())

    error = failing(handle, waits=waits)  # type: ignore[arg-type]  # a handler
    assert isinstance(error, dav.ServerUnreachable)
    assert "the answer comes too slowly, 12 bytes in 60 s" in str(error)


def test_an_answer_that_never_begins_is_given_up() -> None:
    async def never(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    error = failing(never, timeout=0.01)  # type: ignore[arg-type]  # an asynchronous handler
    assert isinstance(error, dav.ServerUnreachable)
    assert "no answer within 0.04 s" in str(error)


@pytest.mark.parametrize(
    ("url", "insecure"),
    [("http://nas.example/x", False), ("https://\x00/x", True), ("https://xn--zzzz-.example/x", True)],
)
def test_addresses_that_must_not_or_cannot_be_asked(url: str, insecure: bool) -> None:
    server = FakeServer()
    assert isinstance(failing(server, requests.get(url), insecure=insecure), dav.InvalidLocation)
    assert server.seen == []


@pytest.mark.parametrize(("url", "insecure"), [("http://nas.example/x", True), ("http://127.0.0.1:5232/x", False)])
def test_plain_http_is_for_this_machine_or_by_permission(url: str, insecure: bool) -> None:
    server = FakeServer()
    server.on("GET", url, reply(200, "ok"))
    assert exchange(server, requests.get(url), base=url, insecure=insecure) == b"ok"
    assert "authorization" in server.seen[0].headers


def test_every_request_is_counted_and_three_at_once_are_sent() -> None:
    now = most = 0

    async def handle(_: httpx.Request) -> httpx.Response:
        nonlocal now, most
        now += 1
        most = max(most, now)
        for _turn in range(5):
            await asyncio.sleep(0)
        now -= 1
        return httpx.Response(200)

    async def story() -> int:
        async with transport(handle) as network:  # type: ignore[arg-type]  # an asynchronous handler
            await asyncio.gather(*(network.exchange(GET, read) for _ in range(10)))
            return network.requests

    assert run(story()) == 10
    assert most == 3


def test_cancelling_gives_the_turn_and_the_connection_back() -> None:
    waiting: list[httpx.Request] = []
    all_are_waiting = asyncio.Event()

    async def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/slow":
            waiting.append(request)
            if len(waiting) == 3:
                all_are_waiting.set()
            await asyncio.Event().wait()
        return httpx.Response(200, content=b"ok")

    async def story() -> bytes:
        async with transport(handle) as network:  # type: ignore[arg-type]  # an asynchronous handler
            slow = [asyncio.ensure_future(network.exchange(requests.get(f"{BASE}/slow"), read)) for _ in range(3)]
            await all_are_waiting.wait()
            for task in slow:
                task.cancel()
            await asyncio.gather(*slow, return_exceptions=True)
            assert all(task.cancelled() for task in slow)
            return await network.exchange(GET, read)

    assert run(story()) == b"ok"
