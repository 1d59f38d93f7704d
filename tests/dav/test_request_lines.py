"""What `on_request` tells, and the two counters."""

from __future__ import annotations

from collections import Counter

import httpx

from caldav_backup import dav
from caldav_backup.dav import requests
from tests.dav.fakes import BASE, FakeServer, failure, reply, run, transport

PASSWORD = "s3cret-pass"
DIGEST = {"www-authenticate": 'Digest realm="r", nonce="n", qop="auth"'}


async def nothing(_: object) -> None:
    """The status is enough."""


def lines(server: FakeServer, *urls: str) -> tuple[list[dav.RequestLine], dav.Transport]:
    told: list[dav.RequestLine] = []
    login = dav.PasswordAuthentication("alice", PASSWORD)
    network = transport(server, authentication=login, on_request=told.append)

    async def story() -> None:
        async with network:
            for url in urls:
                await network.exchange(requests.get(url), nothing)

    run(story())
    return told, network


def test_each_request_is_told_once_with_why_it_was_sent() -> None:
    server = FakeServer()
    server.on("GET", "/a", reply(401, headers=DIGEST), reply(301, headers={"location": "/b?token=x"}))
    server.on("GET", "/b?token=x", failure(httpx.ConnectError("gone")), reply(503), reply(200))
    told, network = lines(server, f"{BASE}/a")
    assert [(line.number, line.url, line.status, line.kind) for line in told] == [
        (1, f"{BASE}/a", 401, "request"),
        (2, f"{BASE}/a", 301, "challenge"),
        (3, f"{BASE}/b", None, "redirect"),
        (4, f"{BASE}/a", 301, "repeat"),
        (5, f"{BASE}/b", 503, "redirect"),
        (6, f"{BASE}/a", 301, "repeat"),
        (7, f"{BASE}/b", 200, "redirect"),
    ]
    assert {line.method for line in told} == {"GET"}
    assert all(0 <= line.seconds < 10 for line in told)
    assert (network.requests, network.challenges) == (7, 1)


def test_nothing_secret_is_told() -> None:
    server = FakeServer()
    server.on("GET", "/a", reply(401, headers=DIGEST), reply(302, headers={"location": "//u:pw@dav.example/b?k=v#f"}))
    server.on("GET", "/b?k=v", reply(200))
    told, _ = lines(server, f"{BASE}/a")
    text = repr(told)
    for secret in (PASSWORD, "alice", "Digest", "u:pw", "k=v"):
        assert secret not in text
    assert told[-1].url == f"{BASE}/b"


def test_a_write_that_is_repeated_says_so_too() -> None:
    server = FakeServer()
    told: list[dav.RequestLine] = []
    server.on("PUT", "/cal/a.ics", reply(503), reply(201))

    async def story() -> None:
        async with dav.Client(transport(server, on_request=told.append)) as client:
            await client.put("/cal/a.ics", b"BEGIN:VCALENDAR")

    run(story())
    assert [(line.method, line.kind) for line in told] == [("PUT", "request"), ("GET", "repeat"), ("PUT", "repeat")]


def test_a_quiet_login_costs_one_challenge_in_a_whole_run() -> None:
    server = FakeServer()
    for number in range(5):
        server.on("GET", f"/{number}", reply(401, headers=DIGEST) if not number else reply(200), reply(200))
    told, network = lines(server, *(f"{BASE}/{number}" for number in range(5)))
    assert Counter(line.kind for line in told) == {"request": 5, "challenge": 1}
    assert network.requests - network.challenges == 5
