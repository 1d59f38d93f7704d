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
from tests.crash.lives import COMMANDS, Life
from tests.interop.plakar import Plakar, find_plakar

__all__ = ["cli"]

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
    tally: dict[str, Counter[str]] = {name: Counter() for name in COMMANDS}
    while sum(each["killed"] for each in tally.values()) < kills:
        name = "prune" if len(life.world.held) > MOST else chance.choice(list(COMMANDS))
        life.change()
        if not life.kill(name):
            tally[name]["done before"] += 1
        else:
            tally[name]["killed"] += 1
            tally[name]["in the middle of writing"] += life.unfinished() > 0
        life.assert_nothing_lost(name)
        life.unlock()
        life.do(name)
        if name != "backup":
            life.do("backup")
        life.world.assert_backed_up()
        life.assert_nothing_lost("backup")
        assert list(life.world.storage.ids(Kind.LOCK)) == []
        if plakar is not None and sum(tally[name].values()) % PLAKAR_EVERY == 0:
            assert_agrees(plakar, life)
    with capsys.disabled():
        sys.stdout.writelines(table(tally))


def table(tally: Mapping[str, Counter[str]]) -> Iterator[str]:
    yield "\n"
    for name, counts in tally.items():
        yield f"  {name}: {', '.join(f'{count} {what}' for what, count in sorted(counts.items()))}\n"


def assert_agrees(plakar: Plakar, life: Life) -> None:
    plakar.run("check")
    assert len(plakar.snapshots()) == len(life.world.held)
