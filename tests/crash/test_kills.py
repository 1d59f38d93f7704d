"""`kill -9` of the real program at moments that chance chooses, one after another on one store that has to bear it all.

The full tier kills 25 times, the soak tier 500 times; what each command went through is printed.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterator, Mapping

import pytest

from caldav_backup.kloset.storage import Kind
from tests.cli.conftest import Program, cli
from tests.crash.lives import COMMANDS, KILLED, Life
from tests.interop.plakar import Plakar, find_plakar

__all__ = ["cli"]

FEWEST = 4  # snapshots, below which another is wanted
MOST = 8  # snapshots, above which it is time to prune
PLAKAR_EVERY = 10  # kills between two checks by plakar


@pytest.mark.parametrize(
    "kills",
    [
        pytest.param(25, marks=[pytest.mark.full, pytest.mark.timeout(600)]),
        pytest.param(500, marks=[pytest.mark.soak, pytest.mark.timeout(7200)]),
    ],
)
def test_a_store_bears_every_kill(
    cli: Program, chance: random.Random, kills: int, capsys: pytest.CaptureFixture[str]
) -> None:
    life = Life(cli, chance)
    plakar = find_plakar(life.store, None)
    tally: dict[str, Counter[str]] = {name: Counter() for name in KILLED}
    while sum(each["killed"] for each in tally.values()) < kills:
        name = choose(len(life.world.held), chance)
        life.change()
        life.do(COMMANDS[name].before)
        if not life.kill(name):
            tally[name]["done before"] += 1
        else:
            tally[name]["killed"] += 1
            tally[name]["in the middle of writing"] += life.unfinished() > 0
        life.assert_nothing_lost(name)
        life.unlock()
        for next_one in (name, COMMANDS[name].after, "backup"):
            life.do(next_one)
        life.world.assert_backed_up()
        life.assert_nothing_lost("backup")
        assert list(life.world.storage.ids(Kind.LOCK)) == []
        if plakar is not None and sum(tally[name].values()) % PLAKAR_EVERY == 0:
            assert_agrees(plakar, life)
    with capsys.disabled():
        sys.stdout.writelines(table(tally))


def choose(snapshots: int, chance: random.Random) -> str:
    if snapshots < FEWEST:
        return "backup"
    return "prune" if snapshots > MOST else chance.choice(KILLED)


def table(tally: Mapping[str, Counter[str]]) -> Iterator[str]:
    yield "\n"
    for name, counts in tally.items():
        yield f"  {name}: {', '.join(f'{count} {what}' for what, count in sorted(counts.items()))}\n"


def assert_agrees(plakar: Plakar, life: Life) -> None:
    plakar.run("check")
    assert len(plakar.snapshots()) == len(life.world.held)
