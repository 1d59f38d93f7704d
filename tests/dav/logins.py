"""A server that lets in whom it likes, for tests of logging in."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from caldav_backup import dav
from caldav_backup.dav import requests
from tests.dav.fakes import BASE, run, transport

PASSWORD = "s3cret-pass"


def challenge(*headers: str, status: int = 401) -> httpx.Response:
    return httpx.Response(status, headers=[("www-authenticate", header) for header in headers])


class Guard:
    """Lets through what `accepts` says; all others get `challenges`."""

    def __init__(self, accepts: Callable[[str], bool], *challenges: str) -> None:
        self.accepts = accepts
        self.challenges = challenges
        self.seen: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request.headers.get("authorization", ""))
        return httpx.Response(200) if self.accepts(self.seen[-1]) else challenge(*self.challenges)

    @property
    def ways(self) -> list[str]:
        return [header.partition(" ")[0] for header in self.seen]


def login() -> dav.PasswordAuthentication:
    return dav.PasswordAuthentication("alice", PASSWORD)


async def nothing(_: object) -> None:
    """The status is enough."""


def ask(server: Callable[[httpx.Request], httpx.Response], authentication: dav.Authentication, times: int = 1) -> None:
    async def story() -> None:
        async with transport(server, authentication=authentication) as network:
            for number in range(times):
                await network.exchange(requests.get(f"{BASE}/{number}?x=y"), nothing)

    run(story())


def refused(server: Callable[[httpx.Request], httpx.Response], authentication: dav.Authentication) -> str:
    with pytest.raises(dav.Unauthorized) as caught:
        ask(server, authentication)
    assert "\n" not in str(caught.value) and PASSWORD not in str(caught.value)
    return str(caught.value)


def nobody(_: str) -> bool:
    return False
