"""What the tests of patience share: the program, and a store in memory for nights on end."""

from __future__ import annotations

import pytest

from tests.cli.conftest import cli
from tests.patience.runs import Nights

__all__ = ["cli"]


@pytest.fixture
def nights() -> Nights:
    return Nights()
