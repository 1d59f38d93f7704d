"""A TCP relay on the loopback interface that makes a near server far, and counts what passes.

Every byte arrives half a round trip later, in either direction, so that a request and its answer cost one round trip
on top of what the server takes. Bytes keep flowing while others wait: answers in flight at once, on one connection or
on several, do not add up. A new connection costs one round trip more, as a real one does. That is latency alone:
bandwidth is not limited, nothing is lost, and connections do not begin slowly.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from benchmarks.request_counter import RequestCounter

_CHUNK = 65536


@dataclass(slots=True)
class Traffic:
    """What passed since it was begun; `began` is the clock (`time.monotonic`) at the first connection, 0 before."""

    requests: int = 0
    connections: int = 0
    received: int = 0
    began: float = 0.0


class DelayProxy:
    """A running relay. `port` is the local one; `traffic` is what passed since the last `begin`."""

    def __init__(self, host: str, port: int, round_trip: float) -> None:
        self.port = 0
        self.traffic = Traffic()
        self._upstream = host, port
        self._round_trip = round_trip
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self) -> Traffic:
        """Count anew from here on; connections that are open are counted where they began."""
        self.traffic = Traffic()
        return self.traffic

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        traffic = self.traffic
        traffic.connections += 1
        traffic.began = traffic.began or time.monotonic()
        task = asyncio.ensure_future(self._serve(reader, writer, traffic))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """End every connection."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, traffic: Traffic) -> None:
        await asyncio.sleep(self._round_trip)  # SYN and its answer
        upstream_reader, upstream_writer = await asyncio.open_connection(*self._upstream)
        counter = RequestCounter()

        def sent(piece: bytes) -> None:
            before = counter.count
            counter.feed(piece)
            traffic.requests += counter.count - before

        def received(piece: bytes) -> None:
            traffic.received += len(piece)

        try:
            await asyncio.gather(
                _relay(reader, upstream_writer, self._round_trip / 2, sent),
                _relay(upstream_reader, writer, self._round_trip / 2, received),
            )
        finally:
            for each in (writer, upstream_writer):
                each.close()
                with suppress(ConnectionError):
                    await each.wait_closed()


@asynccontextmanager
async def delay_proxy(host: str, port: int, round_trip: float) -> AsyncIterator[DelayProxy]:
    """A relay to `host:port` with `round_trip` seconds, until the end of the block."""
    proxy = DelayProxy(host, port, round_trip)
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
        await server.wait_closed()


async def _relay(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float, passing: Callable[[bytes], None]
) -> None:
    """Pass bytes on `delay` seconds after they came, in order, as many in flight as there are."""
    loop = asyncio.get_running_loop()
    line: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(maxsize=1024)

    async def receive() -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(_CHUNK):
                passing(piece)
                await line.put((loop.time() + delay, piece))
        await line.put((loop.time() + delay, b""))

    receiving = asyncio.ensure_future(receive())
    try:
        while True:
            due, piece = await line.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not piece:
                break
            writer.write(piece)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except ConnectionError:
        return
    finally:
        receiving.cancel()
        await asyncio.gather(receiving, return_exceptions=True)
