"""A storage that fills up, goes away or fails once, in the middle of anything: an error that says so, and nothing lost.

The full tier fails at places that chance chooses, the soak tier at every one.
"""

from __future__ import annotations

import random
from contextlib import suppress

import pytest

from caldav_backup.kloset.errors import StorageError
from caldav_backup.kloset.storage import Kind
from tests.crash.aftermath import assert_survived
from tests.crash.deed import Deed
from tests.crash.dying import DyingStorage
from tests.crash.fate import Failing, Failure
from tests.crash.worlds import World

SAMPLED = 3  # failures of each deed in the full tier


def calls(world: World, deed: Deed) -> int:
    """How often the deed turns to its storage."""
    fate = Failing(1 << 60, Failure.GONE)
    copied = world.copy()
    deed.do(copied, DyingStorage(copied.storage, fate))
    return fate.calls


def fail(world: World, deed: Deed, at: int, failure: Failure) -> World:
    """The world as it is left by a deed whose storage failed, which it tells, or does without what it wanted."""
    left = world.copy()
    with suppress(StorageError):
        deed.do(left, DyingStorage(left.storage, Failing(at, failure)))
    if failure is Failure.FULL:
        assert list(left.storage.ids(Kind.LOCK)) == []
    return left


@pytest.mark.full
def test_nothing_is_lost_wherever_a_storage_fails(world: World, deed: Deed, chance: random.Random) -> None:
    failures = [(at, failure) for at in range(1, calls(world, deed) + 1) for failure in Failure]
    for at, failure in chance.sample(failures, min(SAMPLED, len(failures))):
        assert_survived(fail(world, deed, at, failure), deed)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_nothing_is_lost_at_any_place_where_a_storage_fails(world: World, deed: Deed) -> None:
    for at in range(1, calls(world, deed) + 1):
        for failure in Failure:
            assert_survived(fail(world, deed, at, failure), deed)
