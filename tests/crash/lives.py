"""A store in a directory that real processes work on and are killed in the middle of, again and again."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import NamedTuple

from caldav_backup.kloset.storage import FilesystemStorage
from tests.cli.conftest import ROOT, Program
from tests.crash.worlds import World, assert_nothing_lost

EVENTS = 24  # in the directory of calendars, of which some change each time
POLL = 0.001  # seconds between two looks at whether a run has begun to write


class Command(NamedTuple):
    """A command line; `{vdir}` and `{other}` stand for directories."""

    words: tuple[str, ...]
    removes: Callable[[World], Collection[int]] = lambda _: ()
    """Times of the snapshots that may be gone afterwards."""
    before: str = ""
    """What is done before, so that there is something to do."""
    after: str = ""


def _all_but(count: int) -> Callable[[World], Collection[int]]:
    return lambda world: sorted(world.held)[:-count]


def _last_but_one(world: World) -> Collection[int]:
    return sorted(world.held)[-2:-1]


COMMANDS = {
    "backup": Command(("backup", "{vdir}", "--accept-shrink")),
    "prune": Command(("prune", "--keep-last", "4", "--apply"), _all_but(4)),
    "rm": Command(("rm", "latest~1", "--apply"), _last_but_one),
    "pin": Command(("pin", "latest", "--apply"), after="unpin"),
    "unpin": Command(("pin", "--remove", "latest", "--apply"), before="pin"),
    "maintenance": Command(("maintenance", "--grace", "0s", "--apply")),
    "maintenance --repack": Command(("maintenance", "--repack", "--grace", "0s", "--apply")),
    "sync": Command(("sync", "from", "{other}"), before="backup elsewhere"),
    "backup elsewhere": Command(("backup", "{vdir}", "--accept-shrink", "--store", "{other}")),
}
KILLED = tuple(name for name in COMMANDS if name != "backup elsewhere")


class Timing(NamedTuple):
    """Seconds from the start of a process: when it began to write into the store, and when it ended."""

    writes: float
    end: float


class Life:
    """One store, and a second one that is synced with it."""

    def __init__(self, cli: Program, chance: random.Random) -> None:
        self.cli = cli
        self.chance = chance
        self.store = cli.home / "store"
        self.world = World(cli.home / "vdir", FilesystemStorage(self.store))
        self._numbers = list(range(EVENTS))
        self._timings: dict[str, Timing] = {}
        for store in (self.store, cli.home / "other"):
            assert cli("init", "--plaintext", "--store", str(store)).code == 0
        self.world.put("work", *self._numbers)
        self.do("backup")

    def words(self, name: str) -> list[str]:
        places = {"{vdir}": str(self.world.vdir), "{other}": str(self.cli.home / "other")}
        return [places.get(word, word) for word in COMMANDS[name].words]

    def do(self, name: str) -> None:
        """The whole command, in this process, if any; then what it left is what must stay."""
        if not name:
            return
        ended = self.cli(*self.words(name))
        assert ended.code == 0, (name, ended)
        self.world.remember()

    def change(self) -> None:
        """What a day brings to the calendars."""
        for number in self.chance.sample(self._numbers, 3):
            self.world.put("work", number, note=f"moved to {self.chance.random()}")
        new = self._numbers[-1] + 1
        self._numbers.append(new)
        self.world.put("work", new)
        (self.world.vdir / "work" / f"{self._numbers.pop(0)}.ics").unlink()

    def kill(self, name: str) -> bool:
        """Start the command and kill it at some moment; False when it was done before.

        One in five at any moment, the others after they have begun to write: most of a run is not spent on that, and
        how long the rest takes depends on what else the machine does.
        """
        timing = self._timing(name)
        before = self._state()
        with self._start(name) as process:
            moment = timing.end
            if self.chance.random() >= 0.2:
                moment -= timing.writes
                while process.poll() is None and self._state() == before:
                    time.sleep(POLL)
            with suppress(subprocess.TimeoutExpired):
                process.wait(moment * self.chance.random())
            process.kill()
        assert process.returncode in {0, -9}, (name, process.returncode)
        return process.returncode == -9

    def unlock(self) -> None:
        """Ten minutes that pass, for those who cannot wait."""
        assert self.cli("unlock", "--all", "--apply").code == 0

    def unfinished(self) -> int:
        """Temporary files and locks that killed programs left."""
        return len(list(self.store.glob("**/tmp.*"))) + len(list((self.store / "locks").iterdir()))

    def assert_nothing_lost(self, name: str) -> None:
        assert_nothing_lost(self.world.open(), self.world.held, may_go=COMMANDS[name].removes(self.world))

    def _timing(self, name: str) -> Timing:
        if name not in self._timings:
            aside = self.store.with_name("aside")
            shutil.copytree(self.store, aside)
            self._timings[name] = self._measure(name)
            shutil.rmtree(self.store)
            aside.rename(self.store)
        return self._timings[name]

    def _measure(self, name: str) -> Timing:
        before, began, writes = self._state(), time.monotonic(), 0.0
        with self._start(name) as process:
            while process.poll() is None:
                if not writes and self._state() != before:
                    writes = time.monotonic() - began
                time.sleep(POLL)
        assert process.returncode == 0
        end = time.monotonic() - began
        return Timing(writes or end / 2, end)

    def _state(self) -> list[int]:
        """Temporary files and locks come and go in these directories."""
        places = (self.store, self.store / "packfiles", self.store / "states", self.store / "locks")
        return [place.stat().st_mtime_ns for place in places]

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "caldav_backup", *self.words(name)],
            env=os.environ | self.cli.environ,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
