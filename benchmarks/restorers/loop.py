"""A bare loop of PUTs into a calendar that is there, one after the other or N at once.

What any client must do that writes event by event, and no more: no discovery, no plan, nothing is read back.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

import httpx

from benchmarks.crawlers.account import Account, begin, done, now
from tests.events import Event, events

_HEADERS = {"Content-Type": "text/calendar; charset=utf-8", "If-None-Match": "*"}


async def run(client: httpx.AsyncClient, calendar: str, to_write: Sequence[Event], at_once: int) -> int:
    """How many events the server took."""
    left = iter(to_write)

    async def work() -> int:
        written = 0
        for event in left:
            answer = await client.put(calendar + event.name, content=event.content, headers=_HEADERS)
            written += answer.status_code == httpx.codes.CREATED
        return written

    return sum(await asyncio.gather(*(work() for _ in range(at_once))))


async def work(account: Account, count: int, at_once: int) -> int:
    async with httpx.AsyncClient(auth=(account.user, account.password), timeout=300, trust_env=False) as client:
        begin(account)
        return await run(client, account.calendar, events(count), at_once)


def main() -> None:
    account = Account.from_command_line()
    count, at_once = int(sys.argv[2]), int(sys.argv[3])
    written = asyncio.run(work(account, count, at_once))
    done(account, written, now())


if __name__ == "__main__":
    main()
