"""The loopback server under every name of the internet, so that providers' addresses stand in tests as they are.

Owns the network below the client. Each provider's module names the public sources of the shapes it serves.
"""

from __future__ import annotations

import httpx

from tests.patience.runs import Night, Nights
from tests.servers.scripted import Asked, ScriptedServer


class ByName(httpx.AsyncBaseTransport):
    """Takes every request to `server`, whatever host it is for; the `Host` header says which it was."""

    def __init__(self, server: ScriptedServer) -> None:
        self._port = server.port
        self._network = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        there = request.url.copy_with(scheme="http", host="127.0.0.1", port=self._port)
        return await self._network.handle_async_request(
            httpx.Request(request.method, there, headers=request.headers, stream=request.stream)
        )

    async def aclose(self) -> None:
        await self._network.aclose()


def back_up_from(nights: Nights, server: ScriptedServer, url: str) -> Night:
    """One run from a provider's own address."""
    return nights.backup(server, url, network=ByName(server))


def hosts(asked: list[Asked]) -> set[str]:
    """The hosts that were asked, and were shown the password."""
    return {each.headers["host"] for each in asked if "authorization" in each.headers}


def assert_quiet(nights: Nights, server: ScriptedServer, url: str) -> Night:
    """The night after, with nothing changed: nothing is fetched, and the snapshot holds the same."""
    before = nights.stored()
    night = back_up_from(nights, server, url)
    assert night.outcome.fetched == 0
    assert (list(night.outcome.failures), night.outcome.deleted) == ([], 0)
    assert nights.stored() == before
    nights.assert_sound()
    return night
