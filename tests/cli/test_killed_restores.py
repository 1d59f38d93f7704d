"""A restore that was killed at any of its writes is complete after the next run: nothing twice, nothing lost.

The full tier kills at every sixth write, from one on that chance chooses; the soak tier at each.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from caldav_backup import ics
from tests.cli.conftest import ROOT, Program
from tests.cli.test_backup import vdir
from tests.events import event, events
from tests.restorer.faulty import held
from tests.servers.breaking import Asked, Break, breaking
from tests.servers.server import Server, seed

if TYPE_CHECKING:
    import random

STEPS = pytest.mark.parametrize(
    "step", [pytest.param(6, marks=pytest.mark.full, id="some"), pytest.param(1, marks=pytest.mark.soak, id="every")]
)
HOME, WORK = events(8), events(4, first=100)
#: In `home` before: one that is another version, and one of which the snapshot knows nothing.
BEFORE = [event(1, summary="changed since", sequence=3), event(50)]
EXPECTED = {
    "home": Counter([*(one.uid for one in HOME), event(50).uid]),
    "work": Counter(one.uid for one in WORK),
}
RESTORE = ("restore", "--to", "@me", "--on-conflict", "replace", "--yes")


class Killer:
    """Kills `victim` when the write comes that is left; with `arrives`, that write reaches the server all the same."""

    victim: subprocess.Popen[str] | None = None

    def __init__(self, write: int, *, arrives: bool) -> None:
        self.left = write
        self._arrives = arrives

    def __call__(self, asked: Asked) -> Break | None:
        if asked.method != "PUT":
            return None
        self.left -= 1
        if self.left == 0 and self.victim is not None:
            self.victim.kill()
        return Break.DROPPED if self.left <= 0 and not (self.left == 0 and self._arrives) else None


@pytest.fixture
def store(cli: Program) -> Program:
    """A store with one snapshot of two calendars."""
    root = cli.home / "vdir"
    vdir(root, "home", 0)
    for name, contents in (("home", HOME), ("work", WORK)):
        (root / name).mkdir(exist_ok=True)
        for one in contents:
            (root / name / one.name).write_bytes(one.content)
    cli("init", "--plaintext")
    assert cli("backup", str(root)).code == 0
    return cli


def killed(cli: Program, server: Server, write: int, *, arrives: bool) -> bool:
    """One run that is killed at that write; False when it ends before it comes to so many."""
    killer = Killer(write, arrives=arrives)
    with breaking(server, killer) as url:
        cli("destination", "set", "me", f"location={url}")
        with subprocess.Popen(
            [sys.executable, "-m", "caldav_backup", *RESTORE],
            env=cli.environ,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as killer.victim:
            out, err = killer.victim.communicate(timeout=60)
    assert (killer.victim.returncode == -9) == (killer.left <= 0), out + err
    return killer.left <= 0


@STEPS
@pytest.mark.parametrize("name", ["radicale", "sabredav", "cyrus"])
@pytest.mark.parametrize("arrives", [False, True], ids=["lost", "arrived"])
def test_the_next_restore_completes_what_a_killed_one_left(
    store: Program, fresh_home: Callable[[str], Server], name: str, chance: random.Random, step: int, arrives: bool
) -> None:
    write = 1 + chance.randrange(step)
    while True:
        server = fresh_home(name)
        seed(server, "home", BEFORE, displayname="home")
        foreign = {href: body for href, body in held(server).objects.items() if ics.uid(body) == event(50).uid}
        store("destination", "add", "me", server.url, f"username={server.user}", f"password={server.password}")
        if not killed(store, server, write, arrives=arrives):
            break
        store("destination", "set", "me", f"location={server.url}")
        ended = store(*RESTORE)
        assert ended.code == 0, ended.out + ended.err
        after = held(server)
        assert after.uids == EXPECTED
        assert foreign.items() <= after.objects.items()
        there = {ics.uid(body): body for body in after.objects.values()}
        assert all(ics.same_meaning(one.content, there[one.uid]) for one in (*HOME, *WORK))
        assert store(*RESTORE, "--json").document["result"]["counts"]["identical"] == len(HOME) + len(WORK)
        store("destination", "rm", "me")
        write += step
    assert write > len(HOME) + len(WORK)
