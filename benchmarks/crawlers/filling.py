"""Servers with an account whose calendar holds as many events as are asked for.

Their files lie in memory where there is room: a server that waits for a disk with each PUT takes minutes to be filled
(Cyrus 3.6: 90 events a second, 250 in memory), and what a contestant asks is answered from memory anyway.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.crawlers.account import CALENDAR
from tests.events import events
from tests.servers.recipes import RECIPES, RunningServer
from tests.servers.server import Server, seed

SERVERS = ("radicale", "sabredav", "cyrus")

_MEMORY = Path("/dev/shm")
#: Where the recipes look for a place, as they do in tests.
_PLACE = "PYTEST_DEBUG_TEMPROOT"


@contextmanager
def running(name: str) -> Iterator[RunningServer]:
    """The server of that name, until the end of the block."""
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK):
        os.environ.setdefault(_PLACE, str(_MEMORY))
    with tempfile.TemporaryDirectory(prefix="crawl-server-", dir=os.environ.get(_PLACE)) as directory:
        server = RECIPES[name](Path(directory))
        try:
            yield server
        finally:
            server.stop()


def filled_home(server: RunningServer, count: int) -> Server:
    """A new home with one calendar of `count` events."""
    home = server.fresh_home()
    seed(home, CALENDAR, events(count))
    return home
