"""A bare loop: list, then multiget in batches of 100, one after the other or N at once. It keeps nothing.

What any client must do that asks as servers like to be asked, and no more: no discovery, no parsing but for hrefs.
"""

from __future__ import annotations

import asyncio
import re
import sys

import httpx

from benchmarks.crawlers.account import Account, begin, done, now

BATCH = 100
_LIST = b'<propfind xmlns="DAV:"><prop><getetag/></prop></propfind>'
_HREF = re.compile(r"<(?:\w+:)?href>([^<]+\.ics)</")
_XML = {"Content-Type": "application/xml; charset=utf-8"}


def multiget(hrefs: list[str]) -> bytes:
    members = "".join(f"<D:href>{href}</D:href>" for href in hrefs)
    return (
        '<C:calendar-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">'
        f"<D:prop><D:getetag/><C:calendar-data/></D:prop>{members}</C:calendar-multiget>"
    ).encode()


async def run(client: httpx.AsyncClient, calendar: str, at_once: int) -> int:
    """How many events were read."""
    listing = await client.request("PROPFIND", calendar, content=_LIST, headers={"Depth": "1", **_XML})
    hrefs = _HREF.findall(listing.text)
    turns = asyncio.Semaphore(at_once)

    async def fetch(start: int) -> int:
        async with turns:
            body = multiget(hrefs[start : start + BATCH])
            answer = await client.request("REPORT", calendar, content=body, headers={"Depth": "1", **_XML})
            return answer.text.count("BEGIN:VEVENT")

    return sum(await asyncio.gather(*(fetch(start) for start in range(0, len(hrefs), BATCH))))


async def work(account: Account, at_once: int) -> int:
    async with httpx.AsyncClient(auth=(account.user, account.password), timeout=300, trust_env=False) as client:
        begin(account)
        return await run(client, account.calendar, at_once)


def main() -> None:
    account = Account.from_command_line()
    events = asyncio.run(work(account, int(sys.argv[2])))
    done(account, events, now())


if __name__ == "__main__":
    main()
