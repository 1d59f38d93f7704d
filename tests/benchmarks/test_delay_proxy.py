"""The way is as long as it is said to be, and what passes is counted."""

from __future__ import annotations

import asyncio
import time

import httpx

from benchmarks.delay_proxy import DelayProxy, delay_proxy

ROUND_TRIP = 0.02


async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server that keeps connections and answers at once."""
    while await reader.readline():
        while (await reader.readline()).strip():
            pass
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    writer.close()


async def asked(proxy: DelayProxy, times: int, at_once: bool) -> float:
    """Seconds for that many requests, one after the other on one connection, or at once on many."""
    url = f"http://127.0.0.1:{proxy.port}/"
    async with httpx.AsyncClient(trust_env=False) as client:
        begin = time.perf_counter()
        if at_once:
            await asyncio.gather(*(client.get(url) for _ in range(times)))
        else:
            for _ in range(times):
                await client.get(url)
        return time.perf_counter() - begin


async def measured(times: int, *, at_once: bool) -> tuple[float, DelayProxy]:
    server = await asyncio.start_server(answering, "127.0.0.1", 0)
    async with server, delay_proxy("127.0.0.1", server.sockets[0].getsockname()[1], ROUND_TRIP) as proxy:
        return await asked(proxy, times, at_once), proxy


def test_each_request_on_a_connection_costs_a_round_trip_and_so_does_the_connection() -> None:
    seconds, proxy = asyncio.run(measured(3, at_once=False))
    assert seconds >= 4 * ROUND_TRIP
    assert (proxy.traffic.requests, proxy.traffic.connections) == (3, 1)
    assert proxy.traffic.received == 3 * len(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")


def test_requests_at_once_wait_at_once() -> None:
    seconds, proxy = asyncio.run(measured(20, at_once=True))
    assert seconds < 20 * ROUND_TRIP
    assert (proxy.traffic.requests, proxy.traffic.connections) == (20, 20)


def test_the_clock_begins_with_the_first_connection() -> None:
    before = time.monotonic()
    _, proxy = asyncio.run(measured(1, at_once=False))
    assert before < proxy.traffic.began < time.monotonic() - 2 * ROUND_TRIP + 0.01
    proxy.begin()
    assert proxy.traffic.began == 0.0
