"""What the tests of providers share."""

from __future__ import annotations

import pytest

from tests.patience.runs import Nights


@pytest.fixture
def nights() -> Nights:
    return Nights()
