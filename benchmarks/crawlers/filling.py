"""Servers with an account whose calendar holds as many events as are asked for, filled the quickest way there is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.crawlers.account import CALENDAR
from tests.events import events
from tests.servers.recipes import Radicale
from tests.servers.server import Server, seed

SERVERS = {"radicale": Radicale}


@contextmanager
def running(name: str, directory: Path) -> Iterator[Radicale]:
    """The server of that name, until the end of the block."""
    server = SERVERS[name](directory)
    try:
        yield server
    finally:
        server.stop()


def filled_home(server: Radicale, count: int) -> Server:
    """A new home with one calendar of `count` events."""
    home = server.fresh_home()
    seed(home, CALENDAR, events(count))
    return home
