"""Putters of real servers, and a look at what they wrote that asks nothing of our client."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import httpx

from caldav_backup import dav
from caldav_backup.connectors.products import recognise
from caldav_backup.connectors.putting import Putter
from tests.servers.server import Server

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def client_of(server: Server, network: httpx.AsyncBaseTransport | None = None) -> dav.Client:
    login = dav.BasicAuthentication(server.user, server.password) if server.user else None
    return dav.Client(dav.Transport(server.url, login, network=network, retries=dav.Retries(first_wait=0.01)))


async def putter_of(server: Server, client: dav.Client) -> Putter:
    return Putter(client, await recognise(client, server.home))


def content_of(server: Server, href: str) -> bytes:
    return server.expect("GET", href).body
