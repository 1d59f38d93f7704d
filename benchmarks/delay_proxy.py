"""A TCP relay on the loopback interface that makes a near server far: every byte arrives half a round trip later.

Bytes keep flowing while others wait (latency, not bandwidth, is added), and a new connection costs one round trip more,
as a real one does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_CHUNK = 65536


@asynccontextmanager
async def delay_proxy(host: str, port: int, round_trip: float) -> AsyncIterator[int]:
    """A relay to `host:port` with `round_trip` seconds; yields the local port, and ends every connection at the end."""
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(_serve(reader, writer, host, port, round_trip))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


async def _serve(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int, round_trip: float
) -> None:
    await asyncio.sleep(round_trip)  # SYN and its answer
    upstream_reader, upstream_writer = await asyncio.open_connection(host, port)
    try:
        await asyncio.gather(
            _relay(reader, upstream_writer, round_trip / 2), _relay(upstream_reader, writer, round_trip / 2)
        )
    finally:
        for each in (writer, upstream_writer):
            each.close()
            with suppress(ConnectionError):
                await each.wait_closed()


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Pass bytes on `delay` seconds after they came, in order, as many in flight as there are."""
    loop = asyncio.get_running_loop()
    line: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(maxsize=1024)

    async def receive() -> None:
        with suppress(ConnectionError):
            while data := await reader.read(_CHUNK):
                await line.put((loop.time() + delay, data))
        await line.put((loop.time() + delay, b""))

    receiving = asyncio.ensure_future(receive())
    try:
        while True:
            due, data = await line.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not data:
                break
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except ConnectionError:
        return
    finally:
        receiving.cancel()
        await asyncio.gather(receiving, return_exceptions=True)
