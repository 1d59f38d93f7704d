"""A deed, and a world in memory in which everything is ready for it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from caldav_backup.kloset.storage import MemoryStorage
from tests.crash.deed import Deed
from tests.crash.deeds import DEEDS
from tests.crash.worlds import World


@pytest.fixture(params=DEEDS)
def deed(request: pytest.FixtureRequest) -> Deed:
    return DEEDS[request.param]


@pytest.fixture
def world(deed: Deed, tmp_path: Path, chance: random.Random) -> World:
    made = World(tmp_path / "vdir", MemoryStorage(), is_encrypted=chance.random() < 0.5)
    deed.prepare(made)
    return made
