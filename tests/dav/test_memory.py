"""How much memory a large listing takes, measured in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

_PROGRAM = """
import asyncio, sys, httpx
from pathlib import Path
from caldav_backup import dav
from caldav_backup.connectors.caldav import CalDavSource
from caldav_backup.connectors.uid_listing import list_uids
from caldav_backup.dav import requests
from caldav_backup.dav.multistatus import Parser
from caldav_backup.dav.responses import iter_responses
from tests.dav.fakes import BASE, CALENDAR, NAMESPACES, event, kind, listed, response, run, transport

async def body(count, data=""):
    yield f"<d:multistatus {NAMESPACES}>{response('/cal/', kind('c:calendar'))}".encode()
    for number in range(count):
        date = f"<d:getlastmodified>Sun, 22 Nov 2026 18:{number // 60 % 60:02}:{number % 60:02} GMT</d:getlastmodified>"
        more = date + data.format(number=number)
        yield listed(f"{number:036}.ics", f'"{number:064x}"', 550, more).encode()
    yield b"</d:multistatus>"

def answer(count):
    return transport(lambda _: httpx.Response(207, content=body(count)))

async def parse(count):
    async def read(answer):
        return sum([1 async for _ in iter_responses(answer, Parser(dav.Limits()))])
    return await answer(count).exchange(requests.propfind(CALENDAR.url, ["{DAV:}getetag"], "1"), read)

async def keep(count):
    return len(await dav.Client(answer(count)).list_versions(CALENDAR)) + 1

async def collect(count):
    source = CalDavSource(dav.Client(answer(count)), BASE + "/", origin="")
    return len((await source.list_versions(source.adopt(CALENDAR))).versions) + 1

async def uids(count):
    data = event("{number:036}", "x" * 500).decode()
    data = f"<c:calendar-data>{data}</c:calendar-data>"
    source = transport(lambda _: httpx.Response(207, content=body(count, data)))
    return len(await list_uids(dav.Client(source), CALENDAR.url)) + 1

async def get(size):
    content = b"BEGIN:VCALENDAR" + b"x" * size + b"END:VCALENDAR"
    account = dav.Client(transport(lambda _: httpx.Response(200, stream=Pieces(content))))
    versions = [dav.Version(f"/cal/{number}.ics", "", "", len(content)) for number in range(2)]
    return sum([len(each.content) - 28 for each in await account.fetch(CALENDAR, versions)]) // 2 + 1

class Pieces(httpx.AsyncByteStream):
    def __init__(self, content):
        self.content = content

    async def __aiter__(self):
        for start in range(0, len(self.content), 65536):
            yield self.content[start : start + 65536]

def peak():
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024

deed = {"parse": parse, "keep": keep, "collect": collect, "get": get, "uids": uids}[sys.argv[1]]
run(deed(100))
Path("/proc/self/clear_refs").write_text("5")
before = peak()
assert run(deed(int(sys.argv[2]))) == int(sys.argv[2]) + 1
print(peak() - before)
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")


def mebibytes(deed: str, count: int) -> float:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, deed, str(count)], capture_output=True, text=True, check=True, timeout=100
    )
    return float(done.stdout)


def test_reading_a_listing_takes_no_more_memory_for_more_members() -> None:
    assert mebibytes("parse", 5_000) < 4


@pytest.mark.full
def test_a_hundred_thousand_responses_are_read_in_twenty_mebibytes() -> None:
    assert mebibytes("parse", 100_000) < 20


@pytest.mark.full
def test_a_hundred_thousand_versions_are_kept_in_sixty_mebibytes() -> None:
    assert mebibytes("keep", 100_000) < 60


@pytest.mark.full
def test_a_hundred_thousand_versions_of_a_source_take_no_second_list() -> None:
    assert mebibytes("collect", 100_000) < 70


@pytest.mark.full
def test_a_hundred_thousand_uids_are_kept_in_fifty_mebibytes_whatever_comes_with_them() -> None:
    assert mebibytes("uids", 100_000) < 50


@pytest.mark.full
def test_two_objects_of_thirty_mebibytes_are_held_once_and_one_of_them_twice() -> None:
    assert mebibytes("get", 30 << 20) < 160
