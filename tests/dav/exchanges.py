"""One exchange with a scripted server, and the error that it ends with."""

from __future__ import annotations

import pytest

from caldav_backup import dav
from caldav_backup.dav import requests
from caldav_backup.dav.answer import Answer
from tests.dav.fakes import BASE, FakeServer, run, transport

GET = requests.get(f"{BASE}/x")
PASSWORD = "s3cret-pass"


async def read(answer: Answer) -> bytes:
    return await answer.read(1_000_000)


def exchange(server: FakeServer, request: requests.Request = GET, **options: object) -> bytes:
    async def story() -> bytes:
        async with transport(server, **options) as network:  # type: ignore[arg-type]  # handed through
            return await network.exchange(request, read)

    return run(story())


def failing(server: FakeServer, request: requests.Request = GET, **options: object) -> dav.DavError:
    with pytest.raises(dav.DavError) as caught:
        exchange(server, request, **options)
    assert PASSWORD not in f"{caught.value} {caught.value!r} {caught.value.excerpt}"
    return caught.value
