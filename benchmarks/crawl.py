"""1,000 events from a Radicale that is 20 ms away, first request to commit: ours, one GET per event, and a bare loop.

Imports and key derivation are apart: everything runs in one process, on an open encrypted store. The bare loop is what
any multiget client must do (list, then batches of 100, one after the other), and keeps nothing. Medians of alternating
rounds; GETs, which take half a minute, once.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from benchmarks.delay_proxy import delay_proxy
from caldav_backup.archiver import BackupOptions, back_up
from caldav_backup.connectors.caldav import CalDavSource
from caldav_backup.dav import BasicAuthentication, Client, Transport
from caldav_backup.kloset import Configuration, Repository, open_storage
from tests.events import events
from tests.servers.recipes import Radicale
from tests.servers.server import Server, seed

COUNT = 1_000
ROUND_TRIP = 0.020
ROUNDS = 5
AT_LEAST = 20.0
AT_MOST_OF_BARE = 1.5

_LIST = b'<propfind xmlns="DAV:"><prop><getetag/></prop></propfind>'
_HREF = re.compile(r"<(?:\w+:)?href>([^<]+\.ics)</")


def multiget(hrefs: list[str]) -> bytes:
    members = "".join(f"<D:href>{href}</D:href>" for href in hrefs)
    return (
        '<C:calendar-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">'
        f"<D:prop><D:getetag/><C:calendar-data/></D:prop>{members}</C:calendar-multiget>"
    ).encode()


class Bench:
    """The contestants, all through the same slow way."""

    def __init__(self, server: Server, port: int, repository: Repository) -> None:
        self.server = server
        self.repository = repository
        self.calendar = f"http://127.0.0.1:{port}{urlsplit(server.home).path}work/"
        self.url = f"http://127.0.0.1:{port}/"
        self.auth = (server.user, server.password)

    async def listing(self, client: httpx.AsyncClient) -> list[str]:
        answer = await client.request("PROPFIND", self.calendar, content=_LIST, headers={"Depth": "1"})
        return _HREF.findall(answer.text)

    async def gets(self) -> None:
        """One GET per event, one after the other, as plakar's connector does."""
        async with httpx.AsyncClient(auth=self.auth) as client:
            for href in await self.listing(client):
                (await client.get(self.url.rstrip("/") + href)).raise_for_status()

    async def bare(self) -> None:
        async with httpx.AsyncClient(auth=self.auth) as client:
            hrefs = await self.listing(client)
            for start in range(0, len(hrefs), 100):
                answer = await client.request("REPORT", self.calendar, content=multiget(hrefs[start : start + 100]))
                assert answer.text.count("BEGIN:VEVENT") == len(hrefs[start : start + 100])

    def ours(self, job: str) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            transport = Transport(self.url, BasicAuthentication(*self.auth))
            async with CalDavSource(Client(transport), self.url, origin="bench") as source:
                outcome = await back_up(source, self.repository, BackupOptions(job=job))
            assert outcome.records == COUNT
            assert not outcome.failures

        return run


async def timed(work: Callable[[], Awaitable[None]]) -> float:
    begin = time.perf_counter()
    await work()
    return time.perf_counter() - begin


async def race(server: Server, repository: Repository) -> int:
    async with delay_proxy("127.0.0.1", urlsplit(server.url).port or 80, ROUND_TRIP) as port:
        bench = Bench(server, port, repository)
        bare, first, quiet = [], [], []
        for number in range(ROUNDS):
            bare.append(await timed(bench.bare))
            first.append(await timed(bench.ours(f"round-{number}")))
            quiet.append(await timed(bench.ours(f"round-{number}")))
        gets = await timed(bench.gets)
    base, ours, again = map(statistics.median, (bare, first, quiet))
    print(f"one GET per event     {gets:6.2f} s")
    print(f"bare list + multiget  {base:6.2f} s")
    print(f"ours, first run       {ours:6.2f} s   {gets / ours:5.1f} times faster than GETs (at least {AT_LEAST:g})")
    print(f"{'':30}   {ours / base:5.2f} of the bare loop (at most {AT_MOST_OF_BARE})")
    print(f"ours, nothing changed {again:6.2f} s   {gets / again:5.1f} times faster than GETs")
    return 0 if gets / ours >= AT_LEAST and ours / base <= AT_MOST_OF_BARE else 1


def main() -> int:
    with tempfile.TemporaryDirectory() as directory:
        radicale = Radicale(Path(directory))
        try:
            server = radicale.fresh_home()
            seed(server, "work", events(COUNT))
            storage = open_storage(str(Path(directory) / "store"))
            repository = Repository.create(storage, Configuration.new(encrypted=True), passphrase=b"benchmark")
            return asyncio.run(race(server, repository))
        finally:
            radicale.stop()


if __name__ == "__main__":
    sys.exit(main())
