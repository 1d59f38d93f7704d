"""How much memory a large listing takes, measured in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

_PROGRAM = """
import asyncio, sys, httpx
from pathlib import Path
from caldav_backup import dav
from caldav_backup.dav import requests
from caldav_backup.dav.multistatus import Parser
from caldav_backup.dav.responses import iter_responses
from tests.dav.fakes import BASE, CALENDAR, NAMESPACES, kind, listed, response, run, transport

async def body(count):
    yield f"<d:multistatus {NAMESPACES}>{response('/cal/', kind('c:calendar'))}".encode()
    for number in range(count):
        date = f"<d:getlastmodified>Sun, 22 Nov 2026 18:{number // 60 % 60:02}:{number % 60:02} GMT</d:getlastmodified>"
        yield listed(f"{number:036}.ics", f'"{number:064x}"', 550, date).encode()
    yield b"</d:multistatus>"

def answer(count):
    return transport(lambda _: httpx.Response(207, content=body(count)))

async def parse(count):
    async def read(answer):
        return sum([1 async for _ in iter_responses(answer, Parser(dav.Limits()))])
    return await answer(count).exchange(requests.propfind(CALENDAR.url, ["{DAV:}getetag"], "1"), read)

async def keep(count):
    return len(await dav.Client(answer(count)).list_versions(CALENDAR)) + 1

def peak():
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024

deed = {"parse": parse, "keep": keep}[sys.argv[1]]
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
