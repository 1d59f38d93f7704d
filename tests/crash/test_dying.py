"""A program that dies at its n-th deed leaves a store in which nothing is lost, and the next run does what it did not.

The quick and the full tier die at places that chance chooses, the soak tier at every one.
"""

from __future__ import annotations

import random
from contextlib import suppress

import pytest

from tests.crash.aftermath import assert_survived
from tests.crash.deed import Deed
from tests.crash.dying import DyingStorage
from tests.crash.fate import Death, Fate
from tests.crash.worlds import World

SAMPLED = 4  # deaths of each deed in the full tier


def places(world: World, deed: Deed) -> int:
    """In how many places the deed can die."""
    fate = Fate()
    copied = world.copy()
    deed.do(copied, DyingStorage(copied.storage, fate))
    assert fate.deeds > 0
    return fate.deeds


def die(world: World, deed: Deed, at: int, *, after: bool) -> World:
    """The world as it is left by a deed that died."""
    left, fate = world.copy(), Fate(at, after=after)
    with suppress(Death):
        deed.do(left, DyingStorage(left.storage, fate))
        # A backup stores less once its files are older than two seconds, and may end before its time has come.
        assert not fate.is_dead, "the deed came to its end although its storage was dead"
    return left


@pytest.mark.full
def test_nothing_is_lost_wherever_a_program_dies(world: World, deed: Deed, chance: random.Random) -> None:
    deaths = [(at, after) for at in range(1, places(world, deed) + 1) for after in (False, True)]
    for at, after in chance.sample(deaths, min(SAMPLED, len(deaths))):
        assert_survived(die(world, deed, at, after=after), deed)


@pytest.mark.soak
def test_nothing_is_lost_at_any_place_where_a_program_dies(world: World, deed: Deed) -> None:
    for at in range(1, places(world, deed) + 1):
        for after in (False, True):
            assert_survived(die(world, deed, at, after=after), deed)
