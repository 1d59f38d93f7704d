"""plakar for a test, with a home of its own that goes away."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.interop.plakar import Plakar, find_plakar

PASSPHRASE = "a passphrase for both"

MakePlakar = Callable[[bool], Plakar]


@pytest.fixture
def make_plakar(tmp_path: Path) -> Iterator[MakePlakar]:
    """Gives plakar for the store at `tmp_path / "store"`, which is encrypted or not."""
    made: list[Plakar] = []

    def make(encrypted: bool) -> Plakar:
        plakar = find_plakar(tmp_path / "store", PASSPHRASE if encrypted else None)
        assert plakar is not None
        made.append(plakar)
        return plakar

    yield make
    for plakar in made:
        shutil.rmtree(plakar.home, ignore_errors=True)
