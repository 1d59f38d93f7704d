"""A CalDAV server of one account whose one calendar holds as many invented events as are asked for.

For measuring a client at sizes that real test servers are too slow to be filled with. It answers what a first backup
asks: PROPFIND of principal, home and calendar, and calendar-multiget; answers are streamed in pieces. Run as a program
it prints its URL and serves until it is ended::

    python -m benchmarks.synthetic_caldav 100000
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from xml.sax.saxutils import escape

from tests.events import event

HOME = "/alice/"
CALENDAR = "/alice/work/"
_HREF = re.compile(rb"<(?:\w+:)?href>([^<]+)</")
_HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<D:multistatus xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:S="http://calendarserver.org/ns/">'
)
_TAIL = "</D:multistatus>"
_PRINCIPAL = (
    f"<D:response><D:href>{HOME}</D:href><D:propstat><D:prop><D:resourcetype><D:collection/><D:principal/>"
    f"</D:resourcetype><D:current-user-principal><D:href>{HOME}</D:href></D:current-user-principal>"
    f"<C:calendar-home-set><D:href>{HOME}</D:href></C:calendar-home-set></D:prop>"
    "<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"
)
_CALENDAR = (
    f"<D:response><D:href>{CALENDAR}</D:href><D:propstat><D:prop><D:resourcetype><D:collection/><C:calendar/>"
    "</D:resourcetype><D:displayname>Work</D:displayname><S:getctag>1</S:getctag></D:prop>"
    "<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"
)


def _member(number: int, *, with_data: bool) -> str:
    body = event(number).content.decode()
    data = f"<C:calendar-data>{escape(body)}</C:calendar-data>" if with_data else ""
    return (
        f'<D:response><D:href>{CALENDAR}{number:06}.ics</D:href><D:propstat><D:prop><D:getetag>"{number:032x}"</D:getetag>'
        f"<D:getlastmodified>Sat, 01 Aug 2026 12:00:00 GMT</D:getlastmodified><D:getcontentlength>{len(body.encode())}"
        f"</D:getcontentlength><D:getcontenttype>text/calendar</D:getcontenttype><D:resourcetype/>{data}</D:prop>"
        "<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"
    )


def _answer(method: str, path: str, depth: str, body: bytes, count: int) -> Iterator[str]:
    yield _HEAD
    if method == "REPORT":
        for href in _HREF.findall(body):
            yield _member(int(href.decode().rsplit("/", 1)[1].removesuffix(".ics")), with_data=True)
    elif path == CALENDAR:
        yield _CALENDAR
        if depth == "1":
            for number in range(count):
                yield _member(number, with_data=False)
    else:
        yield _PRINCIPAL
        if depth == "1":
            yield _CALENDAR
    yield _TAIL


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: int) -> None:
    with suppress(ConnectionError):  # a client may leave when it has what it wanted
        await _converse(reader, writer, count)
    writer.close()


async def _converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: int) -> None:
    while line := await reader.readline():
        method, path, _ = line.decode().split(" ", 2)
        headers = {}
        while (header := (await reader.readline()).decode().strip()) != "":
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        writer.write(b"HTTP/1.1 207 Multi-Status\r\nContent-Type: application/xml; charset=utf-8\r\n")
        writer.write(b"DAV: 1, calendar-access\r\nTransfer-Encoding: chunked\r\n\r\n")
        piece: list[str] = []
        for part in _answer(method, path, headers.get("depth", "0"), body, count):
            piece.append(part)
            if len(piece) == 100:
                await _send(writer, "".join(piece))
                piece = []
        if piece:
            await _send(writer, "".join(piece))
        writer.write(b"0\r\n\r\n")
        await writer.drain()


async def _send(writer: asyncio.StreamWriter, text: str) -> None:
    data = text.encode()
    writer.write(b"%x\r\n%s\r\n" % (len(data), data))
    await writer.drain()


async def serve(count: int) -> None:
    """Serve `count` events on a free loopback port and print the URL as the first line."""
    server = await asyncio.start_server(lambda reader, writer: _serve(reader, writer, count), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{HOME}", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
