"""Who takes part, and one measured run of one of them: a process of its own, behind the proxy.

A run's time begins with its first connection, as the proxy sees it, and ends when the contestant says so: imports and
key derivation are apart for all of them alike.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from benchmarks.crawlers.account import Account, Done
from benchmarks.delay_proxy import DelayProxy
from tests.servers.server import Server

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Contestant:
    """A program of `package`; `preparation` are its arguments for what is done before, unmeasured."""

    name: str
    program: str
    arguments: tuple[str, ...] = ()
    preparation: tuple[str, ...] | None = None
    is_peer: bool = False
    has_quiet_run: bool = True
    package: str = "benchmarks.crawlers"


BARE = Contestant("bare loop", "bare", ("1",), has_quiet_run=False)
BARE_AT_ONCE = Contestant("bare loop, 3 at once", "bare", ("3",), has_quiet_run=False)
OURS = Contestant("ours", "ours")
PEERS = (
    Contestant("vdirsyncer", "vdirsyncer_peer", ("sync",), ("prepare",), is_peer=True),
    Contestant("python-caldav", "caldav_peer", is_peer=True),
)


class Run(NamedTuple):
    """One run: seconds, requests, bytes that the server sent, peak memory in MiB."""

    seconds: float
    requests: int
    received: int
    peak: float


class RunFailed(Exception):
    """A contestant did not do its work; the message ends with what it printed last."""


class Runner:
    """Runs contestants; `peers_python` is the Python that has the peers, None where they do not take part.

    `imports` is a directory that remembers what each contestant imports: a run whose program is not known there yet
    imports some of it while the clock runs.
    """

    def __init__(self, proxy: DelayProxy, imports: Path, peers_python: Path | None) -> None:
        self._proxy = proxy
        self._imports = imports
        self._peers_python = peers_python

    def account(self, contestant: Contestant, server: Server, directory: str) -> Account:
        """The server's addresses, with the proxy's port in them."""
        url, home = (f"http://127.0.0.1:{self._proxy.port}{urlsplit(each).path}" for each in (server.url, server.home))
        return Account(url, home, server.user, server.password, directory, str(self._imports / contestant.program))

    async def prepare(self, contestant: Contestant, account: Account) -> None:
        if contestant.preparation is not None:
            await self._process(contestant, account, contestant.preparation)

    async def run(self, contestant: Contestant, account: Account, events: int) -> Run:
        """One run, at whose end the contestant holds `events`. Raises RunFailed for any other end."""
        traffic = self._proxy.begin()
        printed = await self._process(contestant, account, contestant.arguments)
        done = Done(*json.loads(printed.splitlines()[-1]))
        if done.events != events:
            raise RunFailed(f"{contestant.name} has {done.events} of {events} events")
        return Run(done.ended - traffic.began, traffic.requests, traffic.received, done.peak)

    async def _process(self, contestant: Contestant, account: Account, arguments: tuple[str, ...]) -> str:
        python = self._peers_python if contestant.is_peer else sys.executable
        assert python is not None
        process = await asyncio.create_subprocess_exec(
            python,
            "-m",
            f"{contestant.package}.{contestant.program}",
            account.to_argument(),
            *arguments,
            cwd=ROOT,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        printed, complaints = await process.communicate()
        if process.returncode:
            raise RunFailed(f"{contestant.name} ended with {process.returncode}:\n{complaints.decode()[-2000:]}")
        return printed.decode()


def _environment() -> dict[str, str]:
    """The user's, without proxies: everybody talks to the loopback interface."""
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
